"""The condition tree: what authors write under `when`, as data.

A condition is a group (`all`, `any`, `none`) or a leaf that looks at one thing: an attribute,
the events of a window, an ordered sequence of events, or another segment. Nothing here is code:
the tree is read from text, interpreted, compiled, explained and counted as data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from byleave.segments.reading import Path, Reader, described, plain, suggestion
from byleave.segments.values import Duration

Scalar = str | int | float | bool
Operand = Scalar | tuple[Scalar, ...]


class Operator(StrEnum):
    """How a comparison compares. Types are strict: `true` is not `1`, `"8"` is not `8`."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    ONE_OF = "one_of"
    NOT_ONE_OF = "not_one_of"
    LESS_THAN = "less_than"
    AT_MOST = "at_most"
    GREATER_THAN = "greater_than"
    AT_LEAST = "at_least"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    EXISTS = "exists"


_TEXT = {Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH}
_ORDER = {Operator.LESS_THAN, Operator.AT_MOST, Operator.GREATER_THAN, Operator.AT_LEAST}
_SETS = {Operator.ONE_OF, Operator.NOT_ONE_OF}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One operator and what it compares with, written `{starts_with: /pricing}`."""

    operator: Operator
    operand: Operand

    @classmethod
    def read_from(cls, data: object, reader: Reader, path: Path) -> Self | None:
        """Read a mapping with exactly one operator."""
        if not isinstance(data, Mapping) or len(data) != 1:
            reader.fault(
                path, f"expected one comparison such as equals or one_of, got {described(data)}"
            )
            return None
        [(key, operand)] = data.items()
        place = (*path, str(key))
        known = [str(operator) for operator in Operator]
        if key not in known:
            reader.fault(place, f"unknown comparison {str(key)!r}." + suggestion(key, known))
            return None
        operator = Operator(key)
        kind, expected = _operand_kind(operator)
        if not kind(operand):
            reader.fault(place, f"expected {expected}, got {described(operand)}")
            return None
        return cls(operator, tuple(operand) if isinstance(operand, list) else operand)

    def to_plain(self) -> dict[str, Any]:
        """Return `{operator: operand}`."""
        return {str(self.operator): plain(self.operand)}


def _operand_kind(operator: Operator) -> tuple[Any, str]:
    if operator in _SETS:
        return _is_scalars, "a list of values"
    if operator in _ORDER:
        return _is_number, "a number"
    if operator in _TEXT:
        return (lambda operand: isinstance(operand, str) and operand != ""), "text"
    if operator is Operator.EXISTS:
        return (lambda operand: isinstance(operand, bool)), "true or false"
    return (lambda operand: isinstance(operand, Scalar)), "a value"


def _is_number(operand: object) -> bool:
    return isinstance(operand, (int, float)) and not isinstance(operand, bool)


def _is_scalars(operand: object) -> bool:
    return (
        isinstance(operand, (list, tuple))
        and len(operand) > 0
        and all(isinstance(item, Scalar) for item in operand)
    )


@dataclass(frozen=True, slots=True)
class AllOf:
    """True when every condition is true."""

    all: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True when at least one condition is true."""

    any: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """True when every condition is false; an undetermined one keeps it undetermined."""

    none: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AttributeLeaf:
    """Compares an attribute: `{attribute: is_customer, equals: true}`."""

    attribute: str
    test: Comparison

    @classmethod
    def read_from(cls, data: Mapping[str, object], reader: Reader, path: Path) -> Self | None:
        """Read the attribute's name and, beside it, exactly one comparison."""
        attribute = reader.read(str, data["attribute"], (*path, "attribute"))
        rest = {key: value for key, value in data.items() if key != "attribute"}
        test = reader.read(Comparison, rest, path)
        return None if attribute is None or test is None else cls(attribute, test)

    def to_plain(self) -> dict[str, Any]:
        """Return the name and the comparison side by side."""
        return {"attribute": self.attribute, **self.test.to_plain()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many events a window must hold; both bounds are inclusive, None means no bound."""

    at_least: int | None = None
    at_most: int | None = None
    exactly: int | None = None


@dataclass(frozen=True, slots=True)
class EventLeaf:
    """Counts the events of a window that ends now; without a window, all that are kept.

    Attributes:
        event: The event's name.
        where: Comparisons with the event's properties; all must hold.
        count: How many there must be; by default at least one.
        within: Length of the window; an event exactly that old is still inside.
    """

    event: str
    where: Mapping[str, Comparison] = field(default_factory=dict)
    count: Count = Count(at_least=1)
    within: Duration | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a sequence; `within` bounds the time since the step before."""

    event: str
    where: Mapping[str, Comparison] = field(default_factory=dict)
    within: Duration | None = None


@dataclass(frozen=True, slots=True)
class SequenceLeaf:
    """True once the steps happened in this order."""

    sequence: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class SegmentLeaf:
    """True when another segment is."""

    segment: str


Leaf = AttributeLeaf | EventLeaf | SequenceLeaf | SegmentLeaf
Condition = AllOf | AnyOf | NoneOf | AttributeLeaf | EventLeaf | SequenceLeaf | SegmentLeaf
