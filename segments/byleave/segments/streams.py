"""Streams: which events are kept for which conditions, and how few of them suffice.

Leaves that look at the same events share a stream, so that changing a window or a bound keeps
what is known. Where an answer may depend on events that are no longer kept, it is undetermined.
"""

from binascii import b2a_base64
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from byleave.segments.behaviour import Where
from byleave.segments.comparing import compare, fits
from byleave.segments.comparisons import Count
from byleave.segments.encoding import LONG_AGO_MS, State
from byleave.segments.reading import canonical_json
from byleave.segments.times import moment_ms
from byleave.segments.truth import Verdict
from byleave.segments.vocabulary import Event, ValueType

#: An event that arrives later than this after it happened is dropped.
LATEST_MS: Final = 300_000

#: How many events are kept for a sum, an extreme or a number of distinct values.
MOST_VALUES: Final = 32

#: Numbers beyond this are not added up: the sum of a few would no longer be exact.
GREATEST_VALUE: Final = 1e15

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
        times = sorted((*state.times, at_ms))
        return self._kept(state, times, state.whole_from_ms, now_ms)

    def aged(self, state: State, now_ms: int) -> State:
        """Return the state without what no leaf looks back on any more."""
        return self._kept(state, list(state.times), state.whole_from_ms, now_ms)

    def merged(self, first: State, second: State, now_ms: int) -> State:
        """Return the state of two histories; an event at the same time is the same event."""
        times = sorted((Counter(first.times) | Counter(second.times)).elements())
        whole_from_ms = max(first.whole_from_ms, second.whole_from_ms)
        return self._kept(State(min(first.since_ms, second.since_ms)), times, whole_from_ms, now_ms)

    def _kept(self, state: State, times: list[int], whole_from_ms: int, now_ms: int) -> State:
        oldest = start_of(self.span_ms, now_ms)
        kept, is_cut = shortened(times, self.keep, whole_from_ms, oldest)
        since_ms = max(state.since_ms, whole_from_ms) if is_cut and not kept else state.since_ms
        return state._replace(since_ms=since_ms, times=tuple(kept), is_cut=is_cut)


class FirstStream(OneEvent):
    """When an event happened first, and last: how long a first time may still matter.

    Once the first time has outlived its ttl while a later one has not, the state is cut: there
    may have been others between them.
    """

    __slots__ = ()

    def after(self, state: State, at_ms: int, mark: float, now_ms: int) -> State:
        """Return the state once an event of the stream was recorded."""
        return self._kept(state, [*state.times, at_ms], now_ms)

    def aged(self, state: State, now_ms: int) -> State:
        """Return the state without times that have outlived the event's ttl."""
        return self._kept(state, [*state.times], now_ms)

    def merged(self, first: State, second: State, now_ms: int) -> State:
        """Return the state of two histories."""
        state = State(min(first.since_ms, second.since_ms), is_cut=first.is_cut or second.is_cut)
        return self._kept(state, [*first.times, *second.times], now_ms)

    def _kept(self, state: State, times: list[int], now_ms: int) -> State:
        oldest = start_of(self.span_ms, now_ms)
        young = sorted(time for time in times if time >= oldest)
        is_cut = bool(young) and (state.is_cut or len(young) < len(times))
        ends = young[-1:] if is_cut else sorted({*young[:1], *young[-1:]})
        return state._replace(times=tuple(ends), is_cut=is_cut)


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
            return int.from_bytes(_digest(_one_form(value, kind), 3))
        if isinstance(value, (int, float)) and abs(value) <= GREATEST_VALUE:
            return value
        return None

    def after(self, state: State, at_ms: int, mark: float, now_ms: int) -> State:
        """Return the state once an event of the stream was recorded."""
        events = in_order([*pairs(state), (at_ms, mark)])
        return self._kept(state, events, state.whole_from_ms, now_ms)

    def aged(self, state: State, now_ms: int) -> State:
        """Return the state without what no leaf looks back on any more."""
        return self._kept(state, pairs(state), state.whole_from_ms, now_ms)

    def merged(self, first: State, second: State, now_ms: int) -> State:
        """Return the state of two histories; an equal event at the same time is the same."""
        events = in_order((Counter(pairs(first)) | Counter(pairs(second))).elements())
        whole_from_ms = max(first.whole_from_ms, second.whole_from_ms)
        return self._kept(
            State(min(first.since_ms, second.since_ms)), events, whole_from_ms, now_ms
        )

    def _kept(
        self, state: State, events: list[tuple[int, Any]], whole_from_ms: int, now_ms: int
    ) -> State:
        times = [time for time, _ in events]
        oldest = start_of(self.span_ms, now_ms)
        kept, is_cut = shortened(times, MOST_VALUES, whole_from_ms, oldest)
        marks = tuple(mark for _, mark in events[len(events) - len(kept) :])
        since_ms = max(state.since_ms, whole_from_ms) if is_cut and not kept else state.since_ms
        return state._replace(since_ms=since_ms, times=tuple(kept), is_cut=is_cut, marks=marks)


def shortened(
    times: list[int], keep: int, whole_from_ms: int, oldest_ms: int
) -> tuple[list[int], bool]:
    """Return the times that are kept, and whether others are lost that may still matter.

    Args:
        times: The times, oldest first.
        keep: How many of the last are kept.
        whole_from_ms: The moment since when none is missing; what is older decides nothing.
        oldest_ms: The moment before which nothing matters.
    """
    is_cut = whole_from_ms >= oldest_ms
    known = [time for time in times if time >= max(whole_from_ms, oldest_ms)]
    kept = known[max(0, len(known) - keep) :]
    return kept, is_cut or len(kept) < len(known)


def in_order(events: Iterable[tuple[int, Any]]) -> list[tuple[int, Any]]:
    """Return events in the order of their times; of one time, as they came."""
    return sorted(events, key=lambda event: event[0])


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
    kinds = declared.properties
    return all(
        name in kinds
        and fits(properties.get(name), kinds[name])
        and compare(test, properties[name], kinds[name]) is Verdict.TRUE
        for name, test in where.items()
    )


def needed(count: Count) -> int:
    """Return how many of the last events tell whether a count holds."""
    highest = count.highest
    return max(1, count.lowest, 0 if highest is None else highest + 1)


def stream_key(*what: object) -> str:
    """Return the short name under which a state is kept: a digest of what it is about."""
    digest = b2a_base64(_digest(what, 5), newline=False).decode()
    return digest.rstrip("=").replace("+", "-").replace("/", "_")


def _one_form(value: Any, kind: ValueType) -> object:
    """Return the form that equal values of a type share: 10 and 10.0 are one number."""
    if kind is ValueType.TIME:
        return moment_ms(value)
    return int(value) if kind is ValueType.NUMBER and value == int(value) else value


def _digest(what: object, size: int) -> bytes:
    from hashlib import blake2b  # loads OpenSSL, for which an import of the package need not wait

    return blake2b(canonical_json(what).encode(), digest_size=size).digest()
