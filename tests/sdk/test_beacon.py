"""The page's report: when the script is there, and what may be reported."""

import gzip
import re
from math import inf, nan
from typing import Any

import pytest

from byleave.sdk.beacon import file
from byleave.sdk.receipts import Receipt, mint
from byleave.sdk.reports import PENDING_LASTS_MS


@pytest.fixture
def site(kit: Any, personalise: Any, server: Any) -> Any:
    site = personalise(server=server, consent=kit.granted)
    site.client.poll()
    return site


@pytest.fixture
def american(kit: Any, personalise: Any, server: Any) -> Any:
    """A browser where silence allows, so that nothing is brought back at first."""
    site = personalise(server=server, country_header="X-Country")
    site.client.poll()
    return kit.browser(site, headers={"x-country": "US"})


def flushed(browser: Any, server: Any) -> list[dict[str, Any]]:
    browser.app.client.flush()
    return list(server.events)


def test_the_script_is_small() -> None:
    assert len(gzip.compress(file("beacon.js"), 9)) <= 1_536
    assert len(gzip.compress(file("beacon_events.js"), 9)) <= 1_024
    assert len(gzip.compress(file("beacon_offers.js"), 9)) <= 1_024


def test_a_page_with_a_served_slot_loads_the_script_before_its_end(kit: Any, site: Any) -> None:
    answer = kit.browser(site).get()

    assert answer.text.endswith('"></script></body></html>')
    assert answer.data["events"] == ["page_view"]
    [address] = re.findall(r'<script defer src="([^"]*)">', answer.text)
    loaded = kit.browser(site).get(address)
    assert loaded.body == file("beacon.js")
    assert loaded.header("content-type") == "text/javascript; charset=utf-8"
    assert "immutable" in (loaded.header("cache-control") or "")


def test_a_page_in_pieces_loads_it_too(kit: Any, personalise: Any, server: Any) -> None:
    pieces = [kit.page[:90], kit.page[90:-14], kit.page[-14:], b""]
    site = personalise(kit.html_app(pieces), server=server, consent=kit.granted)
    site.client.poll()

    answer = kit.browser(site).get()

    assert answer.text.count("byleave-data") == 1
    assert answer.text.endswith("</script></body></html>")


@pytest.mark.parametrize("path", ["", "?x", "?x=1"])
def test_the_script_is_only_fetched(kit: Any, site: Any, path: str) -> None:
    assert kit.browser(site).post(f"/.byleave/beacon.js{path}", {}).status == 405


def test_without_consent_or_without_a_slot_there_is_no_script(
    kit: Any, personalise: Any, server: Any
) -> None:
    silent = personalise(server=server)
    silent.client.poll()
    empty = personalise(kit.html_app(b"<p>x</p></body>"), server=server, consent=kit.granted)
    empty.client.poll()

    assert kit.browser(silent).get().body == kit.page
    assert kit.browser(empty).get().body == b"<p>x</p></body>"


def test_who_brings_nothing_back_counts_only_once_the_page_reports(
    american: Any, server: Any
) -> None:
    answer = american.get()
    before = flushed(american, server)

    reported = american.report({"pending": [answer.data["pending"]]})
    after = flushed(american, server)

    assert b"Variant" in answer.body
    assert before == []
    assert reported.status == 204
    assert [event["type"] for event in after] == ["exposure"]


def test_who_came_back_counts_at_once(american: Any, server: Any) -> None:
    american.get()
    answer = american.get()

    assert "pending" not in answer.data
    assert len(flushed(american, server)) == 1


def test_a_client_that_keeps_no_cookie_never_counts(american: Any, server: Any) -> None:
    for _ in range(3):
        answer = american.get()
        american.cookies.clear()
        american.report({"pending": [answer.data["pending"]]})

    assert flushed(american, server) == []


def test_a_report_that_comes_too_late_or_was_changed_does_not_count(
    american: Any, server: Any, clock: Any
) -> None:
    pending = american.get().data["pending"]
    american.report({"pending": [pending[:-1] + ("A" if pending[-1] != "A" else "B")]})
    american.report({"pending": ["W10"]})
    clock.now_ms += PENDING_LASTS_MS
    american.report({"pending": [pending]})

    assert flushed(american, server) == []


def test_a_page_may_report_to_a_machine_whose_clock_is_behind(
    american: Any, server: Any, clock: Any
) -> None:
    pending = american.get().data["pending"]
    clock.now_ms -= 2_000
    american.report({"pending": [pending]})

    assert len(flushed(american, server)) == 1


def test_a_clicked_goal_is_an_event_of_the_visitor(kit: Any, site: Any, server: Any) -> None:
    browser = kit.browser(site)
    browser.get()

    answer = browser.report({"goals": ["signup", "signup"], "seen": ["hero"]})
    events = [e for e in flushed(browser, server) if e["type"] == "event"]

    assert answer.status == 204
    assert [event["event"] for event in events] == ["sign_up", "sign_up"]
    assert site.site.source.counters["seen hero"] == 1


@pytest.mark.parametrize("goals", [["revenue"], ["unknown"], [3], "signup", None])
def test_a_page_can_report_no_money_and_nothing_undeclared(
    kit: Any, site: Any, server: Any, goals: Any
) -> None:
    browser = kit.browser(site)
    browser.get()

    browser.report({"goals": goals})

    assert [e for e in flushed(browser, server) if e["type"] == "event"] == []


def test_a_network_reaches_so_many_goals_and_no_more(
    kit: Any, personalise: Any, server: Any
) -> None:
    site = personalise(server=server, consent=kit.granted, goals_per_network=3)
    site.client.poll()
    browser = kit.browser(site, client="50.1.2.3")
    browser.get()

    browser.report({"goals": ["signup"] * 5})
    events = [e for e in flushed(browser, server) if e["type"] == "event"]

    assert len(events) == 3
    assert site.site.source.counters["goal of a network with too many"] == 2


def test_a_stranger_can_report_nothing(kit: Any, site: Any, server: Any) -> None:
    browser = kit.browser(site)

    browser.report({"goals": ["signup"], "seen": ["hero", "unknown"]})

    assert flushed(browser, server) == []


def test_a_goal_of_a_page_view_travels_with_its_receipt(
    kit: Any, personalise: Any, server: Any, clock: Any
) -> None:
    goals = {"signup": {"event": "sign_up", "kind": "conversion", "within": "page"}}
    server.definitions = kit.define(goals=goals, experiments=kit.greeting(unit="view"))
    site = personalise(server=server, consent=kit.granted)
    site.client.poll()
    browser = kit.browser(site)
    receipt = browser.get().data["receipt"]

    clock.now_ms -= 2_000  # by a machine whose clock is behind
    browser.report({"goals": ["signup"], "receipt": receipt})
    browser.report({"goals": ["signup"], "receipt": receipt[:-1]})
    events = flushed(browser, server)

    assert [e["receipt"] for e in events if e["type"] == "reward"] == [receipt]
    [exposure] = [e for e in events if e["type"] == "exposure"]
    assert {e["at"] for e in events if e["type"] == "reward"} == {exposure["at"]}  # not before it
    assert exposure["visitor"] not in browser.cookies.get("__Host-byleave_id", "")


def test_a_receipt_of_the_key_before_travels_for_48_hours_after_the_rotation(
    kit: Any, personalise: Any, server: Any, clock: Any
) -> None:
    goals = {"signup": {"event": "sign_up", "kind": "conversion", "within": "page"}}
    server.definitions = kit.define(goals=goals, experiments=kit.greeting(unit="view"))
    site = personalise(server=server, consent=kit.granted)
    site.client.poll()
    [key] = server.receipt_keys
    rotated_ms = clock.now_ms + 25 * 3_600_000
    server.receipt_keys = [key, {"key": "the receipt key after it", "since_ms": rotated_ms}]
    server.number += 1
    browser = kit.browser(site)
    sent = []
    for hours in (0, 47, 48):
        clock.now_ms = rotated_ms + hours * 3_600_000
        site.client.poll()
        receipt = mint(Receipt("view1234", clock.now_ms, (("row", 1),)), str(key["key"]))
        sent.append(receipt)
        browser.report({"goals": ["signup"], "receipt": receipt})
        flushed(browser, server)

    assert [e["receipt"] for e in server.events if e["type"] == "reward"] == sent[:2]


FORMS = {
    name: {
        "properties": {"form": "string"},
        "purposes": ["personalisation", "analytics"],
        "ttl": "30d",
    }
    for name in ("form_start", "form_submit", "form_abandon")
}


@pytest.fixture
def forms(kit: Any, personalise: Any, server: Any) -> Any:
    """A site whose goals read one of the three events of forms that it declares."""
    goals = {"signup": {"event": "form_submit", "kind": "conversion", "within": "7d"}}
    server.definitions = kit.define(events=FORMS, goals=goals, segments={})
    site = personalise(server=server, consent=kit.granted)
    site.client.poll()
    return site


def test_a_page_tells_of_web_events_that_a_definition_reads_and_of_no_others(
    kit: Any, forms: Any, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    browser = kit.browser(forms)
    answer = browser.get()

    browser.report(
        {
            "events": [
                ["form_submit", {"form": "demo", "name": "Ada", "list": [1]}],
                ["form_submit", {"form": "x" * 501}],
                ["form_submit", {"form": "\ud800"}],
                *(["form_submit", {"form": value}] for value in (nan, inf, 10**300)),
                ["form_start", {"form": "demo"}],
                ["form_submit"],
                ["sign_up", {}],
                [["form_submit"], {}],
                7,
            ]
        }
    )
    told = [e for e in flushed(browser, server) if e["type"] == "event"]

    assert answer.data["events"] == ["form_submit"]
    assert re.findall(r"/\.byleave/(\w+)\.js", answer.text) == ["beacon_events", "beacon"]
    assert [(e["event"], e["properties"]) for e in told] == [
        ("form_submit", {"form": "demo"}),
        *[("form_submit", {})] * 5,
    ]
    assert caplog.messages == []


def test_a_browsers_spelling_of_a_path_is_that_of_a_page(
    kit: Any, personalise: Any, server: Any
) -> None:
    goals = {"signup": {"event": "page_view", "kind": "count", "within": "7d"}}
    server.definitions = kit.define(goals=goals)
    site = personalise(server=server, consent=kit.granted)
    site.client.poll()
    browser = kit.browser(site)
    browser.get("/über uns")

    browser.report({"events": [["page_view", {"path": "/%C3%BCber%20uns"}]]})
    viewed = [e for e in flushed(browser, server) if e["type"] == "event"]

    assert [e["properties"] for e in viewed] == [{"path": "/über uns"}] * 2


def test_a_stranger_tells_of_no_web_event(kit: Any, forms: Any, server: Any) -> None:
    browser = kit.browser(forms)

    browser.report({"events": [["form_submit", {"form": "demo"}]]})

    assert flushed(browser, server) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"[" * 50_000,
        b'{"events": [[]], "pending": [], "seen": {}, "goals": 1}',
        b"\xff",
    ],
)
def test_a_malformed_report_is_answered_and_forgotten(
    kit: Any, site: Any, server: Any, body: bytes
) -> None:
    answer = kit.call(site, "/.byleave/events", method="POST", body=body)

    assert answer.status == 204
    assert server.of_type("event") == []


def test_a_report_is_small_and_posted_by_the_sites_own_pages(kit: Any, site: Any) -> None:
    path = "/.byleave/events"

    assert kit.call(site, path, method="POST", body=b"x" * 70_000).status == 413
    assert kit.call(site, path).status == 405
    headers = {"sec-fetch-site": "cross-site"}
    assert kit.call(site, path, method="POST", headers=headers).status == 403


def test_nothing_in_the_data_can_end_the_script_element(
    kit: Any, personalise: Any, server: Any
) -> None:
    site = personalise(server=server, consent=kit.granted, random_bytes=lambda size: b"<" * size)
    site.client.poll()

    text = kit.browser(site).get().text
    start = text.index('id="byleave-data">')

    assert text.index("<", start) == text.index("</script>", start)
