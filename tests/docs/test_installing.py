"""What the install lines of a page bring is enough for what the page then imports and calls.

A line that names Byleave begins a fresh environment; one that does not adds to it. Pages without
such a line go on from others, and say so.
"""

import ast
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NEEDS_MORE = {"--reload-include": "watchfiles", "byleave": "typer"}  # by words of commands
IMPORTS = packages_distributions()
SCRIPTS = {
    script.name: script.dist.name for script in entry_points(group="console_scripts") if script.dist
}


def names(requirements: list[str]) -> set[str]:
    """Return the distributions that requirements name, with all that Byleave and its extras do."""
    found: set[str] = set()
    for requirement in requirements:
        match = re.match(r"([\w-]+)(?:\[([\w,]+)\])?", requirement)
        assert match, requirement
        found.add(plain(match[1]))
        if match[1] == PROJECT["name"]:
            found |= names(PROJECT["dependencies"])
            for extra in filter(None, (match[2] or "").split(",")):
                found |= names(PROJECT["optional-dependencies"][extra])
    return found


def plain(name: str) -> str:
    return name.lower().replace("_", "-")


def needed(block: Any, own: set[str]) -> Iterator[str]:
    """Yield the distributions that a block of code needs, but for modules that the page shows."""
    if block.language == "python":
        for node in ast.walk(ast.parse(block.body)):
            modules = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
            for root in {module.partition(".")[0] for module in modules}:
                if root not in own | sys.stdlib_module_names:
                    yield plain(IMPORTS[root][0] if root != "byleave" else "byleave")
    elif block.language == "console":
        for line in re.findall(r"^\$ (.+)$", block.body, re.MULTILINE):
            words = shlex.split(line, comments=True)
            if words[0] == "pip":
                continue
            yield from (NEEDS_MORE[word] for word in words if word in NEEDS_MORE)
            if words[0] in SCRIPTS:
                yield plain(SCRIPTS[words[0]])
    elif block.file is not None and block.file.startswith("byleave/"):
        yield "pyyaml"


def missing(page: Any) -> dict[int, set[str]]:
    """Return what is not installed where a page needs it, by the lines of its blocks."""
    own = {Path(block.file).parts[0].removesuffix(".py") for block in page.blocks if block.file}
    installed: set[str] | None = None
    found: dict[int, set[str]] = {}
    for block in page.blocks:
        for line in re.findall(r"^\$ pip install (.+)$", block.body, re.MULTILINE):
            named = names(shlex.split(line, comments=True))
            installed = named if "byleave" in named else (installed or set()) | named
        if installed is not None and (lacking := set(needed(block, own)) - installed):
            found[block.line] = lacking
    return found


def test_what_a_page_installs_is_enough_for_what_it_runs(page: Any) -> None:
    assert missing(page) == {}


def test_the_line_of_a_bare_site_has_no_command_line() -> None:
    assert {"typer", "uvicorn"}.isdisjoint(names(["byleave"]))
    assert {"typer", "uvicorn"} <= names(["byleave[server]"])
