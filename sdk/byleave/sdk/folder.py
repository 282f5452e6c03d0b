"""Definitions from a folder of YAML, with every fault at its file, line and column.

    byleave.yaml          the site: attributes, events, goals, slots, holdout, caps
    segments/*.yaml       one segment a document, named by its key `segment`
    journeys/*.yaml       one journey a document, named by its key `journey`
    experiments/*.yaml    one experiment a document, named by its key `experiment`

Every YAML file of the folder is read, whatever it is called, so that none is left out by
mistake. PyYAML reads them. Words that YAML 1.1 turns into something else (`no`, `on`, `12:30`,
dates) stay the words that the author wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Final

from byleave.experiments import Definitions
from byleave.experiments.checking import check
from byleave.segments import MAX_DEPTH, DefinitionError, Fault, Path, Reader

if TYPE_CHECKING:  # PyYAML is optional for sites that load published definitions
    from yaml import Node

_KINDS: Final = {"segment": "segments", "journey": "journeys", "experiment": "experiments"}
_SITE: Final = "byleave.yaml"
_MOST_NODES: Final = 50_000
_TOO_DEEP: Final = "nested too deeply, or aliases without end"
_TOO_MANY: Final = f"more than {_MOST_NODES:,} values in all, or aliases without end"
#: What to do about what PyYAML complains of, in words for who never heard of tokens.
_REMEDIES: Final = (
    (r"expected ',' or", "put text with , or : between quotes"),
    (
        r"mapping values are not allowed",
        "put text with , or : between quotes, and begin keys that belong together in one column",
    ),
    (r"expected <block end>, but found '<scalar>'", "put the whole text between quotes"),
    (r"expected <block end>", "begin what belongs together in one column"),
    (r"found character '\\t'", "indent by spaces, not by tabs"),
    (r"found character", "put text that begins with it between quotes"),
    (r"could not find expected ':'", "a key ends with a colon and a space"),
)
#: Half of a pair that stands for one character; no text that is sent or stored can hold it.
HALF: Final = re.compile("[\ud800-\udfff]")
NO_CHARACTER: Final = "expected characters, and an escape stands here for half of one"
_BEYOND: Final = re.compile(rb"\\U(?!000|0010)[0-9A-Fa-f]{8}")  # Unicode ends at 10FFFF
_TEXT: Final = "tag:yaml.org,2002:str"
_NULL: Final = "tag:yaml.org,2002:null"


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

    Shapes are checked first, and once they are right, what refers to what.

    Raises:
        DefinitionError: Something is wrong; `faults` holds every `LocatedFault`, in the order of
            files and lines.
        FileNotFoundError: There is no `byleave.yaml` in the folder.
        ModuleNotFoundError: PyYAML is not installed; the text says what to install.
    """
    root = FilePath(folder)
    if not (root / _SITE).is_file():
        raise FileNotFoundError(f"no {_SITE} in {root}; `byleave init` writes a first one")
    merged = _merged(root)
    reader = Reader()
    definitions: Definitions | None = reader.read(Definitions, merged.data(), ())
    unread = {fault.path for fault in merged.faults}
    if (_SITE,) in unread:
        unread.add(())  # what it would have defined is missing for no other reason
    faults = merged.faults + [
        fault for fault in reader.faults if fault.path not in unread and not merged.is_cut_off
    ]
    if definitions is not None and not faults:
        faults += check(definitions)
    if faults or definitions is None:
        located = {(merged.place(fault.path), fault.message): fault.path for fault in faults}
        raise DefinitionError(
            LocatedFault(path, message, place) for (place, message), path in sorted(located.items())
        )
    return definitions


def locate(folder: str | FilePath, faults: Iterable[Fault]) -> list[LocatedFault]:
    """Return faults of the definitions that a folder holds with their places, in their order."""
    merged = _merged(FilePath(folder))
    found = (LocatedFault(each.path, each.message, merged.place(each.path)) for each in faults)
    return sorted(found, key=lambda fault: (fault.place, fault.message))


def within(folder: str | FilePath, faults: Iterable[Fault]) -> Iterator[Fault]:
    """Yield faults with their files named by the folder as well, as somebody outside sees them."""
    for fault in faults:
        if isinstance(fault, LocatedFault):
            file = (FilePath(folder) / fault.place.file).as_posix()
            fault = replace(fault, place=replace(fault.place, file=file))
        yield fault


def unreadable(problem: str) -> str:
    """Return what is wrong with a text that is no YAML, and what to do where that is known."""
    remedy = next((f"; {todo}" for words, todo in _REMEDIES if re.match(words, problem)), "")
    return f"not readable as YAML: {problem}{remedy}"


def _merged(root: FilePath) -> _Merged:
    merged = _Merged(root)
    for file in _files(root):
        merged.add(file)
    return merged


def _files(root: FilePath) -> list[FilePath]:
    """Return the YAML files of a folder, the site's first."""
    found = [
        file
        for file in root.rglob("*")
        if file.suffix in (".yaml", ".yml") and file.is_file() and file != root / _SITE
    ]
    return [root / _SITE, *sorted(found)]


class _Merged:
    """The files of a folder as one set of plain data that remembers where each part stood."""

    def __init__(self, root: FilePath) -> None:
        self.faults: list[Fault] = []
        self._root = root
        self._site: dict[str, Any] | None = None
        self._named: dict[str, dict[str, Any]] = {}
        self._places: dict[Path, Place] = {(): Place(_SITE, 1, 1)}
        self._nodes = 0

    @property
    def is_cut_off(self) -> bool:
        """Whether there was more than is read, so that what is missing says nothing."""
        return self._nodes > _MOST_NODES

    def data(self) -> dict[str, Any]:
        """Return everything that was read, as one set."""
        data = dict(self._site or {})
        for kind, named in self._named.items():
            inline = data.get(kind)
            # Anything but a mapping is a fault, which reading it tells.
            data[kind] = inline | named if isinstance(inline, dict) else inline or named
        return data

    def place(self, path: Path) -> Place:
        """Return where a path stands, or the nearest part around it that stands anywhere."""
        while path not in self._places:
            path = path[:-1]
        return self._places[path]

    def add(self, file: FilePath) -> None:
        """Read one file into the set."""
        yaml = _yaml()
        name = file.relative_to(self._root).as_posix()
        raw = file.read_bytes()
        try:
            documents = [*yaml.compose_all(raw.decode(), _loader())]
        except UnicodeDecodeError as error:
            self._unreadable(name, _end(name, raw[: error.start]), "expected UTF-8")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            place = Place(name, mark.line + 1, mark.column + 1)
            self._unreadable(name, place, unreadable(str(error.problem)))
        except yaml.reader.ReaderError as error:
            before = raw.decode()[: error.position].encode()
            self._unreadable(name, _end(name, before), f"not readable as YAML: {error.reason}")
        except RecursionError:
            self._unreadable(name, Place(name, 1, 1), _TOO_DEEP)
        except (ValueError, OverflowError):  # at an escape beyond the last character
            found = _BEYOND.search(raw)
            place = _end(name, raw[: found.start()]) if found else Place(name, 1, 1)
            self._unreadable(name, place, "expected a character, and an escape stands for none")
        else:
            for node in documents:
                if node.tag != _NULL:
                    self._document(node, name)

    def _document(self, node: Node, file: str) -> None:
        if not isinstance(node, _yaml().MappingNode):
            self._fault((file,), node, file, "expected a mapping, such as `segment: my-segment`")
            return
        keys = {key.value: value for key, value in node.value if isinstance(key.value, str)}
        kind = next((kind for kind in _KINDS if kind in keys), None)
        if kind is not None:
            self._item(kind, keys[kind], node, file)
        elif file != _SITE or self._site is not None:
            wanted = " or ".join(f"`{kind}: name`" for kind in _KINDS)
            self._fault((file,), node, file, f"expected a document with {wanted}")
        else:
            self._site = self._value(node, (), file)

    def _item(self, kind: str, name: Node, node: Node, file: str) -> None:
        """Read a document that defines one thing by its name."""
        path: Path = (_KINDS[kind], str(name.value))
        if not isinstance(name, _yaml().ScalarNode) or not name.value:
            self._fault((file, kind), name, file, f"expected the name of the {kind}")
        elif first := self._places.get(path):
            text = f"{kind} {name.value!r} stands at {first} already"
            self._fault((*path, file), name, file, text)
        else:
            value = self._value(node, path, file)
            del value[kind]
            self._named.setdefault(_KINDS[kind], {})[name.value] = value

    def _value(self, node: Node, path: Path, file: str) -> Any:
        yaml = _yaml()
        self._nodes += 1
        self._places.setdefault(path, _start(file, node))
        if self.is_cut_off:
            if self._nodes == _MOST_NODES + 1:
                self._fault((*path, file), node, file, _TOO_MANY)
            return None
        if len(path) > MAX_DEPTH:
            self._fault(path, node, file, _TOO_DEEP)
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, file)
        if isinstance(node, yaml.SequenceNode):
            return [
                self._value(item, (*path, index), file) for index, item in enumerate(node.value)
            ]
        if node.tag in _SCALARS:
            pattern, _, convert = _SCALARS[node.tag]
            if re.fullmatch(pattern, node.value):
                return convert(node.value)
        elif node.tag == _TEXT:
            if HALF.search(node.value):
                self._fault(path, node, file, NO_CHARACTER)
            return node.value
        self._fault(path, node, file, "expected a value without a tag; leave out what `!` begins")
        return None

    def _mapping(self, node: Node, path: Path, file: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in node.value:
            if not isinstance(key.value, str):
                self._fault((*path, file), key, file, "expected text as a key")
                continue
            if HALF.search(key.value):
                self._fault((*path, file), key, file, NO_CHARACTER)
                continue
            place = (*path, key.value)
            if first := self._places.get(place):
                text = f"{key.value!r} stands at {first} already"
                self._fault((*place, file), key, file, text)
                continue
            self._places[place] = _start(file, key)
            found[key.value] = self._value(item, place, file)
        return found

    def _fault(self, path: Path, node: Node, file: str, message: str) -> None:
        self._places[path] = _start(file, node)
        self.faults.append(Fault(path, message))

    def _unreadable(self, file: str, place: Place, message: str) -> None:
        self._places[(file,)] = place
        self.faults.append(Fault((file,), message))


def _start(file: str, node: Node) -> Place:
    return Place(file, node.start_mark.line + 1, node.start_mark.column + 1)


def _end(file: str, before: bytes) -> Place:
    """Return the place that follows the beginning of a file."""
    *lines, last = before.split(b"\n")
    return Place(file, len(lines) + 1, len(last.decode()) + 1)


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


#: What a plain word must look like to be more than text, the characters it may start with, and
#: what it then becomes.
_SCALARS: Final[Mapping[str, tuple[str, Iterable[str], Callable[[str], Any]]]] = {
    "tag:yaml.org,2002:bool": (r"true|false", "tf", lambda text: text == "true"),
    _NULL: (r"null|~|", ("n", "~", ""), lambda _: None),
    "tag:yaml.org,2002:int": (r"[-+]?[0-9]{1,18}", "-+0123456789", int),
    "tag:yaml.org,2002:float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?",
        "-+.0123456789",
        float,
    ),
}
