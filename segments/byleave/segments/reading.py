"""Definitions from plain data and back: one reader for files, snapshots and requests.

`read` turns what YAML or JSON holds into the frozen dataclasses of the model, guided by their
type hints, and notes every fault it meets instead of stopping at the first. `plain` is the
inverse, and `canonical_json` gives the one text that stands for a definition.

A class may bring its own spelling with `read_from` (and `to_plain` for the way back): that is
how `equals: true` becomes a comparison and `control: site` a variant.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Final,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

Path = tuple[str | int, ...]
T = TypeVar("T")

#: Nesting beyond this is refused: no honest definition comes near it.
MAX_DEPTH: Final = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a definition.

    Attributes:
        path: Keys and indexes from the top of the data to the fault.
        message: What was expected, what came, what to do.
    """

    path: Path
    message: str

    def __str__(self) -> str:
        """Return the fault with its place, as in `$.goals.signup.event: unknown event`."""
        place = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in self.path)
        return f"${place}: {self.message}"


class DefinitionError(ValueError):
    """Definitions that cannot be used; `faults` holds every fault that was found."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


def read(kind: type[T], data: object) -> T:
    """Return `data` as a `kind`.

    Raises:
        DefinitionError: `data` does not have the shape of `kind`; carries every fault.
    """
    reader = Reader()
    value = reader.read(kind, data, ())
    if reader.faults:
        raise DefinitionError(reader.faults)
    return value  # type: ignore[no-any-return]  # the reader is guided by runtime types


def plain(value: object) -> Any:
    """Return `value` as dicts, lists and scalars, leaving out what equals its default."""
    if is_dataclass(value) and not isinstance(value, type):
        to_plain = getattr(value, "to_plain", None)
        if to_plain is not None:
            return to_plain()
        return {
            f.name: plain(item)
            for f in _fields(type(value))
            if (item := getattr(value, f.name)) != _default(f)
        }
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list, frozenset)):
        return [plain(item) for item in value]
    if hasattr(type(value), "parse"):
        return str(value)
    return str(value) if isinstance(value, StrEnum) else value


def canonical_json(value: object) -> str:
    """Return the one JSON text of a definition: sorted keys, no spaces, no defaults."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def suggestion(word: object, known: Iterable[str]) -> str:
    """Return ` Did you mean …?` where a known word is close to `word`, otherwise nothing."""
    from difflib import get_close_matches  # costly to import, and only the unlucky need it

    close = get_close_matches(str(word), sorted(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def unknown_name(kind: str, name: str, known: Iterable[str], path: Path) -> Fault:
    """Return the fault of a name that nothing answers to, with the nearest one that exists."""
    known = list(known)
    hint = suggestion(name, known) or (
        f" Known: {', '.join(known[:8])}." if known else f" No {kind} is defined yet."
    )
    return Fault(path, f"unknown {kind} {name!r}.{hint}")


def described(data: object) -> str:
    """Return how an error names `data`: its text where short, otherwise its kind."""
    match data:
        case None:
            return "nothing"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case bool():
            return str(data).lower()
        case _:
            text = repr(data)
            return text if len(text) <= 60 else f"{text[:57]}..."


class Reader:
    """Reads plain data into typed values and collects the faults on the way."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fault(self, path: Path, message: str) -> Any:
        """Note a fault and return None in place of a value; reading goes on, to find them all."""
        self.faults.append(Fault(path, message))
        return None

    def read(self, kind: Any, data: object, path: Path) -> Any:
        """Return `data` as a `kind`, or None after noting why it is not one."""
        if len(path) > MAX_DEPTH:
            return self.fault(path, f"nested deeper than {MAX_DEPTH} levels; flatten it")
        origin = get_origin(kind)
        if origin in (Union, UnionType):
            return self._union(get_args(kind), data, path)
        if origin is tuple:
            return self._sequence(get_args(kind)[0], data, path)
        if origin is Literal:
            return self._choice(get_args(kind), data, path)
        if kind is object:
            return data
        if origin is not None:
            return self._mapping(get_args(kind)[1], data, path)
        if hasattr(kind, "read_from"):
            return kind.read_from(data, self, path)
        if is_dataclass(kind):
            return self.read_object(kind, data, path)
        if hasattr(kind, "parse"):
            return self._parsed(kind, data, path)
        if issubclass(kind, StrEnum):
            choice = self._choice([str(member) for member in kind], data, path)
            return None if choice is None else kind(choice)
        return self._scalar(kind, data, path)

    def keys(self, data: Mapping[Any, object], known: Iterable[str], path: Path) -> None:
        """Note every key of `data` that is not a known one."""
        known = tuple(known)
        for key, value in data.items():
            if key not in known:
                # In YAML, what follows a comma in text without quotes is a key of its own.
                cut = " Put text with , or : between quotes." if value is None else ""
                self.fault(
                    (*path, str(key)),
                    f"unknown key {str(key)!r}, expected one of {', '.join(known)}."
                    + (suggestion(key, known) or cut),
                )

    def read_object(self, kind: Any, data: object, path: Path) -> Any:
        """Return a dataclass from a mapping of its fields, past any spelling of its own."""
        if not isinstance(data, Mapping):
            return self.fault(path, f"expected a mapping, got {described(data)}")
        hints = type_hints(kind)
        self.keys(data, hints, path)
        before = len(self.faults)
        values = {}
        for field in _fields(kind):
            if field.name in data:
                hint, item = hints[field.name], data[field.name]
                values[field.name] = self.read(hint, item, (*path, field.name))
            elif field.default is MISSING and field.default_factory is MISSING:
                self.fault(path, f"{field.name!r} is missing")
        return kind(**values) if len(self.faults) == before else None

    def _union(self, kinds: Sequence[Any], data: object, path: Path) -> Any:
        if data is None and NoneType in kinds:
            return None
        kinds = [kind for kind in kinds if kind is not NoneType]
        if len(kinds) == 1:
            return self.read(kinds[0], data, path)
        objects = {_fields(kind)[0].name: kind for kind in filter(is_dataclass, kinds)}
        if not objects:
            return self._first_fit(kinds, data, path)
        if not isinstance(data, Mapping):
            return self.fault(
                path, f"expected a mapping with one of {', '.join(objects)}, got {described(data)}"
            )
        chosen = next((name for name in objects if name in data), None)
        if chosen is None:
            key = next(iter(data), "")
            return self.fault(
                (*path, str(key)) if key else path,
                f"expected one of {', '.join(objects)}, got {described(key)}."
                + suggestion(key, objects),
            )
        return self.read(objects[chosen], data, path)

    def _first_fit(self, kinds: Sequence[Any], data: object, path: Path) -> Any:
        expected = []
        for kind in kinds:
            trial = Reader()
            value = trial.read(kind, data, path)
            if not trial.faults:
                return value
            expected.append(trial.faults[0].message.partition(", got")[0])
        return self.fault(path, f"{' or '.join(dict.fromkeys(expected))}, got {described(data)}")

    def _sequence(self, kind: Any, data: object, path: Path) -> Any:
        if not isinstance(data, (list, tuple)):
            return self.fault(path, f"expected a list, got {described(data)}")
        return tuple(self.read(kind, item, (*path, index)) for index, item in enumerate(data))

    def _mapping(self, kind: Any, data: object, path: Path) -> Any:
        if not isinstance(data, Mapping):
            return self.fault(path, f"expected a mapping, got {described(data)}")
        return {str(key): self.read(kind, item, (*path, str(key))) for key, item in data.items()}

    def _choice(self, choices: Sequence[Any], data: object, path: Path) -> Any:
        if isinstance(data, str) and data in choices:
            return data
        return self.fault(
            path,
            f"expected one of {', '.join(choices)}, got {described(data)}."
            + suggestion(data, choices),
        )

    def _parsed(self, kind: Any, data: object, path: Path) -> Any:
        try:
            return kind.parse(data)
        except ValueError as error:
            return self.fault(path, f"expected {error}, got {described(data)}")

    def _scalar(self, kind: type, data: object, path: Path) -> Any:
        # True is an int to Python; to an author it is not a number.
        accepted = (int, float) if kind is float else (kind,)
        if isinstance(data, accepted) and (kind is bool or not isinstance(data, bool)):
            return data
        return self.fault(path, f"expected {_SCALARS[kind]}, got {described(data)}")


_SCALARS: Final = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}


@cache
def type_hints(kind: type) -> dict[str, Any]:
    """Return the resolved types of a dataclass's fields, by name."""
    return get_type_hints(kind)


#: The fields of a dataclass; looking them up each time takes as long as reading them.
_fields: Final[Callable[[Any], tuple[Field[Any], ...]]] = cache(fields)


def _default(field: Any) -> object:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default
