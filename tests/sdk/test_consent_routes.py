"""The site's own consent form: what it accepts, what it sets, and what it takes back."""

from typing import Any

import pytest

from byleave.sdk.consent_routes import safe_path
from byleave.segments.consent.cookie import decode_cookie

CONSENT = "/.byleave/consent"


def test_accepting_sets_the_choice_and_goes_back(kit: Any, personalise: Any) -> None:
    browser = kit.browser(personalise())

    answer = browser.post(CONSENT, {"choice": "accept", "back": "/pricing?plan=school"})

    assert answer.status == 303
    assert answer.header("location") == "/pricing?plan=school"
    assert answer.header("cache-control") == "no-store"
    assert list(answer.set_cookies) == ["byleave_consent"]
    assert browser.cookies["byleave_consent"].endswith(".pr+an+pe+ma-sh-")


@pytest.mark.parametrize("choice", ["refuse", "withdraw"])
def test_refusing_sets_the_choice_and_nothing_else(kit: Any, personalise: Any, choice: str) -> None:
    browser = kit.browser(personalise())

    answer = browser.choose(choice)

    assert list(answer.set_cookies) == ["byleave_consent"]
    assert browser.cookies["byleave_consent"].endswith(".pr-an-pe-ma-sh-")
    assert browser.get().body == kit.page


def test_purposes_can_be_accepted_one_by_one(kit: Any, personalise: Any) -> None:
    browser = kit.browser(personalise())

    browser.post(CONSENT, {"choice": "accept", "purpose": "analytics", "back": "/"})

    assert browser.cookies["byleave_consent"].endswith(".pr-an+pe-ma-sh-")
    assert browser.get().body == kit.page


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/über uns?q=a b&x=%20", "/%C3%BCber%20uns?q=a%20b&x=%20"),
        ("/<b>\ud800", "/%3Cb%3E?"),
        ("/a#b", "/a#b"),
    ],
)
def test_a_path_of_any_letters_is_one_of_this_site(path: str, location: str) -> None:
    assert safe_path(path) == location


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "/" + "x" * 3_000])
@pytest.mark.parametrize("choice", ["refuse", "withdraw"])
def test_a_refusal_holds_wherever_its_form_leads(
    kit: Any, personalise: Any, choice: str, back: str
) -> None:
    browser = kit.browser(personalise())
    browser.choose("accept")
    browser.get()

    answer = browser.post(CONSENT, {"choice": choice, "back": back})

    assert (answer.status, answer.header("location")) == (303, "/")
    assert {*browser.cookies} == {"byleave_consent"}


@pytest.mark.parametrize("choice", ["refuse", "withdraw"])
def test_taking_consent_back_ends_everything_at_once(
    kit: Any, personalise: Any, server: Any, choice: str
) -> None:
    site = personalise(server=server)
    site.client.poll()
    browser = kit.browser(site)
    browser.choose("accept")
    browser.get()
    old = dict(browser.cookies)
    visitor = old["__Host-byleave_id"].partition(".")[0]

    answer = browser.choose(choice)
    site.client.flush()

    assert {name for name, line in answer.set_cookies.items() if "Max-Age=0" in line} == {
        "__Host-byleave_id",
        "__Host-byleave_profile",
    }
    assert server.withdrawn[visitor]["choices"]["personalisation"] == "denied"
    assert server.withdrawn[visitor]["at"] == kit.now_ms
    assert server.events == []
    assert decode_cookie(browser.cookies["byleave_consent"]).number == 1
    assert browser.get().body == kit.page


def test_the_wish_for_the_standard_site_is_gone_as_soon_as_preferences_are(
    kit: Any, personalise: Any
) -> None:
    browser = kit.browser(personalise())
    browser.choose("accept")
    browser.get("/?byleave=off")
    assert "__Host-byleave_standard" in browser.cookies

    browser.post(CONSENT, {"choice": "accept", "purpose": "preferences", "back": "/"})
    assert "__Host-byleave_standard" in browser.cookies
    browser.choose("refuse")

    assert list(browser.cookies) == ["byleave_consent"]


def test_consent_given_again_starts_with_a_new_id_and_old_cookies_stay_void(
    kit: Any, personalise: Any
) -> None:
    browser = kit.browser(personalise())
    browser.choose("accept")
    browser.get()
    old = dict(browser.cookies)
    browser.choose("withdraw")
    browser.choose("accept")
    browser.cookies = {**old, "byleave_consent": browser.cookies["byleave_consent"]}

    browser.get()

    new = browser.cookies["__Host-byleave_id"].partition(".")[0]
    assert new != old["__Host-byleave_id"].partition(".")[0]


def test_an_old_cookie_that_comes_back_is_reported_as_withdrawn(
    kit: Any, personalise: Any, server: Any
) -> None:
    site = personalise(server=server)
    site.client.poll()
    browser = kit.browser(site)
    browser.choose("accept")
    browser.get()
    old = dict(browser.cookies)
    browser.choose("withdraw")
    server.withdrawn.clear()
    browser.cookies |= {"__Host-byleave_id": old["__Host-byleave_id"]}

    answer = browser.get()
    site.client.flush()

    assert "Max-Age=0" in answer.set_cookies["__Host-byleave_id"]
    assert list(server.withdrawn) == [old["__Host-byleave_id"].partition(".")[0]]


def test_silence_taken_back_counts_as_withdrawal(kit: Any, personalise: Any) -> None:
    browser = kit.browser(personalise(country_header="X-Country"), headers={"x-country": "US"})
    browser.get()
    assert "__Host-byleave_id" in browser.cookies

    browser.choose("refuse")

    assert decode_cookie(browser.cookies["byleave_consent"]).number == 1
    assert "__Host-byleave_id" not in browser.cookies


@pytest.mark.parametrize(
    "form",
    [
        {"choice": "accept", "back": "https://elsewhere.example/"},
        {"choice": "accept", "back": "//elsewhere.example/"},
        {"choice": "accept", "back": "/\\elsewhere.example/"},
        {"choice": "accept", "back": "\\\\elsewhere.example"},
        {"choice": "accept", "back": "/\r\nset-cookie: a=b"},
        {"choice": "accept", "back": "/a\x7f"},
        {"choice": "accept", "back": "/" + "x" * 3_000},
        {"choice": "accept", "back": "javascript:alert(1)"},
        {"choice": "perhaps", "back": "/"},
        {"choice": "accept", "purpose": "everything", "back": "/"},
        {"back": "/"},
        {f"field{i}": "x" for i in range(50)},
        {},
    ],
)
def test_a_malformed_choice_changes_nothing(
    kit: Any, personalise: Any, form: dict[str, str]
) -> None:
    answer = kit.browser(personalise()).post(CONSENT, form)

    assert answer.status == 400
    assert answer.set_cookies == {}
    assert answer.header("location") is None


def test_a_form_that_is_too_large_changes_nothing(kit: Any, personalise: Any) -> None:
    answer = kit.browser(personalise()).post(CONSENT, {"choice": "accept", "x": "x" * 5_000})

    assert answer.status == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec_fetch_site": "same-origin"}, 303),
        ({"sec_fetch_site": "none"}, 303),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"origin": "https://shop.example"}, 303),
        ({"origin": "https://shop.example:443"}, 303),
        ({"origin": "https://other.example"}, 403),
        ({"origin": "null"}, 403),
    ],
)
def test_only_the_sites_own_pages_can_choose(
    kit: Any, personalise: Any, headers: dict[str, str], status: int
) -> None:
    answer = kit.browser(personalise()).post(CONSENT, {"choice": "accept", "back": "/"}, **headers)

    assert answer.status == status


def test_a_choice_is_posted(kit: Any, personalise: Any) -> None:
    assert kit.browser(personalise()).get(CONSENT).status == 405


def test_a_choice_can_be_made_while_the_server_is_away(
    kit: Any, personalise: Any, server: Any
) -> None:
    browser = kit.browser(personalise(server=server))

    answer = browser.choose("refuse")

    assert answer.status == 303
    assert "byleave_consent" in browser.cookies


@pytest.mark.parametrize("value", ["canary", "v1.x.0.pe+", "v2.1.0.pe+", "v1.1.0.pe+an+!!", ""])
def test_a_malformed_consent_cookie_refuses(kit: Any, personalise: Any, value: str) -> None:
    browser = kit.browser(personalise(), cookies={"byleave_consent": value})

    answer = browser.get()

    assert answer.body == kit.page
    assert answer.set_cookies == {}
