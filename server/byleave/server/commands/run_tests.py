"""`byleave test`: do segments and slots make of personas what their authors want?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from byleave.server.commands.exits import FOUND, refuse
from byleave.server.commands.validate import DEFAULT_FOLDER, Folder, Style, counted, load, report

Tests = Annotated[
    Path | None,
    typer.Option(help="A file or folder of tests; by default tests/NAME beside a folder NAME."),
]


def run_tests(
    folder: Folder = DEFAULT_FOLDER,
    tests: Tests = None,
    style: Annotated[
        Style, typer.Option("--format", help="How failures are printed.")
    ] = Style.TEXT,
) -> None:
    """Test whether personas are in the segments, and see the variants, that they should.

    Exits with 0 where every expectation is met, 1 where one is not, 2 where there is no test.
    """
    definitions = load(folder, style)

    from byleave.segments import DefinitionError
    from byleave.server.commands.suite import Suite
    from byleave.server.yaml_documents import yaml_files

    root = _beside(folder) if tests is None else tests
    if not root.exists():
        refuse(f"no test in {root}")
    try:
        suite = Suite.read(yaml_files(root), definitions)
    except DefinitionError as error:
        report(error, style=style)
        raise typer.Exit(FOUND) from None
    except OSError as error:
        refuse(f"{error.filename}: {error.strerror}")
    if not suite.tests:
        refuse(f"no test in {root}")
    failures = suite.failures(definitions, now_ms=time.time_ns() // 1_000_000)
    typer.echo(counted(len(suite.tests), "test"), err=True)
    report(DefinitionError(failures), style=style, word="failure")
    if failures:
        raise typer.Exit(FOUND)


def _beside(folder: Path) -> Path:
    """Return where the tests of a folder of definitions stand, all of whose YAML is published."""
    named = folder if folder.name not in ("", "..") else folder.resolve()
    return named.parent / "tests" / named.name
