"""YAML documents beside the definitions, such as personas, with the line of each part.

Definitions themselves are read by `byleave.sdk.folder`; the same few words mean the same here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Final, TypeVar

import yaml

from byleave.sdk.folder import HALF, NO_CHARACTER, LocatedFault, Place, unreadable
from byleave.segments import MAX_DEPTH, DefinitionError, Fault, Path, Reader

T = TypeVar("T")

_WORDS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "null": None, "~": None}
_WHOLE: Final = re.compile(r"[-+]?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?")
_MOST_NODES: Final = 100_000
#: What PyYAML raises at text that is no YAML; the last two at an escape of no character.
UNREADABLE: Final = (yaml.YAMLError, RecursionError, ValueError, OverflowError)


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file as plain data, and where each part of it stands."""

    data: Any
    places: Mapping[Path, Place]

    def fault(self, path: Path, message: str) -> LocatedFault:
        """Return a fault at a path, or at the nearest part around it that stands anywhere."""
        nearest = path
        while nearest not in self.places:
            nearest = nearest[:-1]
        return LocatedFault(path, message, self.places[nearest])

    def located(self, faults: Iterable[Fault]) -> list[LocatedFault]:
        """Return faults of the document with their places."""
        return [self.fault(fault.path, fault.message) for fault in faults]

    def read(self, kind: type[T]) -> T:
        """Return the document as a `kind`.

        Raises:
            DefinitionError: It is none; carries every fault with its place.
        """
        reader = Reader()
        value: T | None = reader.read(kind, self.data, ())
        if reader.faults or value is None:
            raise DefinitionError(self.located(reader.faults))
        return value


def yaml_files(root: FilePath) -> list[FilePath]:
    """Return the YAML files of a folder in the order of their names, or the one file itself."""
    if root.is_file():
        return [root]
    return sorted(file for file in root.rglob("*") if file.suffix in (".yaml", ".yml"))


def read_documents(file: FilePath, *, name: str) -> list[Document]:
    """Return the documents of a file; empty ones are left out.

    Args:
        file: The file.
        name: What faults call it.

    Raises:
        DefinitionError: The file is not YAML, or a key stands twice.
        OSError: It cannot be read.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _unreadable(str(error), Place(name, 1, 1)) from None
    return documents_of(text, name=name)


def documents_of(text: str, *, name: str) -> list[Document]:
    """Return the documents of a text; empty ones are left out.

    Args:
        text: The text.
        name: What faults call it.

    Raises:
        DefinitionError: The text is not YAML, or a key stands twice.
    """
    try:
        nodes = [*yaml.compose_all(text, yaml.BaseLoader)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name, 1, 1)
        raise _unreadable(str(error.problem), place) from None
    except UNREADABLE as error:
        raise _unreadable(str(error), Place(name, 1, 1)) from None
    return [_Reading(name).document(node) for node in nodes if node is not None]


def _unreadable(why: str, place: Place) -> DefinitionError:
    return DefinitionError([LocatedFault((), unreadable(why), place)])


class _Reading:
    """Reads the nodes of one document."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._places: dict[Path, Place] = {}
        self._faults: list[LocatedFault] = []
        self._nodes = 0

    def document(self, node: yaml.Node) -> Document:
        document = Document(self._value(node, ()), self._places)
        if self._faults:
            raise DefinitionError(self._faults)
        return document

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self._nodes += 1
        self._places.setdefault(path, self._place(node))
        if self._nodes > _MOST_NODES or len(path) > MAX_DEPTH:
            message = "nested too deeply, or aliases without end"
            raise DefinitionError([LocatedFault(path, message, self._place(node))])
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        if HALF.search(node.value):
            self._fault(path, node, NO_CHARACTER)
        is_quoted = isinstance(node, yaml.ScalarNode) and node.style is not None
        return node.value if is_quoted else _scalar(node.value)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in node.value:
            if not isinstance(key.value, str):
                self._fault(path, key, "expected text as a key")
            elif HALF.search(key.value):
                self._fault(path, key, NO_CHARACTER)
            elif key.value in found:
                self._fault((*path, key.value), key, f"{key.value!r} stands here twice")
            else:
                self._places[(*path, key.value)] = self._place(key)
                found[key.value] = self._value(item, (*path, key.value))
        return found

    def _fault(self, path: Path, node: yaml.Node, message: str) -> None:
        self._faults.append(LocatedFault(path, message, self._place(node)))

    def _place(self, node: yaml.Node) -> Place:
        return Place(self._file, node.start_mark.line + 1, node.start_mark.column + 1)


def _scalar(text: str) -> str | int | float | bool | None:
    """Return what a plain word stands for."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text or None
