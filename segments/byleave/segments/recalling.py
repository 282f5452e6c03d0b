"""What is remembered for a leaf that looks at behaviour, and what can be said from it."""

from collections.abc import Mapping
from dataclasses import replace
from math import fsum

from byleave.segments.behaviour import AgeLeaf, AggregateLeaf, EventLeaf, SequenceLeaf
from byleave.segments.comparing import compare
from byleave.segments.comparisons import Count
from byleave.segments.conditions import BehaviourLeaf
from byleave.segments.encoding import State
from byleave.segments.reach import events_of
from byleave.segments.sequences import SequenceStream
from byleave.segments.streams import (
    EventStream,
    FirstStream,
    ValueStream,
    narrower,
    needed,
    start_of,
    stream_key,
    wider,
)
from byleave.segments.truth import Verdict, verdict_of
from byleave.segments.vocabulary import Event, ValueType

Stream = EventStream | FirstStream | ValueStream | SequenceStream

#: A verdict, and the number, or the length of time, that was compared.
Recalled = tuple[Verdict, float | None]


def span_of(leaf: BehaviourLeaf, events: Mapping[str, Event]) -> int | None:
    """Return how far back a leaf looks, which is never beyond the events' ttl."""
    ttl_ms = narrower(*(events[event].ttl for event, _ in events_of(leaf)))
    match leaf:
        case EventLeaf() | AggregateLeaf():
            return narrower(leaf.within, ttl_ms)
        case AgeLeaf(which="last"):
            return narrower(leaf.age.at_most, ttl_ms)
        case _:
            return ttl_ms


def stream_for(leaf: BehaviourLeaf, events: Mapping[str, Event]) -> Stream:
    """Return the stream that answers a leaf."""
    span_ms = span_of(leaf, events)
    match leaf:
        case SequenceLeaf(steps):
            return SequenceStream(key=stream_key("sequence", steps), steps=steps, span_ms=span_ms)
        case AggregateLeaf():
            is_distinct = leaf.kind == "distinct"
            kind = "distinct" if is_distinct else "values"
            return ValueStream(
                key=stream_key(kind, leaf.event, leaf.where, leaf.of),
                event=leaf.event,
                where=leaf.where,
                span_ms=span_ms,
                of=leaf.of,
                is_distinct=is_distinct,
            )
        case AgeLeaf(which="first"):
            key = stream_key("first", leaf.event, leaf.where)
            return FirstStream(key=key, event=leaf.event, where=leaf.where, span_ms=span_ms)
        case _:
            return EventStream(
                key=stream_key("times", leaf.event, leaf.where),
                event=leaf.event,
                where=leaf.where,
                span_ms=span_ms,
                keep=needed(leaf.count) if isinstance(leaf, EventLeaf) else 1,
            )


def merged(first: Stream, second: Stream) -> Stream:
    """Return the stream that serves both of two leaves that look at the same events."""
    span_ms = wider(first.span_ms, second.span_ms)
    if isinstance(first, EventStream) and isinstance(second, EventStream):
        return replace(first, span_ms=span_ms, keep=max(first.keep, second.keep))
    return replace(first, span_ms=span_ms)


def recall(leaf: BehaviourLeaf, state: State, *, span_ms: int | None, now_ms: int) -> Recalled:
    """Return what a leaf comes to.

    Args:
        leaf: The leaf.
        state: What is kept of its stream, which may reach further back for other leaves.
        span_ms: How far back this leaf looks.
        now_ms: The time.
    """
    start_ms = start_of(span_ms, now_ms)
    is_partial = state.whole_from_ms >= start_ms
    if isinstance(leaf, SequenceLeaf):
        is_partial = state.is_cut and state.since_ms >= start_ms
        stream = SequenceStream(key="", steps=leaf.sequence, span_ms=span_ms)
        return _sequence(leaf, stream.reached(state, now_ms), state, is_partial, now_ms)
    times = [time for time in state.times if time >= start_ms]
    match leaf:
        case EventLeaf():
            return counted(leaf.count, len(times), is_partial=is_partial), len(times)
        case AgeLeaf():
            if leaf.which == "first" and (is_partial or 0 < len(times) < len(state.times)):
                return Verdict.MISSING, None
            return _age(leaf, times, is_partial, now_ms)
        case _:
            return _aggregate(leaf, state.marks[len(state.times) - len(times) :], is_partial)


def wait_of(leaf: BehaviourLeaf) -> int:
    """Return how long events must have been observed before a leaf can be true."""
    match leaf:
        case AgeLeaf():
            return leaf.age.at_least or 0
        case SequenceLeaf((*_, last)) if last.is_absent:
            return (last.within or 0) + 1
        case _:
            return 0


def counted(count: Count, known: int, *, is_partial: bool) -> Verdict:
    """Return the verdict on a number of events, of which there may be more than are known."""
    if not is_partial:
        return verdict_of(count.holds(known))
    if count.highest is not None:
        return Verdict.FALSE if known > count.highest else Verdict.MISSING
    return Verdict.TRUE if known >= count.lowest else Verdict.MISSING


def _age(leaf: AgeLeaf, times: list[int], is_partial: bool, now_ms: int) -> Recalled:
    if not times:
        return (Verdict.MISSING if is_partial else Verdict.FALSE), None
    age_ms = now_ms - times[0 if leaf.which == "first" else -1]
    least, most = leaf.age.at_least, leaf.age.at_most
    holds = (least is None or age_ms >= least) and (most is None or age_ms <= most)
    return verdict_of(holds), age_ms


def _aggregate(leaf: AggregateLeaf, values: tuple[float, ...], is_partial: bool) -> Recalled:
    if is_partial or (leaf.kind in ("min", "max") and not values):
        return Verdict.MISSING, None
    made: float
    match leaf.kind:
        case "sum":
            made = fsum(values)
        case "min":
            made = min(values)
        case "max":
            made = max(values)
        case _:
            made = len(set(values))
    return compare(leaf.test, made, ValueType.NUMBER), made


def _sequence(
    leaf: SequenceLeaf, times: tuple[int, ...], state: State, is_partial: bool, now_ms: int
) -> Recalled:
    steps = sum(time > 0 for time in times)
    last = leaf.sequence[-1]
    if last.is_absent:
        before_ms, done_ms = times[-2], times[-2] + (last.within or 0)
        is_true = before_ms > 0 and times[-1] == 0 and now_ms > done_ms
        is_known = before_ms >= state.since_ms
    else:
        done_ms = times[-1]
        is_true = is_known = done_ms > 0
    if is_partial and not is_known:
        return Verdict.MISSING, steps
    return verdict_of(is_true and done_ms >= start_of(leaf.within, now_ms)), steps
