"""Every text of the console can be translated, and the list for translators is complete."""

import re
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from starlette.testclient import TestClient

from byleave.server.app import create_app
from byleave.server.console import wording
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
    client.headers["Authorization"] = f"Bearer {service.create_key(Role.ADMIN)}"
    client.cookies[COOKIE] = Display(locale=PSEUDO).to_cookie()
    return lambda path: str(client.get(path).text)


PATHS = [page.path for page in PAGES if page.method == "GET" and "{file}" not in page.path]


@pytest.mark.parametrize("path", [*PATHS, "/console/nowhere"])
def test_every_text_of_a_page_can_be_translated(path: str, browse: Any) -> None:
    page = browse(
        path.format(key="welcome", version="1.1", draft="welcome", segment="customers", arm="bold")
    )

    assert "⟦" in page
    # The product's name, the names of zones, months and locales are the same everywhere.
    left = [text for text in untranslated(page) if not re.search(r"Byleave|UTC|\b20\d\d", text)]
    assert left == []


def test_a_text_that_cannot_be_translated_is_found() -> None:
    page = '<p>⟦Ôné⟧ two</p><p translate="no">data</p><b aria-label="three">⟦x⟧</b><code>f()</code>'

    assert untranslated(page) == ["two", "three"]


def test_a_language_needs_a_catalogue_and_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = Catalog(locale="de")
    catalogue.add("%(low)s to %(high)s", "%(low)s bis %(high)s")
    catalogue.add(("%(num)d experiment", "%(num)d experiments"), ("%(num)d Test", "%(num)d Tests"))
    target = tmp_path / "de" / "LC_MESSAGES" / "console.mo"
    target.parent.mkdir(parents=True)
    with target.open("wb") as file:
        write_mo(file, catalogue)
    monkeypatch.setattr(wording, "_FOLDER", tmp_path)
    wording.wording.cache_clear()

    german = wording.wording("de-AT")
    wording.wording.cache_clear()

    assert german.gettext("%(low)s to %(high)s") == "%(low)s bis %(high)s"
    assert german.ngettext("%(num)d experiment", "%(num)d experiments", 2) == "%(num)d Tests"
    assert german.gettext("Overview") == "Overview"


def test_translators_are_given_every_text_of_the_templates_and_of_the_code() -> None:
    root = Path(__file__).parents[2]
    make = which("make") or "make"
    command = [make, "--silent", "--old-file=.venv/ready", "messages"]
    made = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    listed = (root / "build" / "console.pot").read_text(encoding="utf-8")

    assert made.returncode == 0, made.stderr
    for text in (
        "Overview",
        "There is no such page",
        "fewer than 10",
        "%(low)s to %(high)s",
        "%(num)d experiment",
        "Skip to the content",
    ):
        assert f'msgid "{text}"' in listed
