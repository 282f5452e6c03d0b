"""The middleware as a whole: what a visitor gets, and that the site never breaks."""

from typing import Any


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
