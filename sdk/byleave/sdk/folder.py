"""Definitions from a folder of YAML, with every fault at its file, line and column.

    byleave.yaml          the site: attributes, events, goals, slots, holdout, caps
    segments/*.yaml       one segment a document, named by its key `segment`
    experiments/*.yaml    one experiment a document, named by its key `experiment`

A small site may keep everything in `byleave.yaml`, as several documents.

PyYAML reads the files. Words that YAML 1.1 turns into something else (`no`, `on`, `12:30`,
dates) stay the words that the author wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Final

from byleave.experiments import Definitions, check
from byleave.segments import MAX_DEPTH, DefinitionError, Fault, Path, Reader

if TYPE_CHECKING:  # PyYAML is optional for sites that load published definitions
    from yaml import Node

_KINDS: Final = {"segment": "segments", "experiment": "experiments"}
_MOST_NODES: Final = 100_000


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """Return `file:line:column`, which editors and terminals link."""
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class LocatedFault(Fault):
    """A fault with the place in the author's files."""

    place: Place

    def __str__(self) -> str:
        """Return the place and the message on one line."""
        return f"{self.place}: {self.message}"


def load_folder(folder: str | FilePath) -> Definitions:
    """Return the definitions that a folder of YAML files holds.

    Raises:
        DefinitionError: Something is wrong; `faults` holds every `LocatedFault`, in the order of
            files and lines.
        FileNotFoundError: There is no `byleave.yaml` in the folder.
        ModuleNotFoundError: PyYAML is not installed; the text says what to install.
    """
    root = FilePath(folder)
    if not (root / "byleave.yaml").is_file():
        raise FileNotFoundError(f"no byleave.yaml in {root}; `byleave init` writes a first one")
    merged = _Merged(root)
    for file in _files(root):
        merged.add(file)
    reader = Reader()
    definitions: Definitions | None = reader.read(Definitions, merged.data, ())
    faults = [*merged.faults, *reader.faults]
    if definitions is not None and not faults:
        faults += check(definitions)
    if faults or definitions is None:
        located = {(fault.message, merged.place(fault.path)): fault.path for fault in faults}
        raise DefinitionError(
            LocatedFault(path, message, place)
            for (message, place), path in sorted(located.items(), key=lambda item: item[0][1])
        )
    return definitions


def _files(root: FilePath) -> Iterator[FilePath]:
    yield root / "byleave.yaml"
    for kind in _KINDS.values():
        yield from sorted((root / kind).glob("*.yaml"))


class _Merged:
    """The files of a folder as one set of plain data that remembers where each part stood."""

    def __init__(self, root: FilePath) -> None:
        self.root = root
        self.data: dict[str, Any] = {}
        self.faults: list[Fault] = []
        self._places: dict[Path, Place] = {(): Place("byleave.yaml", 1, 1)}
        self._nodes = 0

    def add(self, file: FilePath) -> None:
        """Read one file into the set."""
        yaml = _yaml()
        name = str(file.relative_to(self.root))
        try:
            documents = [*yaml.compose_all(file.read_text(encoding="utf-8"), _loader())]
        except (yaml.MarkedYAMLError, yaml.reader.ReaderError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", None) or getattr(error, "reason", "unreadable")
            path: Path = (name,)
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            self._places[path] = Place(name, line, column)
            self.faults.append(Fault(path, f"not readable as YAML: {problem}"))
            return
        for node in documents:
            if node is not None:
                self._document(node, name)

    def _document(self, node: Node, file: str) -> None:
        if not isinstance(node, _yaml().MappingNode):
            self._fault((file,), node, file, "expected a mapping, such as `segment: my-segment`")
            return
        keys = {str(key.value): value for key, value in node.value}
        kind = next((kind for kind in _KINDS if kind in keys), None)
        if kind is None and file != "byleave.yaml":
            wanted = " or ".join(f"`{kind}: name`" for kind in _KINDS)
            self._fault((file,), node, file, f"expected a document with {wanted}")
            return
        if kind is None:
            self.data = self._value(node, (), file) | self.data
            return
        name = str(keys[kind].value)
        path: Path = (_KINDS[kind], name)
        named = self.data.setdefault(_KINDS[kind], {})
        if name in named:
            first = self._places[path]
            self._fault((*path, file), keys[kind], file, f"{kind} {name!r} stands at {first} too")
            return
        value = self._value(node, path, file)
        del value[kind]
        named[name] = value

    def _value(self, node: Node, path: Path, file: str) -> Any:
        yaml = _yaml()
        self._nodes += 1
        self._places.setdefault(path, self._place_of(node, file))
        if self._nodes > _MOST_NODES or len(path) > MAX_DEPTH:
            self._fault(path, node, file, "nested too deeply, or aliases without end")
            return None
        if isinstance(node, yaml.MappingNode):
            found: dict[str, Any] = {}
            for key, item in node.value:
                name = str(key.value)
                place = (*path, name)
                if name in found:
                    self._fault(place, key, file, f"{name!r} stands here twice")
                self._places[place] = self._place_of(key, file)
                found[name] = self._value(item, place, file)
            return found
        if isinstance(node, yaml.SequenceNode):
            return [
                self._value(item, (*path, index), file) for index, item in enumerate(node.value)
            ]
        return _scalar(node)

    def place(self, path: Path) -> Place:
        """Return where a path stands, or the nearest part around it that stands anywhere."""
        while path not in self._places:
            path = path[:-1]
        return self._places[path]

    def _fault(self, path: Path, node: Node, file: str, message: str) -> None:
        self._places[path] = self._place_of(node, file)
        self.faults.append(Fault(path, message))

    @staticmethod
    def _place_of(node: Node, file: str) -> Place:
        return Place(file, node.start_mark.line + 1, node.start_mark.column + 1)


def _yaml() -> Any:
    try:
        import yaml
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "reading definitions from YAML needs PyYAML: pip install pyyaml "
            "(a site that gets its definitions from a server does not need it)"
        ) from None
    return yaml


@cache
def _loader() -> Any:
    """Return a loader whose plain words are text, but for true, false, null and numbers."""
    resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for tag, (pattern, firsts, _) in _SCALARS.items():
        for first in firsts:
            resolvers.setdefault(first, []).append((tag, re.compile(rf"(?:{pattern})\Z")))
    return type("Loader", (_yaml().SafeLoader,), {"yaml_implicit_resolvers": resolvers})


def _scalar(node: Node) -> Any:
    convert = _SCALARS[node.tag][2] if node.tag in _SCALARS else str
    return convert(node.value)


#: What a plain word must look like to be more than text, the characters it may start with, and
#: what it then becomes.
_SCALARS: Final[Mapping[str, tuple[str, Iterable[str], Callable[[str], Any]]]] = {
    "tag:yaml.org,2002:bool": (r"true|false", "tf", lambda text: text == "true"),
    "tag:yaml.org,2002:null": (r"null|~|", ("n", "~", ""), lambda _: None),
    "tag:yaml.org,2002:int": (r"[-+]?[0-9]{1,18}", "-+0123456789", int),
    "tag:yaml.org,2002:float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?",
        "-+.0123456789",
        float,
    ),
}
