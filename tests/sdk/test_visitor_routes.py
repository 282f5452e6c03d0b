"""What a visitor may ask of the site: what is kept, to be forgotten, and whether GPC counts."""

import json
from typing import Any

import pytest

from byleave.sdk.beacon import address

PROFILE = "/.byleave/profile"


@pytest.fixture
def browser(kit: Any, personalise: Any, server: Any) -> Any:
    site = personalise(server=server)
    site.client.poll()
    return kit.browser(site)


def kept(browser: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(browser.get(PROFILE).body)
    return found


def test_a_stranger_s_device_keeps_nothing(browser: Any) -> None:
    browser.get()

    assert kept(browser) == {
        "consent": {"choices": {}, "source": "default"},
        "id": None,
        "remembered": [],
        "known": [],
        "arms": [],
    }


def test_a_visitor_gets_all_that_their_device_keeps_with_its_purpose(browser: Any) -> None:
    browser.choose("accept")
    browser.get()
    answer = browser.get(PROFILE)
    export = json.loads(answer.body)

    assert browser.cookies["__Host-byleave_id"].startswith(export["id"]["value"])
    assert export["id"]["since"] == "2026-10-05T00:00:00+00:00"
    assert {item["purpose"] for item in export["remembered"]} == {"personalisation"}
    assert [arm["arm"] for arm in export["arms"]] == ["b"]
    assert export["consent"]["choices"]["personalisation"] == "granted"
    assert answer.header("cache-control") == "no-store"


def test_who_is_forgotten_keeps_their_choice_and_gets_a_new_id(browser: Any, server: Any) -> None:
    browser.choose("accept")
    browser.get()
    old = kept(browser)["id"]["value"]

    answer = browser.post(PROFILE, {"forget": "yes", "back": "/privacy"})
    browser.app.client.flush()
    left = set(browser.cookies)
    browser.get()

    assert (answer.status, answer.header("location")) == (303, "/privacy")
    assert left == {"byleave_consent"}
    assert [*server.withdrawn] == [old]
    assert kept(browser)["id"]["value"] != old


@pytest.mark.parametrize(
    "form", [{}, {"forget": "no"}, {"forget": "yes", "back": "https://other.example/"}]
)
def test_nothing_is_forgotten_by_mistake(browser: Any, form: dict[str, str]) -> None:
    browser.choose("accept")
    browser.get()

    assert browser.post(PROFILE, form).status == 400
    assert kept(browser)["id"] is not None


def test_a_profile_is_for_the_sites_own_pages(browser: Any) -> None:
    assert browser.get(PROFILE, sec_fetch_site="cross-site").status == 403
    assert browser.post(PROFILE, {"forget": "yes"}, sec_fetch_site="cross-site").status == 403
    assert browser._send("PUT", PROFILE, b"", {}).status == 405


def test_the_site_says_that_it_abides_by_global_privacy_control(browser: Any) -> None:
    answer = browser.get("/.well-known/gpc.json")
    said = json.loads(answer.body)

    assert said["gpc"] is True
    assert len(said["lastUpdate"]) == 10
    assert answer.header("content-type") == "application/json"
    assert browser.post("/.well-known/gpc.json", {}).status == 405


def test_a_file_is_kept_for_good_only_under_the_address_that_changes_with_it(browser: Any) -> None:
    plain = browser.get("/.byleave/controls.css")
    versioned = browser.get(address("controls.css"))
    others = browser.get("/.byleave/controls.css?1")  # another release's, of a page made by it

    assert len(plain.body) <= 2_048
    assert plain.header("content-type") == "text/css; charset=utf-8"
    assert plain.header("cache-control") == "public, max-age=3600"
    assert versioned.header("cache-control") == "public, max-age=31536000, immutable"
    assert others.header("cache-control") == "no-cache"
