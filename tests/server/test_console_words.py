"""Every text of the console can be translated, and the list for translators is complete."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from starlette.testclient import TestClient

from byleave.server.app import create_app
from byleave.server.console.display import COOKIE, Display
from byleave.server.console.pages import PAGES
from byleave.server.console.wording import PSEUDO
from byleave.server.keys import Role
from byleave.server.service import Service

#: Attributes that are read out or shown.
SAID = ("aria-label", "alt", "title", "placeholder")
#: What is no text: it belongs to programs, or is data.
SKIPPED = {"style", "script", "code", "time", "option"}


class Texts(HTMLParser):
    """Collects the texts of a page that are ours: neither data nor in a language of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_data = given.get("translate") == "no" or given.get("lang") == "en" or tag in SKIPPED
        if not (is_data or self._is_data):
            self.found += [given[name] or "" for name in SAID if name in given]
        if tag not in ("input", "meta", "link", "br"):
            self._inside.append((tag, is_data or self._is_data))

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self._is_data:
            self.found.append(data)

    @property
    def _is_data(self) -> bool:
        return bool(self._inside) and self._inside[-1][1]


def untranslated(page: str) -> list[str]:
    """The texts with letters that did not go through gettext."""
    parser = Texts()
    parser.feed(page)
    left = (re.sub(r"⟦.*?⟧", "", text, flags=re.DOTALL) for text in parser.found)
    return [text.strip() for text in left if re.search(r"[A-Za-z]{2}", text)]


@pytest.fixture(params=["service", "told"], ids=["empty", "full"])
def browse(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Opens a page in the pseudo-locale."""
    service: Service = request.getfixturevalue(request.param)
    client = TestClient(create_app(service))
    client.headers["Authorization"] = f"Bearer {service.create_key(Role.ANALYST)}"
    client.cookies[COOKIE] = Display(locale=PSEUDO).to_cookie()
    return lambda path: str(client.get(path).text)


PATHS = [page.path for page in PAGES if page.method == "GET" and "{file}" not in page.path]


@pytest.mark.parametrize("path", [*PATHS, "/console/nowhere"])
def test_every_text_of_a_page_can_be_translated(path: str, browse: Any) -> None:
    page = browse(path.format(key="welcome"))

    assert "⟦" in page
    # The product's name, the names of zones, months and locales are the same everywhere.
    left = [text for text in untranslated(page) if not re.search(r"Byleave|UTC|\b20\d\d", text)]
    assert left == []


def test_a_text_that_cannot_be_translated_is_found() -> None:
    page = '<p>⟦Ôné⟧ two</p><p translate="no">data</p><b aria-label="three">⟦x⟧</b><code>f()</code>'

    assert untranslated(page) == ["two", "three"]
