"""The reference: walks a condition tree, slowly and obviously, and says what it found.

The compiled rules must agree with it in everything; explanations come from it alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from byleave.segments.access import may_read_attribute, may_read_event
from byleave.segments.comparing import compare
from byleave.segments.conditions import (
    AllOf,
    AnyOf,
    AttributeLeaf,
    Condition,
    EventLeaf,
    Leaf,
    NoneOf,
    Operator,
    SegmentLeaf,
    SequenceLeaf,
)
from byleave.segments.consent import Purpose
from byleave.segments.profile import State
from byleave.segments.reach import events_of
from byleave.segments.situation import Situation
from byleave.segments.streams import EventStream, SequenceStream, Stream, stream_key, window_ms
from byleave.segments.truth import Verdict, all_of, any_of, none_of, verdict_of
from byleave.segments.vocabulary import Vocabulary

_UNSEEN = State(0)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one leaf came to.

    Attributes:
        verdict: The verdict.
        value: The value that was compared, the number of events that were counted, or the
            number of steps that were reached; None where there is none or it was withheld.
        since_ms: Since when the leaf's events are observed, where any are kept.
    """

    verdict: Verdict
    value: object = None
    since_ms: int | None = None


class Interpreter:
    """Answers conditions about one situation."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        streams: Mapping[Purpose, Mapping[str, Stream]],
        situation: Situation,
    ) -> None:
        self.vocabulary = vocabulary
        self.streams = streams
        self.situation = situation

    def verdict(self, condition: Condition, use: Purpose) -> Verdict:
        """Return what a condition comes to when it is asked for one use."""
        match condition:
            case AllOf(conditions):
                return all_of(self.verdict(child, use) for child in conditions)
            case AnyOf(conditions):
                return any_of(self.verdict(child, use) for child in conditions)
            case NoneOf(conditions):
                return none_of(self.verdict(child, use) for child in conditions)
            case _:
                return self.finding(condition, use).verdict

    def finding(self, leaf: Leaf, use: Purpose) -> Finding:
        """Return what a leaf comes to, and the value where it may be read."""
        match leaf:
            case AttributeLeaf():
                return self._attribute(leaf, use)
            case SegmentLeaf(key):
                # The condition that asks says for what; the named segment's own use is for
                # those who ask for it directly.
                return Finding(self.verdict(self.vocabulary.segments[key].when, use))
            case EventLeaf() | SequenceLeaf():
                return self._events(leaf, use)

    def _attribute(self, leaf: AttributeLeaf, use: Purpose) -> Finding:
        declared = self.vocabulary.attributes[leaf.attribute]
        if not may_read_attribute(
            declared,
            use,
            consent=self.situation.consent,
            collected=self.situation.collected.get(leaf.attribute),
        ):
            return Finding(Verdict.WITHHELD)
        value = self.situation.attributes.get(leaf.attribute)
        if leaf.test.operator is Operator.EXISTS:
            return Finding(verdict_of((value is not None) == leaf.test.operand), value)
        if value is None:
            value = declared.default
        if value is None:
            return Finding(Verdict.MISSING)
        if declared.one_of and value not in declared.one_of:
            return Finding(Verdict.INVALID, value)
        return Finding(compare(leaf.test, value, declared.type), value)

    def _events(self, leaf: EventLeaf | SequenceLeaf, use: Purpose) -> Finding:
        declared = [self.vocabulary.events[event] for event in events_of(leaf)]
        consent = self.situation.consent
        if not all(may_read_event(event, use, consent=consent) for event in declared):
            return Finding(Verdict.WITHHELD)
        key = stream_key(leaf)
        stream = self.streams.get(use, {}).get(key)
        if stream is None:
            return Finding(Verdict.MISSING)
        state = self.situation.profile.kept(use).get(key, _UNSEEN)
        since_ms = state.since_ms or None
        if isinstance(leaf, EventLeaf) and isinstance(stream, EventStream):
            return self._count(leaf, state, since_ms)
        assert isinstance(stream, SequenceStream)  # noqa: S101 — a key names one kind of leaf
        reached = stream.reached(state, self.situation.now_ms)
        done = sum(time > 0 for time in reached)
        return Finding(verdict_of(bool(reached[-1])), done, since_ms)

    def _count(self, leaf: EventLeaf, state: State, since_ms: int | None) -> Finding:
        span_ms = window_ms(leaf, self.vocabulary.events[leaf.event])
        oldest = 0 if span_ms is None else self.situation.now_ms - span_ms
        known = sum(time >= oldest for time in state.times)
        most = None if state.lost_ms and state.lost_ms >= oldest else known
        least = known if most == known else known + 1
        return Finding(counted(leaf, least, most), known, since_ms)


def counted(leaf: EventLeaf, least: int, most: int | None) -> Verdict:
    """Return the verdict on a count of which only bounds are known; no `most` is no bound."""
    count = leaf.count
    lowest = max(count.at_least or 0, count.exactly or 0)
    highest = min(
        (bound for bound in (count.at_most, count.exactly) if bound is not None), default=None
    )
    if (most is not None and most < lowest) or (highest is not None and least > highest):
        return Verdict.FALSE
    if least >= lowest and (highest is None or (most is not None and most <= highest)):
        return Verdict.TRUE
    return Verdict.MISSING
