"""Streams: which events are kept for which conditions, and how few of them suffice.

Leaves that look at the same events share a stream, so that changing a window or a bound keeps
what is known. Each stream says of a state what was lost: of what happened up to then, an answer
may depend on events that are no longer kept, and is undetermined if it does.
"""

from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Final

from byleave.segments.behaviour import Where
from byleave.segments.comparing import compare, fits
from byleave.segments.comparisons import Count
from byleave.segments.profile import State
from byleave.segments.reading import canonical_json
from byleave.segments.truth import Verdict
from byleave.segments.vocabulary import Event

#: An event that arrives later than this after it happened is dropped.
LATEST_MS: Final = 300_000

#: How many events are kept for a sum, an extreme or a number of distinct values.
MOST_VALUES: Final = 32

#: Numbers beyond this are not added up: the sum of a few would no longer be exact.
GREATEST_VALUE: Final = 1e15

#: Before every event.
LONG_AGO_MS: Final = -(2**62)

Properties = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneEvent:
    """What is kept of one kind of event.

    Attributes:
        key: The name under which the state is kept.
        event: The event's name.
        where: What its properties must meet.
        span_ms: How far the leaves look back; None where nothing bounds them.
    """

    key: str
    event: str
    where: Where
    span_ms: int | None

    @property
    def events(self) -> frozenset[str]:
        """The events that it records."""
        return frozenset((self.event,))

    def mark(self, event: str, properties: Properties, declared: Event) -> float | None:
        """Return what is kept of an event beside its time, or None where it does not belong."""
        return 0 if matches(self.where, properties, declared) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStream(OneEvent):
    """When an event last happened.

    Attributes:
        keep: How many of the last events decide.
    """

    keep: int

    def after(self, state: State, at_ms: int, mark: float, now_ms: int) -> State:
        """Return the state once an event of the stream was recorded."""
        return self._kept(state, sorted((*state.times, at_ms)), now_ms)

    def aged(self, state: State, now_ms: int) -> State:
        """Return the state without what no leaf looks back on any more."""
        return self._kept(state, list(state.times), now_ms)

    def _kept(self, state: State, times: list[int], now_ms: int) -> State:
        oldest = start_of(self.span_ms, now_ms)
        first = max(len(times) - self.keep, sum(time < oldest for time in times))
        return replace(
            state,
            times=tuple(times[first:]),
            lost_ms=max(state.lost_ms, *times[:first], 0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStream(OneEvent):
    """When an event happened first; what is lost is when it happened last."""

    def after(self, state: State, at_ms: int, mark: float, now_ms: int) -> State:
        """Return the state once an event of the stream was recorded."""
        if not state.times and state.lost_ms >= start_of(self.span_ms, now_ms):
            return replace(state, lost_ms=max(state.lost_ms, at_ms))
        first, *others = sorted((*state.times, at_ms))
        return replace(state, times=(first,), lost_ms=max(state.lost_ms, *others, 0))

    def aged(self, state: State, now_ms: int) -> State:
        """Return the state without a first time that has outlived the event's ttl."""
        oldest = start_of(self.span_ms, now_ms)
        return replace(state, times=tuple(time for time in state.times if time >= oldest))


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueStream(OneEvent):
    """The last values of a property.

    Attributes:
        of: The property.
        is_distinct: Whether only the values' difference counts, so that digests are kept.
    """

    of: str
    is_distinct: bool

    def mark(self, event: str, properties: Properties, declared: Event) -> float | None:
        """Return the value that is kept of an event, or None where it does not belong."""
        value = properties.get(self.of)
        kind = declared.properties.get(self.of)
        if kind is None or not fits(value, kind):
            return None
        if not matches(self.where, properties, declared):
            return None
        if self.is_distinct:
            return int.from_bytes(_digest(value, 4))
        if isinstance(value, (int, float)) and abs(value) <= GREATEST_VALUE:
            return value
        return None

    def after(self, state: State, at_ms: int, mark: float, now_ms: int) -> State:
        """Return the state once an event of the stream was recorded."""
        events = sorted((*pairs(state), (at_ms, mark)), key=lambda event: event[0])
        return self._kept(state, events, now_ms)

    def aged(self, state: State, now_ms: int) -> State:
        """Return the state without what no leaf looks back on any more."""
        return self._kept(state, pairs(state), now_ms)

    def _kept(self, state: State, events: list[tuple[int, float]], now_ms: int) -> State:
        oldest = start_of(self.span_ms, now_ms)
        first = max(len(events) - MOST_VALUES, sum(time < oldest for time, _ in events))
        return replace(
            state,
            times=tuple(time for time, _ in events[first:]),
            marks=tuple(mark for _, mark in events[first:]),
            lost_ms=max(state.lost_ms, *(time for time, _ in events[:first]), 0),
        )


def pairs(state: State) -> list[tuple[int, Any]]:
    """Return the kept events as pairs of time and mark."""
    return list(zip(state.times, state.marks, strict=True))


def start_of(span_ms: int | None, now_ms: int) -> int:
    """Return the first moment of a window that ends now; of one without a bound, long ago."""
    return LONG_AGO_MS if span_ms is None else now_ms - span_ms


def wider(first: int | None, second: int | None) -> int | None:
    """Return the longer of two spans, where None has no bound."""
    return None if first is None or second is None else max(first, second)


def narrower(*spans: int | None) -> int | None:
    """Return the shortest of the spans that have a bound, or None where none has."""
    return min((span for span in spans if span is not None), default=None)


def matches(where: Where, properties: Properties, declared: Event) -> bool:
    """Return whether an event's properties meet every comparison.

    An event whose property is absent, of the wrong type or undeclared does not match.
    """
    return all(
        name in declared.properties
        and compare(test, properties.get(name), declared.properties[name]) is Verdict.TRUE
        for name, test in where.items()
    )


def needed(count: Count) -> int:
    """Return how many of the last events tell whether a count holds."""
    highest = count.highest
    return max(1, count.lowest, 0 if highest is None else highest + 1)


def stream_key(*what: object) -> str:
    """Return the short name under which a state is kept: a digest of what it is about."""
    return b2a_base64(_digest(what, 6), newline=False).decode()


def _digest(what: object, size: int) -> bytes:
    return blake2b(canonical_json(what).encode(), digest_size=size).digest()
