"""The rewriter against pages and parsers that others wrote, fetched when the tests run."""

import itertools
import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from byleave.sdk.rewriter import Outcome, Rewriter, mark, rewrite

pytestmark = pytest.mark.long

KEY = b"a key for marks that only tests know"
MARKS = tuple(part.encode() for part in mark("hero", KEY))
DEBIAN_PACKAGES = ("apache2-doc", "python-django-doc")
SIZES = (64, 1400, 16384)
SMALL_SIZES = (1, 7)

Tree = tuple[Any, ...]


def run(*command: str, folder: Path) -> None:
    """Run a command of a package manager, or skip the test where there is none."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    constraint = folder / "constraint.txt"
    constraint.write_text("setuptools<80\n")  # newer ones do not build html5lib 1.1
    environment = {**os.environ, "PIP_CONSTRAINT": str(constraint)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"{command[0]} failed: no network?")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("debian")
    run("apt-get", "download", *DEBIAN_PACKAGES, folder=folder)
    for package in folder.glob("*.deb"):
        run("dpkg-deb", "-x", str(package), "unpacked", folder=folder)
    found = (path for path in folder.rglob("*.html*") if path.is_file() and not path.is_symlink())
    return sorted(found)


def in_chunks(rewriter: Rewriter, page: bytes, sizes: Iterator[int]) -> bytes:
    pieces, start = [], 0
    while start < len(page):
        size = next(sizes)
        pieces.append(rewriter.feed(page[start : start + size]))
        start += size
    return b"".join(pieces) + rewriter.close()


def test_real_pages_are_not_changed(pages: list[Path]) -> None:
    assert len(pages) >= 1000

    every = len(pages) // 20
    for number, path in enumerate(pages):
        page = path.read_bytes()
        sizes = (*SIZES, *SMALL_SIZES) if number % every == 0 else SIZES
        for size in sizes:
            rewriter = Rewriter({"hero": b"new"}, selectors={"hero": "#no-such-id"}, keys=[KEY])
            assert in_chunks(rewriter, page, itertools.repeat(size)) == page, (path, size)
            assert not rewriter.has_given_up, path
        assert rewrite(page, {"hero": b"new"}) == page, path


class Starts(HTMLParser):
    """Notes where the start tags of block elements stand, by another parser than ours."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: list[int] = []
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._raw: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._raw is None and tag in ("div", "p", "h2", "dl", "ul", "pre"):
            line, column = self.getpos()
            self.places.append(self._lines[line - 1] + column)
        if tag in ("title", "textarea", "noscript", "iframe", "svg", "math"):
            self._raw = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._raw:
            self._raw = None


def test_slots_between_the_elements_of_real_pages_are_swapped_and_swapped_back(
    pages: list[Path],
) -> None:
    draw = random.Random(5)
    styles = [
        (b'<div data-byleave-slot="hero">', b"</div>"),
        (b"<x-slot class='a' data-byleave-slot=hero>", b"</x-slot>"),
        MARKS,
    ]
    swapped = 0
    for path in pages:
        page = path.read_bytes()
        places = Starts(page.decode("latin-1")).places
        for place in draw.sample(places, min(4, len(places))):
            before, after = draw.choice(styles)
            default = b"<ul><li>a <b>b</b><li><p>c</ul>"
            rewriter = Rewriter({"hero": b"new"}, keys=[KEY])
            sizes = iter(lambda: int(10 ** draw.uniform(0, 4.8)) + 1, 0)
            out = in_chunks(rewriter, page[:place] + before + default + after + page[place:], sizes)

            if (before, after) == MARKS:
                before = after = b""
            assert out == page[:place] + before + b"new" + after + page[place:], (path, place)
            if before:
                back = rewrite(out, {"hero": default})
                assert back == page[:place] + before + default + after + page[place:]
            swapped += 1
    assert swapped > 3000


def test_most_elements_of_real_pages_could_be_slots(pages: list[Path]) -> None:
    outcomes: list[Outcome] = []
    for path in pages[::5]:
        page = path.read_bytes()
        for name in re.findall(rb'<(?:div|section|ul|dl|h\d)[^>]* id="([A-Za-z_][\w-]*)"', page)[
            :8
        ]:
            rewriter = Rewriter({"x": b"new"}, selectors={"x": f"#{name.decode()}"})
            rewriter.close(page)
            outcomes.append(rewriter.seen["x"].outcome)

    assert outcomes.count(Outcome.SWAPPED) > 0.98 * len(outcomes)
