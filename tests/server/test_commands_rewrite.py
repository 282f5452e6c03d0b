"""`byleave rewrite`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from byleave.server.commands.program import program

PAGE = b'<main data-byleave-slot="hero"><p>caf\xe9</p></main>\r\n<div id="aside">own</div>'


@pytest.fixture
def page(tmp_path: Path) -> Path:
    file = tmp_path / "page.html"
    file.write_bytes(PAGE)
    return file


def slots(folder: Path, given: object) -> str:
    file = folder / "slots.json"
    file.write_text(given if isinstance(given, str) else json.dumps(given))
    return str(file)


@pytest.mark.parametrize("chunk", [[], ["--chunk", "1"], ["--chunk", "7"]])
def test_only_slots_change_whatever_the_pieces(
    chunk: list[str], page: Path, tmp_path: Path
) -> None:
    given = {"hero": "<h1>New</h1>", "box": {"selector": "#aside", "html": "<b>Also</b>"}}

    done = CliRunner().invoke(
        program, ["rewrite", str(page), "--slots", slots(tmp_path, given), *chunk]
    )

    assert done.exit_code == 0
    assert done.stdout_bytes == PAGE.replace(b"<p>caf\xe9</p>", b"<h1>New</h1>").replace(
        b"own", b"<b>Also</b>"
    )
    assert "hero: swapped" in done.stderr


def test_a_page_without_slots_is_written_as_it_is(page: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        program, ["rewrite", "-", "--slots", slots(tmp_path, {"other": "x"})], input=PAGE
    )

    assert done.stdout_bytes == PAGE
    assert "other: not on this page" in done.stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("[]", "expected JSON such as"),
        ("{", "expected JSON such as"),
        ({"hero": 3}, "expected JSON such as"),
        ({"hero": {"selector": "a > b", "html": ""}}, "a > b"),
    ],
)
def test_what_cannot_be_used_is_told(given: object, told: str, page: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(program, ["rewrite", str(page), "--slots", slots(tmp_path, given)])

    assert done.exit_code == 2
    assert told in done.stderr


def test_a_page_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        program, ["rewrite", str(tmp_path / "no.html"), "--slots", slots(tmp_path, {})]
    )

    assert done.exit_code == 2
    assert "no.html" in done.stderr
