"""From nothing to a launched experiment in a real browser; and nothing hostile runs on the way."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Frame, Locator, Page, TimeoutError
from tests.sdk.hostile import hostile_inputs
from tests.server.conftest import DEFINITIONS, Clock

from byleave.experiments import Definitions
from byleave.segments import plain, read
from byleave.server.app import create_app
from byleave.server.demo.serving import serving
from byleave.server.keys import Role
from byleave.server.listening import listen, url_of
from byleave.server.service import Service

from .conftest import Console

pytestmark = pytest.mark.browser

SITE: dict[str, Any] = DEFINITIONS | {
    "slots": {
        "hero": {
            "kind": "content",
            "fields": {"title": "text", "image": "image", "link": "url"},
            "template": "hero.html",
        },
        "menu": {"kind": "navigation"},
    },
}
INPUTS = list(hostile_inputs())
MOST_SCREENS = 5
FIELDS = ("title", "image", "link")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """The console of a site whose hero has fields, and which nobody has visited."""
    service = Service(tmp_path_factory.mktemp("site") / "shop.db", site="shop", clock=Clock())
    service.publish(read(Definitions, SITE), reason="first", author="tests")
    port = listen(0)
    with serving(create_app(service), port):
        yield Console(service, url_of(port))
    service.close()


@pytest.fixture
def sign_in(visit: Callable[..., Page], served: Console) -> Callable[..., Page]:
    """Opens the browser of somebody of a role."""

    def new(role: Role, **options: Any) -> Page:
        key = served.service.create_key(role)
        return visit(extra_http_headers={"Authorization": f"Bearer {key}"}, **options)

    return new


class Hand(Protocol):
    """What uses a page."""

    def fill(self, label: str, text: str) -> None:
        """Write a text into a field."""

    def choose(self, label: str, option: str) -> None:
        """Choose an option of a list."""

    def press(self, control: Locator) -> None:
        """Press a button, or follow a link."""


class Mouse:
    """Uses a page by clicking at what is wanted."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).click()
        self.page.keyboard.type(text)

    def choose(self, label: str, option: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(option)

    def press(self, control: Locator) -> None:
        control.click()


class Keyboard:
    """Uses a page by keys alone, going on from field to field."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def fill(self, label: str, text: str) -> None:
        self._reach(self.page.get_by_label(label, exact=True))
        self.page.keyboard.type(text)

    def choose(self, label: str, option: str) -> None:
        self._reach(self.page.get_by_label(label, exact=True))
        self.page.keyboard.type(option)

    def press(self, control: Locator) -> None:
        self._reach(control)
        self.page.keyboard.press("Enter")

    def _reach(self, wanted: Locator) -> None:
        for _ in range(120):
            if wanted.evaluate("each => each === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {wanted}")


WAYS: dict[str, tuple[Callable[[Page], Hand], bool]] = {
    "mouse": (Mouse, True),
    "keyboard": (Keyboard, True),
    "no-scripts": (Mouse, False),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_marketer_launches_an_experiment_for_a_new_segment(
    way: str, sign_in: Callable[..., Page], served: Console
) -> None:
    use, has_scripts = WAYS[way]
    page = sign_in(Role.MARKETER, java_script_enabled=has_scripts)
    hand = use(page)
    seen: dict[str, None] = {}
    page.on("framenavigated", lambda each: seen.setdefault(urlsplit(each.url).path))
    key, regulars = f"spring-{way}", f"regulars-{way}"

    page.goto(f"{served.server}/console/segments/-/new")
    hand.fill("What you call it", "Regulars")
    hand.fill("Key", regulars)
    hand.press(page.get_by_role("button", name="Add a row"))
    hand.choose("Looks at", "purchase")
    hand.choose("What happened", "happened a number of times:")
    hand.press(page.get_by_role("button", name="Count", exact=True).last)
    hand.fill("at least", "2")
    hand.fill("What it is for", "They come back")
    hand.press(page.get_by_role("button", name="Publish"))
    hand.press(page.get_by_role("link", name="Make an experiment for it"))

    hand.fill("What you call it", "Spring")
    hand.fill("Key", key)
    hand.choose("Where it shows", "hero")
    hand.choose("What it is judged by", "signup")
    hand.press(page.get_by_role("button", name="Go on"))

    hand.fill("Name of variant 1", "warm")
    hand.press(page.get_by_role("button", name="Save draft"))
    hand.press(page.get_by_role("link", name="Edit warm"))

    hand.fill("title", "Books for spring")
    hand.fill("image", "/spring.webp")
    hand.fill("link", "/spring")
    hand.press(page.get_by_role("button", name="Save and look"))
    framed = page.frame_locator("iframe.plain").get_by_text("Books for spring")
    framed.wait_for()
    hand.press(page.get_by_role("button", name="Save and go back"))

    hand.fill("What you expect, and why", "Spring sells")
    hand.press(page.get_by_role("button", name="Publish for review"))
    hand.fill("Address of the page", "/pricing")
    hand.press(page.get_by_role("button", name="Make links"))
    preview = page.get_by_role("link", name="warm", exact=True).get_attribute("href") or ""
    hand.fill("What you expect, and why", "Spring sells")
    hand.press(page.get_by_role("button", name="Launch"))
    page.get_by_text("It is published and runs.").wait_for()

    made = served.service.published.snapshot.definitions.experiments[key]
    assert made.variants["warm"].content["title"] == "Books for spring"
    assert float(made.traffic) == 1
    segment = served.service.published.snapshot.definitions.segments[regulars]
    assert made.audience == regulars
    assert plain(segment.when) == {"all": [{"event": "purchase", "count": {"at_least": 2}}]}
    assert preview.startswith("/pricing?byleave=")
    screens = {path for path in seen if path.startswith("/console")}
    assert len(screens) <= MOST_SCREENS


#: Tells of each thing that ran, wherever it did.
_WATCH = "window.hits = 0; window.hit = window.HIT = window.alert = () => { window.hits++ }"
#: Uses all that a page has, as a reader might; returns how often code ran.
_USE = """() => {
  for (const each of document.querySelectorAll("main *")) {
    for (const name of ["click", "mouseover", "focus", "error", "load", "toggle"])
      if (!each.closest("a, button, summary, form")) each.dispatchEvent(new Event(name));
  }
  return window.hits || 0;
}"""


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(INPUTS[::900], id="sample"),
        pytest.param(Random(1).sample(INPUTS, 2_100), id="thousands", marks=pytest.mark.long),
    ],
)
def test_nothing_hostile_runs_in_the_console(
    texts: list[str], sign_in: Callable[..., Page], served: Console
) -> None:
    library = served.service.library
    page = sign_in(Role.ADMIN)
    page.add_init_script(_WATCH)
    assert runs(page, "about:blank", "<img src=x onerror=hit()>") > 0
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url))
    welcome = DEFINITIONS["experiments"]["welcome"]
    drafts = f"{served.server}/console/drafts"
    for some in batched(texts, 12):
        nav = [{"promote": text, "label": text} for text in some]
        menus = {**welcome, "slot": "menu", "variants": {"control": "site", "go": {"nav": nav}}}
        library.put_draft("menus", {"experiments": {"menus": menus}}, base=1, author=some[0])
        named = {text: {"template": text} for text in some}
        html = {f"html-{at}": {"html": text} for at, text in enumerate(some)}
        fields: dict[str, Any] = {  # one text for all, or one for each locale
            f"fields-{at}": {
                "fields": {each: {"de": text, text: text} if at % 2 else text for each in FIELDS}
            }
            for at, text in enumerate(some)
        }
        variants = {"control": "site", **fields, **html, **named}
        draft = {**welcome, "title": some[-1], "variants": variants}
        library.put_draft("welcome", {"experiments": {"welcome": draft}}, base=1, author=some[-1])
        ways = [f"welcome/variants/{name}" for name in (*fields, *html)]
        for path in ("menus/variants/go", "welcome", *ways):
            assert runs(page, f"{drafts}/{path}") == 0, (path, some)
        assert [
            url for url in asked if not url.startswith((served.server, "about:", "data:"))
        ] == [], some


def runs(page: Page, address: str, content: str = "") -> int:
    """Return how often code ran in a page and its frames while it was shown and used."""
    answer = page.goto(address)
    assert answer is None or answer.status == 200
    if content:
        page.set_content(content)
        page.wait_for_function("window.hits > 0")
    return sum(used(frame) for frame in page.frames)


def used(frame: Frame) -> int:
    """Return how often code ran in a frame; never where nothing was loaded into it."""
    try:
        return int(frame.locator(":root").evaluate(_USE, timeout=10_000))
    except TimeoutError:
        assert frame.url == "", frame.url  # its address was refused, and it has no document
        return 0


def batched(texts: list[str], size: int) -> Iterator[list[str]]:
    """Yield texts, so many at a time."""
    for start in range(0, len(texts), size):
        yield texts[start : start + size]
