"""What authors may write for the classes that read themselves, as JSON Schema."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from byleave.experiments.definitions import NavOperation, NavVerb, Unless, Variant, VariantKind
from byleave.segments import AttributeLeaf, Comparison, Duration, EventLeaf, Share
from byleave.segments.behaviour import Age, Step, Where
from byleave.segments.comparisons import LONGEST_TEXT, Count, Operator
from byleave.segments.patterns import LONGEST_PATTERN
from byleave.segments.reading import type_hints
from byleave.segments.times import DAYS, Hours

Schema = dict[str, Any]
Of = Callable[[Any], Schema]

_TEXT: Final[Schema] = {"type": "string"}
_NUMBER: Final[Schema] = {"type": "number"}
_VALUE: Final[Schema] = {"type": ["string", "number", "boolean"]}


def closed(properties: Mapping[str, Schema], *, required: Iterable[str] = ()) -> Schema:
    """Return the schema of a mapping without any other key."""
    needed = {"required": [*required]} if required else {}
    return {
        "type": "object",
        "properties": dict(properties),
        **needed,
        "additionalProperties": False,
    }


def documented(kind: type) -> tuple[str, dict[str, str]]:
    """Return the first paragraph of a class's docstring, and what it says of each attribute."""
    text = inspect.getdoc(kind) or ""
    about, _, rest = text.partition("\n\n")
    section = rest.partition("Attributes:\n")[2].partition("\n\n")[0]
    entries = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", section, flags=re.MULTILINE)
    return _joined(about), {name: _joined(said) for name, said in entries}


def _joined(text: str) -> str:
    return " ".join(text.split())


def _listed(item: Schema, **bounds: int) -> Schema:
    return {"type": "array", "items": item, "minItems": 1, **bounds}


def _some_text(longest: int = LONGEST_TEXT) -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": longest}


def _operands(of: Of) -> dict[str, Schema]:
    """Return the schema of what each operator compares with."""
    kinds: dict[Operator, Schema] = {
        Operator.EQUALS: _VALUE,
        Operator.NOT_EQUALS: _VALUE,
        Operator.ONE_OF: _listed(_VALUE),
        Operator.NOT_ONE_OF: _listed(_VALUE),
        Operator.LESS_THAN: _NUMBER,
        Operator.AT_MOST: _NUMBER,
        Operator.GREATER_THAN: _NUMBER,
        Operator.AT_LEAST: _NUMBER,
        Operator.BETWEEN: _listed(_NUMBER, minItems=2, maxItems=2),
        Operator.CONTAINS: _some_text(),
        Operator.STARTS_WITH: _some_text(),
        Operator.ENDS_WITH: _some_text(),
        Operator.MATCHES: _some_text(LONGEST_PATTERN),
        Operator.MATCHES_RE: _some_text(LONGEST_PATTERN),
        Operator.CONTAINS_ANY: _listed(_some_text()),
        Operator.CONTAINS_ALL: _listed(_some_text()),
        Operator.SIZE: of(Count),
        Operator.BEFORE: _TEXT,
        Operator.AFTER: _TEXT,
        Operator.WITHIN_LAST: of(Duration),
        Operator.WITHIN_NEXT: of(Duration),
        Operator.DURING: of(Hours),
        Operator.EXISTS: {"type": "boolean"},
    }
    return {str(operator): kind for operator, kind in kinds.items()}


def _comparison(of: Of, **beside: Schema) -> Schema:
    operands = _operands(of)
    properties = {**beside, **operands, "ignore_case": {"type": "boolean"}}
    one = [{"required": [operator]} for operator in operands]
    return closed(properties, required=beside) | {"oneOf": one}


def _event_leaf(of: Of) -> Schema:
    made = {"type": "object", "additionalProperties": of(Comparison)}
    one = {**made, "minProperties": 1, "maxProperties": 1}
    properties = {
        "event": _TEXT,
        "where": of(Where),
        "count": of(Count),
        "within": of(Duration | None),
        "not_within": of(Duration),
        "first": of(Age),
        "last": of(Age),
        **dict.fromkeys(("sum", "min", "max", "distinct"), one),
    }
    return closed(properties, required=["event"]) | {"description": documented(EventLeaf)[0]}


def _step(of: Of) -> Schema:
    properties = {
        "event": _TEXT,
        "not": _TEXT,
        "where": of(Where),
        "within": of(Duration | None),
    }
    return closed(properties) | {"oneOf": [{"required": ["event"]}, {"required": ["not"]}]}


def _hours(of: Of) -> Schema:
    clock = {"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"}
    days = {"type": "array", "items": {"enum": [*DAYS]}}
    return closed({"from": clock, "to": clock, "days": days, "timezone": _TEXT})


def _variant(of: Of) -> Schema:
    conditions = type_hints(Variant)
    by_locale = {"type": "object", "additionalProperties": _TEXT}
    content = {
        "fields": {"type": "object", "additionalProperties": {"anyOf": [_TEXT, by_locale]}},
        "template": _TEXT,
        "html": _TEXT,
        "data": {},
        "nav": {"type": "array", "items": of(NavOperation)},
    }
    kinds = [str(kind) for kind in VariantKind if kind is not VariantKind.SITE]
    properties = {
        **{kind: content[kind] for kind in kinds},
        **{name: of(conditions[name]) for name in ("when", "unless", "cap")},
    }
    shown = closed(properties) | {"oneOf": [{"required": [kind]} for kind in kinds]}
    return {"anyOf": [{"enum": ["site"]}, shown]}


def _nav_operation(of: Of) -> Schema:
    properties = {**{str(verb): _TEXT for verb in NavVerb}, "label": _TEXT}
    return closed(properties) | {"oneOf": [{"required": [str(verb)]} for verb in NavVerb]}


#: The classes that read themselves, with what authors may write for them.
SPELLINGS: Final[Mapping[type, Callable[[Of], Schema]]] = {
    AttributeLeaf: lambda of: _comparison(of, attribute=_TEXT),
    Comparison: _comparison,
    Duration: lambda _: {"type": "string", "pattern": "^[0-9]+(ms|s|m|h|d|w)$"},
    EventLeaf: _event_leaf,
    Hours: _hours,
    NavOperation: _nav_operation,
    Share: lambda _: {
        "anyOf": [
            {"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]+)?%$"},
            {"type": "number", "minimum": 0, "maximum": 1},
        ]
    },
    Step: _step,
    Unless: lambda of: {
        "anyOf": [
            _TEXT,
            closed({name: of(hint) for name, hint in type_hints(Unless).items()})
            | {"required": ["segment"]},
        ]
    },
    Variant: _variant,
}
