"""Streams: which events are kept for which conditions, and how few of them suffice."""

from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

from byleave.segments.comparing import compare
from byleave.segments.conditions import Comparison, Count, EventLeaf, SequenceLeaf, Step
from byleave.segments.profile import State
from byleave.segments.reading import canonical_json
from byleave.segments.truth import Verdict
from byleave.segments.vocabulary import Event

#: An event that arrives later than this after it happened is dropped.
LATEST_MS: Final = 300_000

#: How many events of a sequence may wait for late ones before the oldest count as settled.
MOST_WAITING: Final = 32

Properties = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class EventStream:
    """The events that count leaves look back on: the last `keep`, none older than `span_ms`."""

    key: str
    event: str
    where: Mapping[str, Comparison]
    keep: int
    span_ms: int | None

    @property
    def events(self) -> frozenset[str]:
        """The events that it records."""
        return frozenset((self.event,))

    def matching(self, event: str, properties: Properties, declared: Event) -> int:
        """Return whether an event belongs to the stream, as 1 or 0."""
        return int(event == self.event and matches(self.where, properties, declared))

    def after(self, state: State, at_ms: int, matching: int, now_ms: int) -> State:
        """Return the state once an event that belongs to the stream was recorded."""
        del matching  # an event counts once, whatever else is asked about it
        return self._kept(state, sorted((*state.times, at_ms)), now_ms)

    def aged(self, state: State, now_ms: int) -> State:
        """Return the state without what no leaf looks back on any more."""
        return self._kept(state, list(state.times), now_ms)

    def _kept(self, state: State, times: list[int], now_ms: int) -> State:
        oldest = 0 if self.span_ms is None else now_ms - self.span_ms
        first = max(len(times) - self.keep, sum(time < oldest for time in times))
        lost_ms = max(state.lost_ms, *times[:first], 0)
        return replace(state, times=tuple(times[first:]), lost_ms=lost_ms)


@dataclass(frozen=True, slots=True)
class SequenceStream:
    """How far a visitor came in an ordered sequence.

    For each step the latest time at which it was reached in order is enough: whatever follows
    within a time of an earlier one also follows within that time of the latest. Events of the
    last five minutes wait, because a late one may still belong between them.
    """

    key: str
    leaf: SequenceLeaf
    span_ms: int | None

    @property
    def events(self) -> frozenset[str]:
        """The events that it records."""
        return frozenset(step.event for step in self.leaf.sequence)

    def matching(self, event: str, properties: Properties, declared: Event) -> int:
        """Return which steps an event is, as bits."""
        return sum(
            1 << index
            for index, step in enumerate(self.leaf.sequence)
            if step.event == event and matches(step.where, properties, declared)
        )

    def after(self, state: State, at_ms: int, matching: int, now_ms: int) -> State:
        """Return the state once an event that is a step was recorded."""
        waiting = sorted(
            (*zip(state.times, state.steps, strict=True), (at_ms, matching)),
            key=lambda event: event[0],
        )
        settled = sum(time < now_ms - LATEST_MS for time, _ in waiting)
        settled = max(settled, len(waiting) - MOST_WAITING)
        reached = self._advanced(state.reached, waiting[:settled])
        return replace(
            state,
            times=tuple(time for time, _ in waiting[settled:]),
            steps=tuple(steps for _, steps in waiting[settled:]),
            reached=reached,
        )

    def aged(self, state: State, now_ms: int) -> State:
        """Return the state without what has outlived the events' ttl."""
        if self.span_ms is None or all(time >= now_ms - self.span_ms for time in state.reached):
            return state
        return replace(state, reached=self._young(state.reached, now_ms))

    def reached(self, state: State, now_ms: int) -> tuple[int, ...]:
        """Return when each step was last reached in order; 0 where it was not."""
        waiting = list(zip(state.times, state.steps, strict=True))
        return self._young(self._advanced(state.reached, waiting), now_ms)

    def _young(self, reached: tuple[int, ...], now_ms: int) -> tuple[int, ...]:
        oldest = 0 if self.span_ms is None else now_ms - self.span_ms
        return tuple(time if time >= oldest else 0 for time in reached)

    def _advanced(self, reached: tuple[int, ...], events: list[tuple[int, int]]) -> tuple[int, ...]:
        steps = self.leaf.sequence
        times = list(reached) or [0] * len(steps)
        for at_ms, matching in events:
            # From the last step back, so that one event is never two steps in a row.
            for index in reversed(range(1, len(steps))):
                if matching >> index & 1 and _follows(at_ms, times[index - 1], steps[index]):
                    times[index] = at_ms
            if matching & 1:
                times[0] = at_ms
        return tuple(times)


Stream = EventStream | SequenceStream


def merged(first: Stream, second: Stream) -> Stream:
    """Return the stream that serves both of two leaves that look at the same events."""
    if isinstance(first, EventStream) and isinstance(second, EventStream):
        span_ms = None
        if first.span_ms is not None and second.span_ms is not None:
            span_ms = max(first.span_ms, second.span_ms)
        return replace(first, keep=max(first.keep, second.keep), span_ms=span_ms)
    return first


def _follows(at_ms: int, before_ms: int, step: Step) -> bool:
    return before_ms > 0 and (step.within is None or at_ms - before_ms <= step.within)


def matches(where: Mapping[str, Comparison], properties: Properties, declared: Event) -> bool:
    """Return whether an event's properties meet every comparison.

    An event whose property is absent, of the wrong type or undeclared does not match.
    """
    return all(
        name in declared.properties
        and name in properties
        and compare(test, properties[name], declared.properties[name]) is Verdict.TRUE
        for name, test in where.items()
    )


def needed(count: Count) -> int:
    """Return how many of the last events tell whether a count holds."""
    bounds = [count.at_least or 0]
    bounds += [bound + 1 for bound in (count.at_most, count.exactly) if bound is not None]
    return max(1, *bounds)


def stream_key(leaf: EventLeaf | SequenceLeaf) -> str:
    """Return the short name under which a leaf's state is kept.

    Leaves that look at the same events share it, so that changing a window or a bound keeps
    what is known.
    """
    kind = leaf if isinstance(leaf, SequenceLeaf) else EventLeaf(leaf.event, leaf.where)
    digest = blake2b(canonical_json(kind).encode(), digest_size=6).digest()
    return b2a_base64(digest, newline=False).decode()


def stream_of(leaf: EventLeaf | SequenceLeaf, events: Mapping[str, Event]) -> Stream:
    """Return the stream that answers a leaf."""
    key = stream_key(leaf)
    if isinstance(leaf, SequenceLeaf):
        lives = [events[step.event].ttl for step in leaf.sequence]
        known = [life for life in lives if life is not None]
        return SequenceStream(key, leaf, min(known) if known else None)
    return EventStream(
        key, leaf.event, leaf.where, needed(leaf.count), window_ms(leaf, events[leaf.event])
    )


def window_ms(leaf: EventLeaf, event: Event) -> int | None:
    """Return how far a leaf looks back: its window, but never beyond the event's ttl."""
    bounds = [bound for bound in (leaf.within, event.ttl) if bound is not None]
    return min(bounds) if bounds else None
