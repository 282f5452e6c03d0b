"""Leaves that look at what a visitor did: counts, ages, aggregates, ordered sequences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

from byleave.segments.comparisons import Comparison, Count, Operator
from byleave.segments.reading import Path, Reader, described, plain
from byleave.segments.values import Duration

#: The most steps that a sequence may have.
MOST_STEPS: Final = 8

#: The greatest number of events that a count may ask for; each one has to be remembered.
HIGHEST_COUNT: Final = 100

Where = Mapping[str, Comparison]

_ONCE: Final = Count(at_least=1)


@dataclass(frozen=True, slots=True)
class EventLeaf:
    """Counts the events of a window that ends now; without a window, all within their ttl.

    `not_within: 30d` is short for a count of exactly 0 within 30 days.

    Attributes:
        event: The event's name.
        where: Comparisons with the event's properties; all must hold.
        count: How many there must be; by default at least one.
        within: Length of the window; an event exactly that old is still inside.
    """

    event: str
    where: Where = field(default_factory=dict)
    count: Count = _ONCE
    within: Duration | None = None

    @classmethod
    def read_from(cls, data: Mapping[str, object], reader: Reader, path: Path) -> Any:
        """Read any leaf that looks at one event."""
        return _read_event_leaf(data, reader, path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """How long ago something happened; both bounds are inclusive, None means no bound."""

    at_least: Duration | None = None
    at_most: Duration | None = None


@dataclass(frozen=True, slots=True)
class AgeLeaf:
    """Asks how long ago an event happened first or last; false where it never did.

    `{event: purchase, last: {at_most: 3d}}`, `{event: page_view, first: {at_least: 90d}}`.

    Attributes:
        event: The event's name.
        which: The first one within the event's ttl, or the last.
        age: How long ago it must be.
        where: Comparisons with the event's properties; all must hold.
    """

    event: str
    which: Literal["first", "last"]
    age: Age
    where: Where = field(default_factory=dict)

    def to_plain(self) -> dict[str, Any]:
        """Return what `read_from` reads."""
        where = {"where": plain(self.where)} if self.where else {}
        return {"event": self.event, **where, self.which: plain(self.age)}


@dataclass(frozen=True, slots=True)
class AggregateLeaf:
    """Compares a sum, an extreme or a number of distinct values over the events of a window.

    `{event: purchase, sum: {amount: {at_least: 100}}, within: 90d}`. The sum and the number of
    distinct values of no events are 0; an extreme of no events is missing. At most the last 32
    events are kept, and where more happened within the window the leaf is undetermined.

    Attributes:
        event: The event's name.
        kind: What is made of the values.
        of: The property that holds the values.
        test: What it is compared with.
        where: Comparisons with the event's properties; all must hold.
        within: Length of the window; without it, the event's ttl.
    """

    event: str
    kind: Literal["sum", "min", "max", "distinct"]
    of: str
    test: Comparison
    where: Where = field(default_factory=dict)
    within: Duration | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return what `read_from` reads."""
        where = {"where": plain(self.where)} if self.where else {}
        within = {"within": str(self.within)} if self.within else {}
        made = {str(self.kind): {self.of: plain(self.test)}}
        return {"event": self.event, **where, **made, **within}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a sequence, or, as its last one, what must not follow: `{not: purchase}`.

    Attributes:
        event: The event's name.
        where: Comparisons with the event's properties; all must hold.
        within: The longest time since the step before. What must not follow needs it, and is
            known not to have followed once it is over.
        is_absent: Whether the event must not follow.
    """

    event: str
    where: Where = field(default_factory=dict)
    within: Duration | None = None
    is_absent: bool = False

    @classmethod
    def read_from(cls, data: object, reader: Reader, path: Path) -> Self | None:
        """Read a step by `event`, or what must not follow by `not`."""
        if not isinstance(data, Mapping) or not ("event" in data or "not" in data):
            reader.fault(path, f"expected a mapping with event or not, got {described(data)}")
            return None
        name = "not" if "not" in data else "event"
        reader.keys(data, (name, "where", "within"), path)
        event = reader.read(str, data[name], (*path, name))
        where = reader.read(Where, data.get("where", {}), (*path, "where"))
        within = reader.read(Duration | None, data.get("within"), (*path, "within"))
        return cls(event, where, within, name == "not") if event and where is not None else None

    def to_plain(self) -> dict[str, Any]:
        """Return what `read_from` reads."""
        where = {"where": plain(self.where)} if self.where else {}
        within = {"within": str(self.within)} if self.within else {}
        return {"not" if self.is_absent else "event": self.event, **where, **within}


@dataclass(frozen=True, slots=True)
class SequenceLeaf:
    """True once the steps happened in this order.

    With an absent last step it is about the latest time that the steps before it were
    completed: true when what must not follow did not follow in time, and time is up.

    Attributes:
        sequence: The steps.
        within: How long ago the last step may have been.
    """

    sequence: tuple[Step, ...]
    within: Duration | None = None


_AGES: Final = ("first", "last")
_AGGREGATES: Final = ("sum", "min", "max", "distinct")
_ON_NUMBERS: Final = {
    Operator.EQUALS,
    Operator.LESS_THAN,
    Operator.AT_MOST,
    Operator.GREATER_THAN,
    Operator.AT_LEAST,
    Operator.BETWEEN,
}


def _read_event_leaf(
    data: Mapping[str, object], reader: Reader, path: Path
) -> EventLeaf | AgeLeaf | AggregateLeaf | None:
    for which in (*_AGES, *_AGGREGATES):
        if which in data:
            within = () if which in _AGES else ("within",)
            reader.keys(data, ("event", "where", which, *within), path)
            return _read_measure(which, data, reader, path)
    if "not_within" in data:
        reader.keys(data, ("event", "where", "not_within"), path)
        rest = {key: data[key] for key in ("event", "where") if key in data}
        data = {**rest, "count": {"exactly": 0}, "within": data["not_within"]}
    leaf: EventLeaf | None = reader.read_object(EventLeaf, data, path)
    return leaf


def _read_measure(
    which: str, data: Mapping[str, object], reader: Reader, path: Path
) -> AgeLeaf | AggregateLeaf | None:
    before = len(reader.faults)
    event = reader.read(str, data["event"], (*path, "event"))
    where = reader.read(Where, data.get("where", {}), (*path, "where"))
    if which in _AGES:
        age = reader.read(Age, data[which], (*path, which))
        named: Any = which
        return AgeLeaf(event, named, age, where) if len(reader.faults) == before else None
    within = reader.read(Duration | None, data.get("within"), (*path, "within"))
    made: Where = reader.read(Where, data[which], (*path, which)) or {}
    if len(reader.faults) > before:
        return None
    if len(made) != 1:
        reader.fault((*path, which), "expected one property with one comparison")
        return None
    [(of, test)] = made.items()
    if test.operator not in _ON_NUMBERS or isinstance(test.operand, (str, bool)):
        reader.fault((*path, which, of), "expected a comparison with a number")
        return None
    kind: Any = which
    return AggregateLeaf(event, kind, of, test, where, within)
