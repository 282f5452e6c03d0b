"""Every page of the console in a real browser: empty and full, light and dark, narrow and wide."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Page

from byleave.server.keys import Role
from byleave.server.links import first_admin_link

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
LooksRight = Callable[[Page, str], None]

PAGES = {
    "overview": "/console",
    "experiments": "/console/experiments",
    "results": "/console/experiments/welcome",
    "results-scaled": "/console/experiments/welcome?effect=scaled",
    "segments": "/console/segments",
    "segment": "/console/segments/customers",
    "segment-counted": "/console/segments/buyers",
    "segment-new": "/console/segments/-/new?start=phase-onboard",
    "segment-edit": "/console/segments/buyers/edit",
    "segment-empty": "/console/segments/-/new",
    "declare": "/console/declare",
    "drafts": "/console/drafts",
    "experiment-new": "/console/drafts/new",
    "experiment-draft": "/console/drafts/welcome?baseline=5&lift=20&a_day=900&page=/&days=7",
    "variant": "/console/drafts/welcome/variants/bold?kind=html",
    "images": "/console/images",
    "why": "/console/why",
    "why-persona": "/console/why?persona=returning&page=https://shop.example/",
    "personas": "/console/why/personas",
    "history": "/console/history",
    "version": "/console/history/1.1",
    "privacy": "/console/privacy",
    "people": "/console/people",
    "keys": "/console/keys",
    "site": "/console/site",
    "display": "/console/display",
    "sign-in": "/console/sign-in",
    "message": "/console/nowhere",
}
#: Nothing that a page loads may come to more, uncompressed.
MOST_BYTES = 150_000

#: Where the pictures of every second kind are enough, as for a quick look.
KINDS = [
    (1280, "light"),
    (320, "dark"),
    pytest.param(1280, "dark", marks=pytest.mark.long),
    pytest.param(320, "light", marks=pytest.mark.long),
]

#: Moves the focus to all that can have it; returns what then shows no outline.
_UNSEEN = """() => {
  const all = "a, button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  return [...document.querySelectorAll(all)].filter(each => {
    each.focus({focusVisible: true});
    const style = getComputedStyle(each);
    const isShown = each.checkVisibility() && document.activeElement === each;
    const isSeen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    return isShown && !isSeen;
  }).map(each => each.outerHTML.slice(0, 100));
}"""


@pytest.fixture(scope="module")
def served(consoles: Any) -> object:
    """The two consoles, and no shop."""
    return consoles


@pytest.fixture
def sign_in(visit: Visit) -> Callable[..., Page]:
    """Opens the browser of somebody who may do everything."""

    def new(console: Any, *kind: Any, **options: Any) -> Page:
        key = console.service.create_key(Role.ADMIN)
        headers = {"Authorization": f"Bearer {key}"}
        return visit(*kind, extra_http_headers=headers, **options)

    return new


@pytest.mark.parametrize(("width", "scheme"), KINDS)
@pytest.mark.parametrize("state", ["full", "empty"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_readable_safe_and_small(
    name: str,
    state: str,
    width: int,
    scheme: str,
    sign_in: Callable[..., Page],
    consoles: Any,
    looks_right: LooksRight,
) -> None:
    opened = consoles[state]
    page = sign_in(opened, width, scheme)
    asked: list[str] = []
    told: list[str] = []
    sizes: list[int] = []
    page.on("request", lambda each: asked.append(each.url))
    page.on("response", lambda each: sizes.append(len(each.body())))
    page.on("console", lambda each: told.append(each.text))
    page.goto(opened.server + PAGES[name], wait_until="networkidle")

    assert page.locator("h1").count() == 1
    assert page.evaluate(_UNSEEN) == []
    page.evaluate("document.activeElement.blur()")
    looks_right(page, f"console-{name}-{state}-{width}-{scheme}")
    assert all(url.startswith(opened.server) for url in asked)
    assert [text for text in told if "404" not in text] == []
    assert sum(sizes) <= MOST_BYTES


@pytest.mark.parametrize(("width", "scheme"), KINDS)
def test_the_first_admin_is_made_on_a_page_as_good_as_the_others(
    width: int, scheme: str, visit: Visit, consoles: Any, looks_right: LooksRight
) -> None:
    opened = consoles["empty"]
    page = visit(width, scheme)
    until_ms = opened.service.clock() + 3_600_000
    page.goto(opened.server + first_admin_link(opened.service.site, expires_ms=until_ms))

    assert page.locator("h1").inner_text() == "First admin"
    assert page.evaluate(_UNSEEN) == []
    looks_right(page, f"console-first-admin-{width}-{scheme}")
    page.get_by_label("Email address").fill("ann@example.com")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_label("The password again").fill("another one altogether")
    page.get_by_role("button", name="Make the first admin").click()
    assert page.get_by_role("alert").is_visible()
    looks_right(page, f"console-first-admin-faulty-{width}-{scheme}")


@pytest.mark.parametrize(("width", "scheme"), KINDS)
def test_whoever_is_signed_in_is_named_however_narrow_the_screen(
    width: int, scheme: str, visit: Visit, consoles: Any, looks_right: LooksRight
) -> None:
    opened, password = consoles["full"], "correct horse battery"
    email = "somebody.with-a-long-name@department.of.a.company.example.com"
    opened.service.people.put(email, Role.ADMIN, password, author="tests")
    page = visit(width, scheme)
    page.goto(f"{opened.server}/console/sign-in?next=/console/keys")
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()

    assert page.get_by_role("heading", level=1).inner_text() == "Keys"
    looks_right(page, f"console-signed-in-{width}-{scheme}")
    page.get_by_role("button", name="Sign out").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Sign in"


@pytest.fixture
def full(consoles: Any) -> Any:
    """The console of a site with visitors."""
    return consoles["full"]


def test_the_list_narrows_while_one_types(sign_in: Callable[..., Page], full: Any) -> None:
    page = sign_in(full)
    page.goto(f"{full.server}/console/experiments")
    page.get_by_label("Words in it").press_sequentially("other")

    page.get_by_role("status").filter(has_text="0 experiments").wait_for()
    assert page.get_by_label("Words in it").evaluate("each => each === document.activeElement")
    assert "words=other" in page.url


def test_without_scripts_all_of_it_works(sign_in: Callable[..., Page], full: Any) -> None:
    page = sign_in(full, java_script_enabled=False)
    page.goto(f"{full.server}/console/experiments")
    page.get_by_label("Words in it").fill("hero")
    page.get_by_role("button", name="Show").click()

    assert page.get_by_role("status").inner_text() == "1 experiment"
    page.get_by_role("link", name="welcome").click()
    page.get_by_role("button", name="Dark").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.get_by_role("heading", name="welcome").is_visible()
    page.get_by_text("How this is computed").first.click()
    assert page.get_by_text("Withdrawals of consent are compared").is_visible()


def test_the_menu_of_a_narrow_screen_opens_and_closes_by_keyboard(
    sign_in: Callable[..., Page], full: Any
) -> None:
    page = sign_in(full, 320)
    page.goto(f"{full.server}/console")
    entry = page.get_by_role("link", name="Experiments", exact=True)

    assert not entry.is_visible()
    page.get_by_role("button", name="Menu").focus()
    page.keyboard.press("Enter")
    assert entry.is_visible()
    page.keyboard.press("Escape")
    assert not entry.is_visible()
    assert page.get_by_role("button", name="Menu").evaluate("e => e === document.activeElement")


def test_times_are_in_the_zone_of_the_browser(sign_in: Callable[..., Page], full: Any) -> None:
    page = sign_in(full, timezone_id="Asia/Tokyo", locale="en-GB")
    page.goto(f"{full.server}/console/experiments/welcome")
    at_once = page.locator("main time").first.inner_text()
    page.reload()

    assert "09:00" in at_once
    assert page.locator("main time").first.inner_text() == "4 Oct 2024, 09:00 +0900"
    assert page.get_by_text("Times in Asia/Tokyo").is_visible()


def test_what_is_folded_is_printed(sign_in: Callable[..., Page], full: Any) -> None:
    page = sign_in(full)
    page.goto(f"{full.server}/console/experiments/welcome")
    page.emulate_media(media="print")
    look = partial(page.evaluate, "document.querySelectorAll('details:not([open])').length")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    printing = look()
    page.evaluate("dispatchEvent(new Event('afterprint'))")

    assert printing == 0
    assert look() > 5
    assert not page.get_by_role("button", name="Dark").is_visible()
