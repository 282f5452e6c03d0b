"""Nothing hostile runs in a browser, whichever way it comes to a page."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import html5lib  # type: ignore[import-untyped]  # it has none
import nh3
import pytest
from jinja2 import DictLoader, Environment
from playwright.sync_api import Page, sync_playwright
from tests.sdk.hostile import AROUND, VECTORS, hostile_inputs

from byleave.experiments import Slot, Variant
from byleave.experiments.markup import markup_faults
from byleave.sdk.failures import VariantError
from byleave.sdk.navigation import personal_links
from byleave.sdk.variants import Renderer
from byleave.segments import read

INPUTS = list(hostile_inputs())
SAMPLE = INPUTS[:: len(INPUTS) // 50]
OPTIONS = {"path": "/", "codec": "utf-8"}
SLOT = read(
    Slot,
    {"kind": "content", "fields": {"title": "text", "link": "url"}, "template": "hero.html"},
)
MENU = read(Slot, {"kind": "navigation", "reorder": True})
TEMPLATES = {"hero.html": '<h2 title="{{ title }}">{{ title }}</h2><a href="{{ link }}">x</a>'}
LINKS = b'<ul><li><a href="/a">A</a></li></ul>'
COUNTER = "<script>hits = 0; hit = HIT = () => { hits++ }</script>"
SHOWN = (
    '<p title="{{ who | you }}">Hello {{ who | you }}</p>'
    '<a href="/of/{{ who | you }}">Yours</a><img alt="{{ who | you }}" src="/{{ who | you }}">'
)


def ways(text: str) -> Iterator[bytes]:
    """Yield what a page shows where a text comes from an author, or from the visitor."""
    renderer = Renderer(
        Environment(loader=DictLoader(TEMPLATES), autoescape=True), promoted_label=text
    )
    nav = [{"promote": "/a", "label": text}, {"add": "/b/" + quote(text), "label": text}]
    given = (
        (SLOT, {"html": text}, b""),
        (SLOT, {"html": SHOWN}, b""),
        (SLOT, {"fields": {"title": text, "link": "/"}}, b""),
        (SLOT, {"fields": {"title": "", "link": text}}, b""),
        (SLOT, {"fields": {"title": "{{ who | you }}", "link": "/{{ who | you }}"}}, b""),
        (MENU, {"nav": [*nav, {"add": text, "label": "x"}]}, LINKS),
    )
    for slot, variant, default in given:
        try:
            out = renderer.render(
                slot, read(Variant, variant), default, known=lambda name: text, **OPTIONS
            )
        except VariantError:
            continue
        yield out or default


def live(page: str) -> list[str]:
    """Return what of a page could run code, as a parser of the standard reads it."""
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    found = []
    for element in tree.iter():
        name = str(element.tag).rpartition("}")[2]
        if name in {"script", "style", "svg", "math", "iframe", "object", "embed", "base", "form"}:
            found.append(name)
        for key, value in element.attrib.items():
            plain = re.sub(r"[\x00-\x20]", "", value).lower()
            if str(key).startswith(("on", "hx-", "data-hx")) or plain.startswith("javascript:"):
                found.append(f"{name} {key}")
    return found


def test_there_are_thousands_of_inputs_and_they_are_alive() -> None:
    assert len(INPUTS) >= 2_000
    assert len(SAMPLE) >= 50
    assert all(live(f"<div>{vector}</div>") for vector in VECTORS if "hit" in vector[:20])


@pytest.mark.parametrize("text", SAMPLE, ids=range(len(SAMPLE)))
def test_nothing_hostile_is_left_in_what_a_page_shows(text: str) -> None:
    for shown in ways(text):
        assert live(f"<main><div>{shown.decode()}</div></main>") == []


@pytest.mark.long
def test_nothing_hostile_is_left_of_any_input() -> None:
    for text in INPUTS:
        for shown in ways(text):
            assert live(f"<main><div>{shown.decode()}</div></main>") == [], text


def test_what_is_let_through_is_what_a_sanitiser_would_leave() -> None:
    accepted = [text for text in INPUTS if not markup_faults(text)]
    written = ["<h2>Hi</h2>", "<p>a <b title='x'>b</b><br/>c &lt; d</p>", '<a href="/x">x</a>']

    for text in accepted + written:
        cleaned = nh3.clean(text, attributes={"*": {"title"}, "a": {"href"}}, link_rel=None)
        assert _tree(cleaned) == _tree(text)


def _tree(text: str) -> Any:
    walker = html5lib.getTreeWalker("etree")
    parsed = html5lib.parseFragment(text)
    return [(token["type"], token.get("name"), str(token.get("data"))) for token in walker(parsed)]


def test_a_templates_links_are_the_templates_to_escape() -> None:
    shown = personal_links(
        [{"href": "/a", "label": "A"}],
        read(Variant, {"nav": [{"add": "javascript:hit()", "label": "x"}]}).content,
        current_path="/",
        promote_at_most=3,
        may_reorder=False,
        label="",
    )

    assert [link["href"] for link in shown] == ["/a"]


@pytest.fixture(scope="module")
def browser_page(chromium: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        page = browser.new_page()
        page.route("**/*", lambda route: route.fulfill(status=404, body=""))
        yield page
        browser.close()


def hits(page: Page, shown: list[str]) -> int:
    """Return how often code ran while a page with all of it was shown, used and left alone."""
    body = "".join(f"<div>{each}</div>" for each in shown)
    page.set_content(f"{COUNTER}<main>{body}</main>")
    page.evaluate(
        """() => {
          for (const link of document.querySelectorAll("a")) {
            if (/^(javascript|data|vbscript):/.test(link.protocol)) link.click();
          }
        }"""
    )
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return int(page.evaluate("() => hits"))


@pytest.mark.browser
def test_the_browser_would_run_them(browser_page: Page) -> None:
    alive = ("<script>", "<img", "<image", "<svg onload", "<details", "<a href='j", "<style onload")
    for vector in VECTORS:
        if vector.startswith(alive):
            assert hits(browser_page, [vector]) > 0, vector


@pytest.mark.browser
def test_no_browser_runs_any_of_a_sample(browser_page: Page) -> None:
    for text in SAMPLE:
        assert hits(browser_page, [shown.decode() for shown in ways(text)]) == 0, text


@pytest.mark.browser
@pytest.mark.long
def test_no_browser_runs_any_of_thousands(browser_page: Page) -> None:
    for start in range(0, len(INPUTS), 20):
        texts = INPUTS[start : start + 20]
        assert hits(browser_page, [s.decode() for text in texts for s in ways(text)]) == 0, texts
    assert len(AROUND) * len(VECTORS) >= 500
