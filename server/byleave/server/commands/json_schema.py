"""The JSON Schema of definitions, for editors: written from the classes that read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from byleave.experiments.definitions import Definitions, Experiment
from byleave.segments import Journey, Segment, plain
from byleave.segments.reading import type_hints
from byleave.server.commands.json_spellings import SPELLINGS, Schema, closed, documented

_SCALARS: Final[Mapping[Any, Schema]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    object: {},
}


def schema() -> Schema:
    """Return the JSON Schema (2020-12) of one document of a folder of definitions."""
    writer = _Writer()
    document = {
        "if": {"required": ["segment"]},
        "then": writer.document(Segment, "segment"),
        "else": {
            "if": {"required": ["journey"]},
            "then": writer.document(Journey, "journey"),
            "else": {
                "if": {"required": ["experiment"]},
                "then": writer.document(Experiment, "experiment"),
                "else": writer.of(Definitions),
            },
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Definitions of Byleave",
        "type": "object",
        **document,
        "$defs": writer.definitions,
    }


class _Writer:
    """Writes the schema of each class once, as `$defs`."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def of(self, kind: Any) -> Schema:
        """Return the schema of what is read as a `kind`."""
        origin = get_origin(kind)
        if origin in (Union, UnionType):
            return self._union(get_args(kind))
        if origin is tuple:
            return {"type": "array", "items": self.of(get_args(kind)[0])}
        if origin is Literal:
            return {"enum": [*get_args(kind)]}
        if origin is not None:
            return {"type": "object", "additionalProperties": self.of(get_args(kind)[1])}
        if kind in _SCALARS:
            return dict(_SCALARS[kind])
        if issubclass(kind, StrEnum):
            return {"enum": [str(member) for member in kind]}
        return self._named(kind)

    def document(self, kind: Any, key: str) -> Schema:
        """Return the schema of a document that says its name under a key of its own."""
        described = self._object(kind)
        described["properties"] = {key: {"type": "string"}, **described["properties"]}
        described["required"] = [key, *described.get("required", [])]
        return described

    def _named(self, kind: Any) -> Schema:
        name = kind.__name__
        if name not in self.definitions:
            self.definitions[name] = {}  # so that a class that holds itself comes to an end
            spelling = SPELLINGS.get(kind)
            if spelling is None and (hasattr(kind, "read_from") or not is_dataclass(kind)):
                raise TypeError(f"{name} spells itself, and its schema is not known")
            self.definitions[name] = spelling(self.of) if spelling else self._object(kind)
        return {"$ref": f"#/$defs/{name}"}

    def _union(self, kinds: Iterable[Any]) -> Schema:
        # Classes are told apart by their first key, as the reader does it.
        distinct = {fields(k)[0].name if is_dataclass(k) else k: k for k in kinds}
        options = [{"type": "null"} if k is NoneType else self.of(k) for k in distinct.values()]
        return {"anyOf": options}

    def _object(self, kind: Any) -> Schema:
        about, attributes = documented(kind)
        hints = type_hints(kind)
        required = [f.name for f in fields(kind) if not _has_default(f)]
        properties = {}
        for field in fields(kind):
            said = {"description": attributes[field.name]} if field.name in attributes else {}
            default = plain(field.default)
            given = {"default": default} if isinstance(default, (str, int, float)) else {}
            properties[field.name] = {**self.of(hints[field.name]), **said, **given}
        return closed(properties, required=required) | {"description": about}


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING
