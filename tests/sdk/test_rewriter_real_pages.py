"""The rewriter against pages and parsers that others wrote, fetched when the tests run."""

import importlib
import itertools
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
import warnings
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from byleave.sdk.rewriter import Outcome, Rewriter, mark, rewrite

pytestmark = pytest.mark.long

KEY = b"a key for marks that only tests know"
MARKS = tuple(part.encode() for part in mark("hero", KEY))
DEBIAN_PACKAGES = ("apache2-doc", "python-django-doc")
SIZES = (1, 7, 64, 1400, 16384)

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
    assert len(pages) > 1000

    for number, path in enumerate(pages):
        page = path.read_bytes()
        rewriter = Rewriter({"hero": b"new"}, selectors={"hero": "#no-such-id"}, keys=[KEY])
        size = SIZES[number % len(SIZES)]
        part = page[: 500 * max(size, 100)]
        assert in_chunks(rewriter, part, itertools.repeat(size)) == part, path
        assert not rewriter.has_given_up, path
        whole = Rewriter({"hero": b"new"}, keys=[KEY])
        assert whole.feed(page) + whole.close() == page, path


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


@pytest.fixture(scope="module")
def html5lib_inputs(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Each input of html5lib's tests of tree construction."""
    folder = tmp_path_factory.mktemp("html5lib")
    pip = (sys.executable, "-m", "pip")
    run(*pip, "download", "--no-deps", "--no-binary=:all:", "html5lib==1.1", folder=folder)
    inputs: dict[bytes, None] = {}
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        for member in archive:
            if "/tree-construction/" in member.name and member.name.endswith(".dat"):
                file = archive.extractfile(member)
                cases = (b"\n" + file.read() if file else b"").split(b"\n#data\n")[1:]
                inputs.update(dict.fromkeys(case.partition(b"\n#errors")[0] for case in cases))
    return list(inputs)


@pytest.fixture(scope="module")
def parse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[bytes], Any]]:
    """Html5lib's parser, installed for these tests alone."""
    folder = tmp_path_factory.mktemp("site-packages")
    pip = (sys.executable, "-m", "pip")
    run(*pip, "install", "--target", str(folder), "html5lib==1.1", folder=folder)
    sys.path.insert(0, str(folder))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            html5lib = importlib.import_module("html5lib")
            yield lambda page: html5lib.HTMLParser().parse(page.decode("latin-1"), scripting=True)
    finally:
        sys.path.remove(str(folder))


def outside(element: Any) -> Tree:
    """Return a tree as tuples, without the content of the slot's element."""
    attributes = tuple(sorted(map(str, element.attrib.items())))
    is_host = "data-byleave-slot" in element.attrib
    inner = () if is_host else (element.text, *map(outside, element))
    return (str(element.tag), attributes, inner, element.tail)


def hosts(tree: Any) -> int:
    return sum("data-byleave-slot" in element.attrib for element in tree.iter())


def test_a_slot_is_swapped_only_where_html5lib_sees_an_element(
    html5lib_inputs: list[bytes], parse: Callable[[bytes], Any]
) -> None:
    missed = swapped = 0
    for text in html5lib_inputs:
        if b"<frameset" in text or b"<select" in text:
            continue  # the element is dropped, or browsers differ: no harm either way
        page = text + b'<div data-byleave-slot="hero">default</div>tail'
        rewriter = Rewriter({"hero": b"new"})
        rewriter.close(page)

        is_swapped = Outcome.SWAPPED in {s.outcome for s in rewriter.seen.values()}
        is_live = hosts(parse(page)) > 0
        assert is_live or not is_swapped, page
        swapped += is_swapped
        missed += is_live and not is_swapped
    assert swapped > 1000
    assert missed < 0.01 * swapped


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        ("", "div", ""),
        ("", "span", ""),
        ("", "p", ""),
        ("", "a", ""),
        ("", "h1", ""),
        ("", "button", ""),
        ("", "form", ""),
        ("", "object", ""),
        ("", "x-card", ""),
        ("", "svg", ""),
        ("", "math", ""),
        ("<ul>", "li", "<li>x</ul>"),
        ("<dl>", "dd", "</dl>"),
        ("<ruby>", "rt", "</ruby>"),
        ("<table><tr>", "td", "</table>"),
        ("<table>", "caption", "</table>"),
        ("<select>", "option", "</select>"),
        ("<svg>", "g", "</svg>"),
        ("<svg>", "foreignObject", "</svg>"),
        ("<math>", "mi", "</math>"),
        ("<b>", "div", ""),
    ],
)
def test_what_is_swapped_ends_where_html5lib_ends_the_element(
    before: str,
    name: str,
    after: str,
    html5lib_inputs: list[bytes],
    parse: Callable[[bytes], Any],
) -> None:
    head = f"<!doctype html>{before}<{name} data-byleave-slot=hero>".encode()
    tail = f"</{name}>tail<i>x</i>{after}<p>end".encode()
    swapped = 0
    for text in html5lib_inputs:
        if b"<frameset" in text or b"<isindex" in text:
            continue  # obsolete: dropped, or replaced by a form in html5lib alone
        page = head + text + tail
        rewriter = Rewriter({"hero": b""})
        out = rewriter.close(page)
        if rewriter.seen["hero"].outcome is Outcome.SWAPPED:
            swapped += 1
            assert outside(parse(page)) == outside(parse(out)), page
    assert swapped > 200
