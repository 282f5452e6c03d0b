"""Which lines put the middleware into a project that exists: its framework, its files, the places.

Nothing of the project is imported or run; its files are read, and what is not beyond doubt there
is left to whoever knows the project.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: By the class of an application: its framework, where `Personalise` comes from, and the line
#: that wraps an application. What an application object keeps stands open to its other users.
_FRAMEWORKS: Final[Mapping[str, tuple[str, str, str]]] = {
    "fastapi.FastAPI": ("FastAPI", "byleave.sdk", "{app}.add_middleware(Personalise, {options})"),
    "starlette.applications.Starlette": (
        "Starlette",
        "byleave.sdk",
        "{app}.add_middleware(Personalise, {options})",
    ),
    "flask.Flask": ("Flask", "byleave.sdk.wsgi", "Personalise({app}, {options})"),
    "litestar.Litestar": (
        "Litestar",
        "byleave.sdk",
        "{app}.asgi_handler = Personalise({app}.asgi_handler, {options})",
    ),
    "quart.Quart": (
        "Quart",
        "byleave.sdk",
        "{app}.asgi_app = Personalise({app}.asgi_app, {options})",
    ),
}
#: What stands outside of Byleave among Django's middleware; everything else stands inside.
_OUTSIDE: Final = frozenset(
    {
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.gzip.GZipMiddleware",
        "django.middleware.http.ConditionalGetMiddleware",
    }
)
_ELSEWHERE: Final = frozenset({"build", "dist", "node_modules", "site-packages", "tests", "venv"})
_MOST_FILES: Final = 2_000
_MOST_BYTES: Final = 500_000


@dataclass(frozen=True, slots=True)
class Place:
    """Lines to add to a file.

    Attributes:
        file: Which one, from the project's root.
        below: The number of the line that they follow; the lowest place comes first, so that
            adding there moves no other.
        lines: Without their line ends.
    """

    file: Path
    below: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Project:
    """A project as far as `byleave init` has to know it.

    Attributes:
        framework: What it is made with.
        file: Where its application or its settings are, from the project's root.
        places: What to add; nothing where the file names Byleave already.
    """

    framework: str
    file: Path
    places: tuple[Place, ...]


def find_project(root: Path, folder: str, *, slot: str, selector: str) -> Project | None:
    """Return what to add to the project at a root; None where no application is found.

    The files nearest to the root are looked at first, and the first application counts.

    Args:
        root: The project's folder, from which its server is started.
        folder: The folder of definitions, seen from there.
        slot: The slot to fill.
        selector: Where it is on the site's pages.
    """
    for file in _files(root):
        try:
            text = file.read_text(encoding="utf-8")
            module = ast.parse(text)
        except (OSError, SyntaxError, ValueError):
            continue
        found = _django(module, text, folder, {slot: selector}) or _application(
            module, text, folder, {slot: selector}
        )
        if found is not None:
            framework, places = found
            name = file.relative_to(root)
            wanted = () if "byleave.sdk" in text else places
            return Project(
                framework, name, tuple(Place(name, below, lines) for below, lines in wanted)
            )
    return None


_Found = tuple[str, list[tuple[int, tuple[str, ...]]]]


def _files(root: Path) -> Iterator[Path]:
    """Yield a project's modules, those nearest to its root first."""
    found: list[Path] = []
    for folder, below, names in os.walk(root):
        below[:] = sorted(
            name
            for name in below
            if name not in _ELSEWHERE
            and not name.startswith(".")
            and not Path(folder, name, "pyvenv.cfg").exists()
        )
        found += (Path(folder, name) for name in sorted(names) if name.endswith(".py"))
        if len(found) >= _MOST_FILES:
            break
    found = [each for each in found[:_MOST_FILES] if each.stat().st_size <= _MOST_BYTES]
    yield from sorted(found, key=lambda each: (len(each.parts), each))


def _django(module: ast.Module, text: str, folder: str, selectors: dict[str, str]) -> _Found | None:
    """Return what to add to Django's settings, if a module is them."""
    assigned = {
        target.id: node.value
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    middleware = assigned.get("MIDDLEWARE")
    if not isinstance(middleware, ast.List) or "ROOT_URLCONF" not in assigned:
        return None
    names = [each.value if isinstance(each, ast.Constant) else "" for each in middleware.elts]
    place = max((at + 1 for at, name in enumerate(names) if name in _OUTSIDE), default=0)
    base = assigned.get("BASE_DIR")
    is_path = base is not None and "Path(" in ast.unparse(base)
    definitions = f"BASE_DIR / {quoted(folder)}" if is_path else quoted(folder)
    lines = (
        f'MIDDLEWARE.insert({place}, "byleave.sdk.django.Personalise")',
        f'BYLEAVE = {{"definitions": {definitions}, "selectors": {_mapping(selectors)}}}',
    )
    return "Django", [(len(text.splitlines()), lines)]


def _application(
    module: ast.Module, text: str, folder: str, selectors: dict[str, str]
) -> _Found | None:
    """Return what to add around an application that a module makes and gives a name to."""
    classes = _imported(module)
    for node in ast.walk(module):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        known = classes.get(ast.unparse(node.value.func))
        if known is None or not isinstance(target, ast.Name):
            continue
        framework, source, line = _FRAMEWORKS[known]
        options = f"definitions={quoted(folder)}, selectors={_mapping(selectors)}"
        indent = text.splitlines()[node.lineno - 1][: node.col_offset]
        wrapping = indent + line.format(app=target.id, options=options)
        last = max(
            each.end_lineno or each.lineno
            for each in module.body
            if isinstance(each, ast.Import | ast.ImportFrom)
        )
        below = node.end_lineno or node.lineno
        importing = (f"from {source} import Personalise",)
        if last < node.lineno:
            return framework, [(below, (wrapping,)), (last, importing)]
    return None


def _imported(module: ast.Module) -> dict[str, str]:
    """Return the applications' classes by what a module calls them."""
    names: dict[str, str] = {}
    for node in module.body:
        if isinstance(node, ast.ImportFrom) and not node.level:
            for each in node.names:
                if (full := f"{node.module}.{each.name}") in _FRAMEWORKS:
                    names[each.asname or each.name] = full
        elif isinstance(node, ast.Import):
            for each in node.names:
                for full in _FRAMEWORKS:
                    if full.rpartition(".")[0] == each.name:
                        names[f"{each.asname or each.name}.{full.rpartition('.')[2]}"] = full
    return names


def quoted(text: str) -> str:
    """Return a text as Python source in double quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _mapping(given: dict[str, str]) -> str:
    return "{" + ", ".join(f"{quoted(k)}: {quoted(v)}" for k, v in given.items()) + "}"
