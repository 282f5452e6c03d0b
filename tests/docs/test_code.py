"""All code in the documentation runs, as its reader would run it.

A block whose first line is a comment with a file's name is written to that file. Of all other
blocks, Python runs, YAML is read as definitions, JSON is parsed, and console blocks run their
commands and compare what these print; `...` in it stands for anything. A block that cannot be
run has `<!-- not run: the reason -->` before it.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from byleave.sdk.folder import load_folder
from byleave.segments import DefinitionError
from byleave.server.commands.program import program

ROOT = Path(__file__).resolve().parent.parent.parent
LANGUAGES = {"console", "css", "html", "ini", "js", "json", "nginx", "python", "text", "yaml"}
ELSEWHERE = re.compile("unknown (attribute|event|goal|segment|slot) ")


def test_every_block_of_code_says_in_which_language_it_is(page: Any) -> None:
    unknown = [block.line for block in page.blocks if block.language not in LANGUAGES]

    assert unknown == []


def test_the_code_of_a_page_runs(page: Any, tmp_path: Path) -> None:
    source = ""  # of a page's snippets, which follow each other as in one session
    for block in page.blocks:
        if not block.is_run:
            continue
        if block.file is not None:
            path = tmp_path / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.body, encoding="utf-8")
        elif block.language == "python":
            source += block.body
        elif block.language in RUNNERS:
            try:
                RUNNERS[block.language](block.body, tmp_path)
            except ValueError as error:
                pytest.fail(f"{page.name}:{block.line}: {error}")
    if source:
        run_python(source, tmp_path)
    if (tmp_path / "byleave" / "byleave.yaml").is_file():
        load_folder(tmp_path / "byleave")


def test_every_make_target_exists(page: Any) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))

    named = set(re.findall(r"(?:^\$ |`)make ([a-z-]+)", page.text, flags=re.MULTILINE))

    assert named - targets == set()


def run_python(source: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def run_console(body: str, folder: Path) -> None:
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        printed = output_of(command, folder).strip()
        pattern = re.escape(expected.strip()).replace(r"\.\.\.", ".*")
        if not re.fullmatch(pattern, printed, re.DOTALL):
            raise ValueError(f"{command}\n{printed}")


def output_of(command: str, folder: Path) -> str:
    """Return what a command prints, errors included."""
    if command.startswith("byleave "):
        # In this process, because a second for each import adds up.
        with chdir(folder):
            return CliRunner().invoke(program, shlex.split(command)[1:]).output
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ).stdout


def read_yaml(body: str, folder: Path) -> None:
    """Read a part of a set of definitions: all but the names it leaves out must be right."""
    is_site = re.match(r"site:", body)
    is_part = re.match(r"(segment|experiment):", body)
    (folder / "part").mkdir(exist_ok=True)
    head = "" if is_site else "site: my-site\n---\n" if is_part else "site: my-site\n"
    (folder / "part" / "byleave.yaml").write_text(head + body, encoding="utf-8")
    try:
        load_folder(folder / "part")
    except DefinitionError as error:
        faults = [fault for fault in error.faults if not ELSEWHERE.match(fault.message)]
        if faults:
            raise ValueError("\n".join(map(str, faults))) from None


def read_json(body: str, folder: Path) -> None:
    del folder
    json.loads(body)


RUNNERS: dict[str, Callable[[str, Path], None]] = {
    "console": run_console,
    "json": read_json,
    "yaml": read_yaml,
}
