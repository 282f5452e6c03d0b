"""The condition tree: what authors write under `when`, as data.

A condition is a group (`all`, `any`, `none`) or a leaf that looks at one thing: an attribute,
the events of a window, an ordered sequence of events, another segment, a journey, the time.
Nothing here is code: the tree is read from text, interpreted, compiled, explained and counted
as data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from byleave.segments.behaviour import AgeLeaf, AggregateLeaf, EventLeaf, SequenceLeaf
from byleave.segments.comparisons import Comparison
from byleave.segments.reading import Path, Reader


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


@dataclass(frozen=True, slots=True)
class SegmentLeaf:
    """True when another segment is."""

    segment: str


@dataclass(frozen=True, slots=True)
class JourneyLeaf:
    """Asks where a visitor is in a journey: `{journey: buy, reached: plan}`.

    Attributes:
        journey: The journey's key.
        reached: True once this step was reached.
        at: True while this step is the furthest that was reached.
    """

    journey: str
    reached: str | None = None
    at: str | None = None


@dataclass(frozen=True, slots=True)
class NowLeaf:
    """Compares the present time: `{now: {during: {from: "09:00", to: "17:30"}}}`."""

    now: Comparison


Group = AllOf | AnyOf | NoneOf
# Of the leaves that begin with `event` the last one reads them all.
BehaviourLeaf = AgeLeaf | AggregateLeaf | EventLeaf | SequenceLeaf
Leaf = AttributeLeaf | BehaviourLeaf | SegmentLeaf | JourneyLeaf | NowLeaf
Condition = Group | Leaf
