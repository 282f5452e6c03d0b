"""The example shop in a real browser: before consent, with it, and after it is withdrawn."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
LooksRight = Callable[[Page, str], None]

OURS = ("__Host-byleave", "byleave_dev")
VARIANT = "Trusted by 300 schools"


def stored(page: Page) -> set[str]:
    names = {cookie.get("name", "") for cookie in page.context.cookies()}
    return {name for name in names if name.startswith(OURS)}


def choose(page: Page, choice: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=choice).first.click()


def compare_plans(page: Page, site: str) -> None:
    for _ in range(2):
        page.goto(f"{site}/pricing")


def given(visit: Visit, look: Callable[[Page], Any], sees: Callable[[Page], Locator]) -> Page:
    """A visitor who looked around and was given a variant; others are drawn another arm."""
    for _ in range(12):
        page = visit()
        look(page)
        if sees(page).is_visible():
            return page
    raise AssertionError("of 12 visitors nobody was given the variant")


def personalised(visit: Visit, site: str) -> Page:
    """A visitor who agreed, compared the plans, and was given the variant."""

    def look(page: Page) -> None:
        page.goto(f"{site}/pricing")
        choose(page, "Accept")
        compare_plans(page, site)

    return given(visit, look, lambda page: page.get_by_text(VARIANT))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("path", ["/", "/books", "/pricing", "/sign-up", "/privacy"])
def test_every_page_is_the_site_s_own_before_anybody_agreed(
    path: str, width: int, scheme: str, visit: Visit, opened: Any, looks_right: LooksRight
) -> None:
    page = visit(width, scheme)
    page.goto(opened.site + path)

    assert page.get_by_role("button", name="Accept").first.is_visible()
    assert not page.get_by_text(VARIANT).is_visible()
    assert stored(page) == set()
    looks_right(page, f"default-{path.strip('/') or 'home'}-{width}-{scheme}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_whoever_agreed_sees_the_variant(
    width: int, scheme: str, visit: Visit, opened: Any, looks_right: LooksRight
) -> None:
    page = personalised(partial(visit, width, scheme), opened.site)

    assert page.get_by_text(VARIANT).is_visible()
    assert not page.get_by_text("A bookseller chooses, not a list").is_visible()
    looks_right(page, f"personalised-{width}-{scheme}")


def test_the_navigation_promotes_a_link_for_some_who_look_at_books(
    visit: Visit, opened: Any, looks_right: LooksRight
) -> None:
    def look(page: Page) -> None:
        page.goto(f"{opened.site}/books")
        choose(page, "Accept")
        page.goto(f"{opened.site}/books?subject=young")

    page = given(visit, look, lambda page: page.get_by_role("link", name="Plans for schools"))

    for label in ("Books", "For schools", "Plans", "Help"):
        assert page.get_by_role("link", name=label, exact=True).first.is_visible()
    looks_right(page, "navigation-1280-light")


def test_who_refuses_keeps_the_site_s_own_content_and_no_cookie(visit: Visit, opened: Any) -> None:
    page = visit()
    page.goto(f"{opened.site}/pricing")
    choose(page, "Refuse")
    compare_plans(page, opened.site)

    assert not page.get_by_text(VARIANT).is_visible()
    assert stored(page) == set()


def test_consent_taken_back_ends_it_at_once(visit: Visit, opened: Any) -> None:
    page = personalised(visit, opened.site)
    held = stored(page)
    page.goto(f"{opened.site}/privacy?consent=reopen")
    choose(page, "Refuse")
    left = stored(page)
    compare_plans(page, opened.site)

    assert held
    assert left == set()
    assert not page.get_by_text(VARIANT).is_visible()


def test_no_page_asks_another_host_or_breaks_its_own_policy(visit: Visit, opened: Any) -> None:
    page = visit()
    asked: list[str] = []
    told: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: told.append(message.text))
    page.goto(opened.site)
    choose(page, "Accept")
    compare_plans(page, opened.site)

    assert all(url.startswith((opened.site, "data:")) for url in asked)
    assert told == []
