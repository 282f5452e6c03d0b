"""The rewriter against parsers as good as browsers', on the inputs that test such parsers.

The inputs are html5lib's own and those of the Web Platform Tests, in the release archives of
html5lib and turbohtml. Both are fetched when the tests run; pip's stand-in below keeps it from
building what is only unpacked here.
"""

import importlib
import json
import os
import subprocess
import sys
import tarfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import turbohtml
from selectolax.lexbor import LexborHTMLParser

from byleave.sdk.rewriter import Outcome, Rewriter

pytestmark = pytest.mark.long

HOST = b'<div data-byleave-slot="hero">default</div>tail'
SELECTOR = '[data-byleave-slot="hero"]'
BACKEND = """
import sys
from pathlib import Path

__legacy__ = sys.modules[__name__]  # what pip asks for where an archive names no backend

def prepare_metadata_for_build_wheel(folder, settings=None):
    Path(folder, "{name}.dist-info").mkdir()
    text = "Metadata-Version: 2.1\\nName: {project}\\nVersion: {version}\\n"
    Path(folder, "{name}.dist-info", "METADATA").write_text(text)
    return "{name}.dist-info"
"""

Tree = tuple[Any, ...]


def archive(folder: Path, project: str, version: str, backend: str) -> tarfile.TarFile:
    """Fetch a release archive, or skip the test where there is no network."""
    module = folder / "stand_in" / (backend.replace(".", "/") + ".py")
    module.parent.mkdir(parents=True)
    if "." in backend:
        module.with_name("__init__.py").touch()
    name = f"{project}-{version}"
    module.write_text(BACKEND.format(name=name, project=project, version=version))
    command = ("download", "--no-deps", "--no-binary=:all:", "--no-build-isolation", "--quiet")
    done = subprocess.run(
        [sys.executable, "-m", "pip", *command, "--use-pep517", f"{project}=={version}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "stand_in")},
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("pip download failed: no network?")
    return tarfile.open(next(folder.glob("*.tar.gz")))


@pytest.fixture(scope="module")
def html5lib_inputs(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Each input of html5lib's tests of tree construction."""
    inputs: dict[bytes, None] = {}
    folder = tmp_path_factory.mktemp("html5lib")
    with archive(folder, "html5lib", "1.1", "setuptools.build_meta") as release:
        for member in release:
            if "/tree-construction/" in member.name and member.name.endswith(".dat"):
                file = release.extractfile(member)
                cases = (b"\n" + file.read() if file else b"").split(b"\n#data\n")[1:]
                inputs.update(dict.fromkeys(case.partition(b"\n#errors")[0] for case in cases))
    return list(inputs)


@pytest.fixture(scope="module")
def platform_inputs(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Each whole page of the Web Platform Tests of tree construction."""
    folder = tmp_path_factory.mktemp("turbohtml")
    with archive(folder, "turbohtml", "1.15.4", "mesonpy") as release:
        [member] = [m for m in release if m.name.endswith("/wpt_html_tree.json")]
        file = release.extractfile(member)
        cases = json.load(file)["cases"] if file else []
    pages = [case["data"] for case in cases if case["context"] is None]
    return list({page.encode("utf-8", "surrogatepass"): None for page in pages})


@pytest.fixture(scope="module")
def parse() -> Iterator[Callable[[bytes], Any]]:
    """Html5lib's parser."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        html5lib = importlib.import_module("html5lib")  # it has no types, and warns on import
        yield lambda page: html5lib.HTMLParser().parse(page.decode("latin-1"), scripting=True)


def differs_between_browsers(text: bytes) -> bool:
    """Whether the element is dropped, or scripting decides: no harm either way."""
    lower = text.lower()
    return any(name in lower for name in (b"<frameset", b"<select", b"<col", b"<noscript"))


def swapped_in(page: bytes) -> bool:
    rewriter = Rewriter({"hero": b"new"})
    rewriter.close(page)
    return Outcome.SWAPPED in {sighting.outcome for sighting in rewriter.seen.values()}


@pytest.mark.parametrize("inputs", ["html5lib_inputs", "platform_inputs"])
def test_a_slot_is_swapped_only_where_two_parsers_see_an_element(
    inputs: str, request: pytest.FixtureRequest
) -> None:
    swapped = missed = 0
    for text in request.getfixturevalue(inputs):
        if differs_between_browsers(text):
            continue
        page = text + HOST
        # Whatever is no ASCII stands for itself, as it does for the rewriter.
        latin = page.decode("latin-1")
        sees = {
            # Lexbor's selectors do not look into templates, whose content no page shows.
            "Lexbor": "<template" in latin or bool(LexborHTMLParser(latin).css(SELECTOR)),
            "turbohtml": bool(turbohtml.parse(latin).select(SELECTOR)),
        }

        is_swapped = swapped_in(page)

        assert all(sees.values()) or not is_swapped, (page, sees)
        swapped += is_swapped
        missed += all(sees.values()) and not is_swapped
    assert swapped > 1000
    assert missed < 0.01 * swapped


def outside(element: Any) -> Tree:
    """Return a tree as tuples, without the content of the slot's element."""
    attributes = tuple(sorted(map(str, element.attrib.items())))
    is_host = "data-byleave-slot" in element.attrib
    inner = () if is_host else (element.text, *map(outside, element))
    return (str(element.tag), attributes, inner, element.tail)


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
