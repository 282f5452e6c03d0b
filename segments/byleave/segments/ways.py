"""In which ways a condition can come true, or false, as far as that can be told beforehand.

A way is a set of leaves, each of which must be true or false. Whenever a condition is true, all
that at least one of its ways says holds; a condition without a way is never true. Where there
are too many ways, what they have in common stands for them, which proves less and nothing wrong.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from math import inf
from typing import Final

from byleave.segments.behaviour import AgeLeaf, AggregateLeaf, EventLeaf, SequenceLeaf, Where
from byleave.segments.comparing import is_listed
from byleave.segments.comparisons import Count, Operator
from byleave.segments.conditions import (
    AllOf,
    AnyOf,
    AttributeLeaf,
    Condition,
    JourneyLeaf,
    Leaf,
    NoneOf,
    NowLeaf,
    SegmentLeaf,
)
from byleave.segments.possible import least_count, may_meet, meets, some_moment
from byleave.segments.reading import canonical_json
from byleave.segments.recalling import span_of, stream_for
from byleave.segments.streams import MOST_VALUES
from byleave.segments.values import Duration
from byleave.segments.vocabulary import ValueType, Vocabulary

#: With more ways than this, only what they have in common is looked at.
MOST_WAYS: Final = 64

Settled = tuple[Leaf, bool]
Way = Mapping[str, Settled]

_NEVER: Final = Count(exactly=0)
_ONCE: Final = Count(at_least=1)


class Ways:
    """The ways of the conditions of a vocabulary that has no faults."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._named: dict[tuple[str, bool], Sequence[Way]] = {}

    def of(self, condition: Condition, wanted: bool = True) -> Sequence[Way]:
        """Return the ways in which a condition can be true, or false."""
        match condition:
            case AllOf(inside):
                return self._all(inside, True) if wanted else self._any(inside, False)
            case AnyOf(inside):
                return self._any(inside, True) if wanted else self._all(inside, False)
            case NoneOf(inside):
                return self._all(inside, False) if wanted else self._any(inside, True)
            case SegmentLeaf(name):
                return self.of_segment(name, wanted)
            case JourneyLeaf(name, at=str(step)):
                return self.of(self._at(name, step), wanted)
            case AgeLeaf(which="last"):
                return self.of(_last(condition), wanted)
        way = {canonical_json(condition): (condition, wanted)}
        return [way] if self.is_possible(way) else []

    def can_match(self, event: str, where: Where) -> bool:
        """Return whether an event can meet every comparison with its properties."""
        kinds = self._vocabulary.events[event].properties
        return all(
            test.operand is True
            if test.operator is Operator.EXISTS
            else may_meet([(test, True)], kinds[name])
            for name, test in where.items()
        )

    def can_complete(self, leaf: SequenceLeaf) -> bool:
        """Return whether a sequence can ever be complete."""
        if not all(self.can_match(step.event, step.where) for step in leaf.sequence[:-1]):
            return False
        last = leaf.sequence[-1]
        if not last.is_absent:
            return self.can_match(last.event, last.where)
        # What was done before is forgotten by then.
        span_ms = span_of(leaf, self._vocabulary.events)
        return span_ms is None or (last.within or 0) < span_ms

    def is_possible(self, way: Way) -> bool:
        """Return False where it is proved that not all of a way can hold."""
        subjects: dict[object, list[Settled]] = {}
        for key, (leaf, wanted) in way.items():
            subjects.setdefault(self._subject(leaf, key), []).append((leaf, wanted))
        return all(map(self._may_hold, subjects.values()))

    def _all(self, conditions: Iterable[Condition], wanted: bool) -> Sequence[Way]:
        ways: Sequence[Way] = [{}]
        for condition in conditions:
            ways = self._both(ways, self.of(condition, wanted))
        return ways

    def _any(self, conditions: Iterable[Condition], wanted: bool) -> Sequence[Way]:
        return _few([way for condition in conditions for way in self.of(condition, wanted)])

    def _both(self, some: Sequence[Way], others: Sequence[Way]) -> Sequence[Way]:
        some, others = sorted((some, others), key=len)
        if len(some) * len(others) > MOST_WAYS * 4:
            others = _common(others)
        return _few(
            [
                both
                for one in some
                for other in others
                if all(other.get(key, settled) == settled for key, settled in one.items())
                and self.is_possible(both := {**one, **other})
            ]
        )

    def of_segment(self, name: str, wanted: bool = True) -> Sequence[Way]:
        """Return the ways in which a segment can be true, or false."""
        if (name, wanted) not in self._named:
            self._named[name, wanted] = self.of(self._vocabulary.segments[name].when, wanted)
        return self._named[name, wanted]

    def _at(self, journey: str, step: str) -> Condition:
        """Return what being at a step of a journey means."""
        keys = [step.key for step in self._vocabulary.journeys[journey].steps]
        later = keys[keys.index(step) + 1 :]
        return AllOf(
            (
                JourneyLeaf(journey, reached=step),
                NoneOf(tuple(JourneyLeaf(journey, reached=key) for key in later)),
            )
        )

    def _subject(self, leaf: Leaf, key: str) -> object:
        events = self._vocabulary.events
        match leaf:
            case AttributeLeaf(name):
                return ("attribute", name)
            case NowLeaf():
                return "now"
            case AggregateLeaf():
                return (stream_for(leaf, events).key, leaf.kind, span_of(leaf, events))
            case EventLeaf() | AgeLeaf():
                return stream_for(leaf, events).key
            case _:
                return key

    def _may_hold(self, settled: Sequence[Settled]) -> bool:
        match settled[0][0]:
            case AttributeLeaf(name):
                return self._attribute(name, settled)
            case NowLeaf():
                claims = [
                    (leaf.now, wanted) for leaf, wanted in settled if isinstance(leaf, NowLeaf)
                ]
                return some_moment(claims, is_now=True)
            case EventLeaf() as first:
                return self._counts(settled, self.can_match(first.event, first.where))
            case AgeLeaf() as first:
                return self._first(settled, self.can_match(first.event, first.where))
            case AggregateLeaf() as first:
                return _made(first, settled, self.can_match(first.event, first.where))
            case SequenceLeaf() as first:
                return not settled[0][1] or self.can_complete(first)
            case _:
                return True

    def _attribute(self, name: str, settled: Sequence[Settled]) -> bool:
        declared = self._vocabulary.attributes[name]
        claims = [
            (leaf.test, wanted) for leaf, wanted in settled if isinstance(leaf, AttributeLeaf)
        ]
        there = {test.operand is wanted for test, wanted in claims if _is_exists(test.operator)}
        tests = [claim for claim in claims if not _is_exists(claim[0].operator)]
        if False not in there and may_meet(tests, declared.type, allowed=declared.one_of):
            return True
        default = declared.default
        return True not in there and (
            not tests
            or (
                default is not None
                and is_listed(default, declared)
                and meets(default, tests, declared.type)
            )
        )

    def _counts(self, settled: Sequence[Settled], can_match: bool) -> bool:
        """Return whether numbers of one kind of event fit, of which longer windows hold more."""
        windows: dict[float, list[tuple[Count, bool]]] = {}
        counts = [(leaf, wanted) for leaf, wanted in settled if isinstance(leaf, EventLeaf)]
        for leaf, wanted in counts:
            windows.setdefault(self._span(leaf), []).append((leaf.count, wanted))
        if not can_match:
            windows.setdefault(inf, []).append((_NEVER, True))
        least = 0
        for _, claims in sorted(windows.items(), key=lambda window: window[0]):
            number = least_count(claims, least)
            if number is None:
                return False
            least = number
        return True

    def _first(self, settled: Sequence[Settled], can_match: bool) -> bool:
        ranges = [
            (leaf.age.at_least or 0, min(leaf.age.at_most or inf, self._span(leaf)), wanted)
            for leaf, wanted in settled
            if isinstance(leaf, AgeLeaf)
        ]
        ages = {0.0, *(start for start, _, _ in ranges), *(end + 1 for _, end, _ in ranges)}
        return not any(wanted for _, _, wanted in ranges) or any(
            can_match and all((start <= age <= end) is wanted for start, end, wanted in ranges)
            for age in ages
        )

    def _span(self, leaf: EventLeaf | AgeLeaf) -> float:
        span_ms = span_of(leaf, self._vocabulary.events)
        return inf if span_ms is None else span_ms


def _is_exists(operator: Operator) -> bool:
    return operator is Operator.EXISTS


def _last(leaf: AgeLeaf) -> Condition:
    """Return what the age of the last event means for the numbers of events."""
    least, most = leaf.age.at_least, leaf.age.at_most
    some = EventLeaf(leaf.event, leaf.where, _ONCE, most)
    if least is None:
        return some
    return AllOf((some, EventLeaf(leaf.event, leaf.where, _NEVER, Duration(least - 1))))


def _made(first: AggregateLeaf, settled: Sequence[Settled], can_match: bool) -> bool:
    claims = [(leaf.test, wanted) for leaf, wanted in settled if isinstance(leaf, AggregateLeaf)]
    values: Iterable[int] = range(MOST_VALUES + 1) if can_match else (0,)
    if first.kind == "distinct" or (first.kind == "sum" and not can_match):
        return any(meets(value, claims, ValueType.NUMBER) for value in values)
    return can_match and may_meet(claims, ValueType.NUMBER)


def _few(ways: Sequence[Way]) -> Sequence[Way]:
    """Return different ways, or what they have in common where they are many."""
    different = {frozenset((key, settled[1]) for key, settled in way.items()): way for way in ways}
    return [*different.values()] if len(different) <= MOST_WAYS else _common(ways)


def _common(ways: Sequence[Way]) -> Sequence[Way]:
    def shared(one: Way, other: Way) -> Way:
        return {key: settled for key, settled in one.items() if other.get(key) == settled}

    return [reduce(shared, ways)]
