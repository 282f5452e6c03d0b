"""The middleware as a whole: what a visitor gets, and that the site survives."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from byleave.sdk.in_memory import InMemoryClient
from byleave.segments import Consent


def test_a_visitor_who_said_nothing_gets_the_sites_own_bytes(kit: Any, personalise: Any) -> None:
    answer = kit.browser(personalise()).get()

    assert answer.body == kit.page
    assert answer.set_cookies == {}


def test_a_visitor_who_accepted_gets_the_variant_and_an_id(kit: Any, personalise: Any) -> None:
    browser = kit.browser(personalise())
    browser.choose("accept")

    answer = browser.get()

    assert answer.body == kit.page.replace(b"<h2>Default</h2>", b"<h2>Variant</h2>")
    assert set(answer.set_cookies) == {"__Host-byleave_id", "__Host-byleave_profile"}


def test_a_visitor_keeps_id_and_arm(kit: Any, personalise: Any) -> None:
    browser = kit.browser(personalise())
    browser.choose("accept")
    first = browser.get().set_cookies["__Host-byleave_id"]
    kept = browser.cookies["__Host-byleave_id"]

    second = browser.get()

    assert first.partition(";")[0] == kept == browser.cookies["__Host-byleave_id"]
    assert b"Variant" in second.body


def test_consent_may_come_from_the_sites_own_code(kit: Any, personalise: Any) -> None:
    answer = kit.browser(personalise(consent=kit.granted)).get()

    assert b"Variant" in answer.body


def test_consent_that_cannot_be_read_is_refused(kit: Any, personalise: Any) -> None:
    def broken(_: Any) -> Consent:
        raise KeyError("cookie of somebody")

    answer = kit.browser(personalise(consent=broken)).get()

    assert answer.body == kit.page
    assert answer.set_cookies == {}


def test_consent_that_cannot_be_read_for_once_is_not_taken_back(kit: Any, personalise: Any) -> None:
    is_away = [False, True, False]

    def consent(_: Any) -> Any:
        if is_away.pop(0):
            raise LookupError("no database")
        return kit.granted(None)

    client = InMemoryClient(kit.define())
    browser = kit.browser(personalise(server=client, consent=consent))
    before = browser.get()
    kept = dict(browser.cookies)

    failed = browser.get()
    after = browser.get()

    assert failed.body == kit.page
    assert failed.set_cookies == {}
    assert client.withdrawals == {}
    assert b"Variant" in before.body
    assert b"Variant" in after.body
    assert browser.cookies["__Host-byleave_id"] == kept["__Host-byleave_id"]


@pytest.mark.parametrize(
    ("country", "is_shown"), [("US", True), ("DE", False), ("XX", False), ("", False)]
)
def test_silence_means_what_the_region_says(
    kit: Any, personalise: Any, country: str, is_shown: bool
) -> None:
    browser = kit.browser(personalise(country_header="X-Country"))

    answer = browser.get(x_country=country)

    assert (b"Variant" in answer.body) is is_shown


@pytest.mark.parametrize(
    ("method", "origin", "is_shown"),
    [
        ("GET", "cross-site", True),  # by a link
        ("POST", "same-origin", True),
        ("POST", "cross-site", False),  # back from a payment or a login
    ],
)
def test_silence_says_nothing_where_browsers_keep_back_what_was_said(
    kit: Any, personalise: Any, method: str, origin: str, is_shown: bool
) -> None:
    headers = {
        "user-agent": kit.chrome,
        "accept": "text/html",
        "sec-fetch-dest": "document",
        "sec-fetch-site": origin,
        "x-country": "US",
    }

    answer = kit.call(personalise(country_header="X-Country"), method=method, headers=headers)

    assert (b"Variant" in answer.body) is is_shown
    assert bool(answer.set_cookies) is is_shown


def test_a_known_visitor_whose_cookies_are_kept_back_keeps_them(kit: Any, personalise: Any) -> None:
    browser = kit.browser(personalise(consent=kit.granted))
    browser.get()
    kept, browser.cookies = browser.cookies, {}

    answer = browser.post("/", {}, sec_fetch_site="cross-site")

    assert kept
    assert answer.set_cookies == {}


def test_a_country_that_nobody_vouches_for_is_not_read(kit: Any, personalise: Any) -> None:
    answer = kit.browser(personalise()).get(x_country="US", cf_ipcountry="US")

    assert answer.body == kit.page


def test_gpc_does_not_forbid_what_a_site_does_for_itself(kit: Any, personalise: Any) -> None:
    answer = kit.browser(personalise(country_header="X-Country")).get(x_country="US", sec_gpc="1")

    assert b"Variant" in answer.body


@pytest.mark.parametrize(
    "agent", ["Googlebot/2.1", "curl/8.0", "Mozilla/5.0 (compatible; thing/1.0)"]
)
def test_a_crawler_sees_what_a_new_visitor_sees(kit: Any, personalise: Any, agent: str) -> None:
    answer = kit.browser(personalise(consent=kit.granted)).get(user_agent=agent)

    assert answer.body == kit.page
    assert answer.set_cookies == {}


def test_a_prefetch_leaves_no_trace(kit: Any, personalise: Any) -> None:
    answer = kit.browser(personalise(consent=kit.granted)).get(sec_purpose="prefetch;prerender")

    assert answer.body == kit.page
    assert answer.set_cookies == {}


def test_a_fragment_shows_only_arms_that_are_already_recorded(kit: Any, personalise: Any) -> None:
    browser = kit.browser(personalise(consent=kit.granted))
    before = browser.get(sec_fetch_dest="empty")
    browser.get()

    after = browser.get(sec_fetch_dest="empty")

    assert before.body == kit.page
    assert before.set_cookies == {}
    assert b"Variant" in after.body
    assert after.set_cookies == {}


def test_a_page_without_slots_is_left_alone(kit: Any, personalise: Any) -> None:
    headers = (("content-type", "text/html"), ("etag", '"1"'), ("cache-control", "max-age=60"))
    app = kit.html_app(b"<p>No slot</p>", headers=headers)

    answer = kit.browser(personalise(app)).get()

    assert answer.body == b"<p>No slot</p>"
    assert answer.headers == list(headers)


def test_page_views_are_kept_only_for_segments_that_read_them(kit: Any, personalise: Any) -> None:
    definitions = kit.define(experiments=kit.greeting(audience="returning"))
    browser = kit.browser(personalise(definitions=definitions, consent=kit.granted))

    shown = [b"Variant" in browser.get().body for _ in range(3)]

    assert shown == [False, True, True]


def test_nothing_is_remembered_of_page_views_that_no_definition_reads(
    kit: Any, personalise: Any
) -> None:
    definitions = kit.define(segments={}, experiments={})

    answer = kit.browser(personalise(definitions=definitions, consent=kit.granted)).get()

    assert answer.set_cookies == {}


def test_what_the_site_knows_takes_part_in_the_decision(kit: Any, personalise: Any) -> None:
    segments = {"customers": {"when": {"attribute": "is_customer", "equals": True}}}
    definitions = kit.define(segments=segments, experiments=kit.greeting(audience="customers"))
    site = personalise(
        definitions=definitions,
        consent=kit.granted,
        attributes=lambda scope: {"is_customer": scope["path"] == "/mine", "other": "ignored"},
    )

    assert b"Variant" in kit.browser(site).get("/mine").body
    assert b"Variant" not in kit.browser(site).get("/").body


def test_attributes_that_fail_leave_the_page(kit: Any, personalise: Any) -> None:
    def broken(_: Any) -> dict[str, Any]:
        raise RuntimeError

    answer = kit.browser(personalise(consent=kit.granted, attributes=broken)).get()

    assert b"Variant" in answer.body


def test_decisions_by_the_server_are_the_same(kit: Any, personalise: Any, server: Any) -> None:
    server.definitions = kit.define(
        experiments=kit.greeting(
            audience="returning", allocate={"policy": "fixed", "goal": "signup"}
        )
    )
    local = personalise(server=server, consent=kit.granted)
    remote = personalise(server=server, consent=kit.granted, decide="server")
    local.client.poll()
    remote.client.poll()
    pages: dict[str, list[bytes]] = {"local": [], "remote": []}
    for name, site in (("local", local), ("remote", remote)):
        for _ in range(20):
            browser = kit.browser(site)
            pages[name] += [browser.get().body.partition(b"<p>Outside")[0] for _ in range(3)]

    assert pages["local"] == pages["remote"]
    assert len(set(pages["local"])) == 2


def test_a_run_that_the_site_does_not_have_yet_is_left_alone_and_nothing_else(
    kit: Any, personalise: Any, server: Any
) -> None:
    def shop(arm: str) -> Any:
        everybody = {"policy": "fixed", "goal": "signup", "shares": {"control": 0, arm: 1}}
        new = kit.greeting()["greeting"] | {
            "slot": "side",
            "variants": {"control": "site", arm: {"html": "New"}},
            "allocate": everybody,
        }
        slots = {"hero": {"kind": "content"}, "side": {"kind": "content"}}
        return kit.define(slots=slots, experiments=kit.greeting() | {"aside": new})

    page = b"<div data-byleave-slot=hero>Old</div><div data-byleave-slot=side>Old</div>"
    kind = ("content-type", "text/html; charset=utf-8")
    server.definitions = shop("calm")
    site = personalise(
        kit.html_app(page, headers=[kind, ("etag", '"1"')]),
        server=server,
        consent=kit.granted,
        decide="server",
    )
    site.client.poll()
    before = kit.browser(site).get().body
    server.definitions, server.runs = shop("bold"), {"aside": "aside.2"}

    after = kit.browser(site).get().body
    site.client.flush()

    assert (before.count(b"Old"), after.count(b"Old")) == (0, 1)
    assert after.index(b"Old") > after.index(b"side")
    assert {each["run"] for each in server.of_type("exposure")} == {"greeting.local", "aside.local"}


@pytest.mark.parametrize("trouble", ["down", "refuses", "garbage", "never answered"])
def test_without_a_good_server_the_site_is_as_it_was(
    kit: Any, personalise: Any, server: Any, trouble: str
) -> None:
    site = personalise(server=server, consent=kit.granted)
    server.is_down = trouble == "down"
    server.status = 500 if trouble == "refuses" else 200
    server.snapshot = b'{"version": [' if trouble == "garbage" else None
    if trouble != "never answered":
        site.client.poll()

    answer = kit.browser(site).get()

    assert answer.body == kit.page
    assert answer.set_cookies == {}


def test_a_server_that_fails_to_decide_costs_nothing(
    kit: Any, personalise: Any, server: Any
) -> None:
    site = personalise(server=server, consent=kit.granted, decide="server")
    site.client.poll()
    server.is_down = True

    answer = kit.browser(site).get()

    assert answer.body == kit.page


def test_the_last_snapshot_is_used_until_it_is_too_old(
    kit: Any, personalise: Any, server: Any, clock: Any
) -> None:
    site = personalise(server=server, consent=kit.granted, age_limit_ms=1_000)
    site.client.poll()
    server.is_down = True
    clock.now_ms += 1_000
    before = kit.browser(site).get()
    clock.now_ms += 1

    after = kit.browser(site).get()

    assert b"Variant" in before.body
    assert after.body == kit.page


def test_an_error_of_the_site_is_the_sites_own(kit: Any, personalise: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        kit.browser(personalise(app)).get()


def test_many_requests_at_once_each_see_one_visitor(kit: Any, personalise: Any) -> None:
    site = personalise(consent=kit.granted)

    def visit(_: int) -> str:
        browser = kit.browser(site)
        assert b"Variant" in browser.get().body
        return str(browser.cookies["__Host-byleave_id"])

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(visit, range(64)))

    assert len(set(ids)) == 64


def test_no_log_line_holds_anything_of_a_visitor(
    kit: Any, personalise: Any, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def consent(scope: Any) -> Consent:
        raise ValueError(str(scope))

    site = personalise(server=server, consent=consent, attributes=consent)
    site.client.poll()
    browser = kit.browser(site)
    browser.cookies = {"__Host-byleave_id": "canary.cookie", "byleave_consent": "canary"}
    browser.get("/canary?canary=1", user_agent=f"{kit.chrome} canary", referer="/canary")
    browser.report({"pending": "canary", "goals": ["canary"], "seen": ["canary"]})
    browser.post("/.byleave/consent", {"choice": "canary", "back": "https://canary"})
    server.is_down = True
    site.client.poll()

    logged = [json.dumps(vars(entry), default=str) for entry in caplog.records]
    assert len(logged) > 2
    assert [line for line in logged if "canary" in line] == []
