"""What an address wishes for: previews, which count for nothing, and the standard site."""

import json
import re
from typing import Any

import pytest

from byleave.sdk.wishes import preview_link
from byleave.segments import Choice, Consent, Purpose

DAY_MS = 86_400_000


@pytest.fixture
def link(kit: Any) -> Any:
    """Returns a preview link of the test shop."""

    def link(**changes: Any) -> str:
        given = {
            "variants": {"hero": "greeting/b"},
            "secret": kit.secret,
            "until_ms": kit.now_ms + DAY_MS,
            **changes,
        }
        return preview_link("/", given.pop("variants"), **given)

    return link


@pytest.mark.parametrize("consent", ["granted", "refused"])
def test_a_preview_shows_its_variant_to_anybody(
    kit: Any, personalise: Any, link: Any, consent: str
) -> None:
    browser = kit.browser(personalise(consent=getattr(kit, consent)))

    answer = browser.get(link())

    assert b"<h2>Variant</h2>" in answer.body
    assert answer.header("cache-control") == "private, no-cache"
    assert answer.set_cookies == {}


@pytest.mark.parametrize("decide", ["local", "server"])
def test_a_preview_counts_for_nothing(
    kit: Any, personalise: Any, server: Any, link: Any, decide: str
) -> None:
    site = personalise(server=server, decide=decide, consent=kit.granted)
    site.client.poll()

    answer = kit.browser(site).get(link())
    site.client.flush()

    assert b"<h2>Variant</h2>" in answer.body
    assert b"byleave-data" not in answer.body
    assert server.events == []


def test_an_experiment_that_does_not_run_yet_can_be_previewed(
    kit: Any, personalise: Any, server: Any, link: Any
) -> None:
    server.snapshot = json.dumps({**server.plain_snapshot(), "runs": {}}).encode()
    site = personalise(server=server, consent=kit.granted)
    site.client.poll()
    browser = kit.browser(site)

    assert browser.get().body == kit.page
    assert b"<h2>Variant</h2>" in browser.get(link()).body


def test_a_link_of_the_server_is_known_by_the_key_of_the_snapshot(
    kit: Any, personalise: Any, server: Any, link: Any
) -> None:
    key = "preview key of the server"
    server.snapshot = json.dumps({**server.plain_snapshot(), "preview_key": key}).encode()
    site = personalise(server=server, consent=kit.refused)
    site.client.poll()
    browser = kit.browser(site)
    shown = browser.get(link(secret=key))
    site.client.flush()

    assert b"<h2>Variant</h2>" in shown.body
    assert shown.set_cookies == {}
    assert server.events == []
    assert browser.get(link(secret="another key altogether")).body == kit.page  # noqa: S106
    assert browser.get(link(secret=key, until_ms=0)).body == kit.page


@pytest.mark.parametrize(
    "changes",
    [
        {"variants": {"hero": "greeting/control"}},
        {"variants": {"hero": "greeting/none"}},
        {"variants": {"hero": "none/b"}},
        {"variants": {"nav": "greeting/b"}},
        {"secret": "a secret of somebody else"},
        {"until_ms": 0},
    ],
)
def test_what_cannot_be_previewed_shows_the_sites_own(
    kit: Any, personalise: Any, link: Any, changes: dict[str, Any]
) -> None:
    answer = kit.browser(personalise()).get(link(**changes))

    panel = re.compile(rb"<aside class=.byleave-debug.*</aside>")  # for those who have a link
    assert panel.sub(b"", answer.body) == kit.page


@pytest.mark.parametrize(
    "query",
    [
        "byleave=",
        "byleave=x",
        "byleave=.",
        "byleave=%ff",
        "a" * 3_000 + "&byleave=off",
        "&" * 99 + "byleave=off",
    ],
)
def test_other_wishes_change_nothing(kit: Any, personalise: Any, query: str) -> None:
    answer = kit.browser(personalise(consent=kit.granted)).get(f"/?{query}")

    assert b"<h2>Variant</h2>" in answer.body


def test_a_link_that_was_changed_is_worth_nothing(kit: Any, personalise: Any, link: Any) -> None:
    site = personalise()
    token = link()

    for place in range(len("/?byleave="), len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert kit.call(site, changed).body in (kit.page, kit.call(site, token).body)
        assert kit.call(site, changed[:-2]).body == kit.page


def everything(scope: Any) -> Consent:
    """Say for a site that its visitor agreed to everything of its own."""
    uses = (Purpose.PREFERENCES, Purpose.PERSONALISATION, Purpose.ANALYTICS)
    return Consent(dict.fromkeys(uses, Choice.GRANTED), source="site")


def test_the_standard_site_stays_for_the_session(kit: Any, personalise: Any) -> None:
    browser = kit.browser(personalise(consent=everything))
    personal = browser.get().body
    off = browser.get("/?byleave=off")
    later = browser.get()
    on = browser.get("/?byleave=on")

    assert off.set_cookies["__Host-byleave_standard"] == "1; Path=/; SameSite=Lax; Secure; HttpOnly"
    assert off.body == later.body == kit.page
    assert on.body == browser.get().body == personal
    assert "__Host-byleave_standard" not in browser.cookies


def test_without_consent_for_preferences_the_wish_is_for_one_page(
    kit: Any, personalise: Any
) -> None:
    browser = kit.browser(personalise(consent=kit.granted))
    off = browser.get("/?byleave=off")

    assert off.body == kit.page
    assert "__Host-byleave_standard" not in browser.cookies
    assert b"<h2>Variant</h2>" in browser.get().body


def test_the_cookie_goes_with_the_consent(kit: Any, personalise: Any) -> None:
    browser = kit.browser(personalise(consent=kit.refused))
    browser.cookies["__Host-byleave_standard"] = "1"
    browser.get()

    assert browser.cookies == {}


def test_where_only_the_country_is_unknown_the_wish_is_left_alone(
    kit: Any, personalise: Any
) -> None:
    browser = kit.browser(personalise(country_header="X-Country"))
    browser.get("/?byleave=off", x_country="US")

    browser.get()
    is_kept = "__Host-byleave_standard" in browser.cookies
    browser.get(x_country="DE")

    assert is_kept
    assert browser.cookies == {}


@pytest.mark.parametrize("decide", ["local", "server"])
def test_the_standard_site_enrols_nobody_and_forgets_nobody(
    kit: Any, personalise: Any, server: Any, decide: str
) -> None:
    site = personalise(server=server, decide=decide, consent=everything)
    site.client.poll()
    browser = kit.browser(site)
    browser.get("/?byleave=off")
    site.client.flush()
    before = [*server.events]
    browser.get("/?byleave=on")
    site.client.flush()

    assert before == []
    assert len(server.of_type("exposure")) == 1
