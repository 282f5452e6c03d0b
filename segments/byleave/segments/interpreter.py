"""The reference: walks a condition tree, slowly and obviously, and says what it found.

The compiled rules must agree with it in everything; explanations come from it alone.
"""

from dataclasses import dataclass

from byleave.segments.access import may_read_attribute, may_read_event
from byleave.segments.comparing import compare, is_listed
from byleave.segments.comparisons import Operator
from byleave.segments.conditions import (
    AllOf,
    AnyOf,
    AttributeLeaf,
    BehaviourLeaf,
    Condition,
    JourneyLeaf,
    Leaf,
    NoneOf,
    NowLeaf,
    SegmentLeaf,
)
from byleave.segments.consent import Purpose
from byleave.segments.encoding import State
from byleave.segments.journeys import step_key
from byleave.segments.memory import Memory
from byleave.segments.reach import events_of
from byleave.segments.recalling import recall, span_of, stream_for
from byleave.segments.situation import Situation
from byleave.segments.streams import start_of
from byleave.segments.truth import Verdict, all_of, any_of, none_of, verdict_of
from byleave.segments.vocabulary import JourneyStep, ValueType, Vocabulary

_UNSEEN = State(0)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one leaf came to.

    Attributes:
        verdict: The verdict.
        value: The value that was compared: an attribute's, a number of events or of reached
            steps, an age in milliseconds; None where there is none or it was withheld.
        since_ms: Since when the leaf's events are observed, where any are kept.
        is_whole: Whether all the events that the leaf looks back on are known; else there may
            have been more of them.
    """

    verdict: Verdict
    value: object = None
    since_ms: int | None = None
    is_whole: bool = True


class Interpreter:
    """Answers conditions about one situation."""

    def __init__(self, vocabulary: Vocabulary, memory: Memory, situation: Situation) -> None:
        self.vocabulary = vocabulary
        self.memory = memory
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
            case JourneyLeaf():
                return Finding(self._journey(leaf, use))
            case NowLeaf(test):
                now_ms = self.situation.now_ms
                return Finding(compare(test, now_ms, ValueType.TIME, now_ms=now_ms))
            case _:
                return self._behaviour(leaf, use)

    def reached(self, journey: str, step: JourneyStep, use: Purpose) -> Verdict:
        """Return whether a step was reached, now or within the journey's ttl."""
        if not self.situation.consent.allows(use):
            return Verdict.WITHHELD
        key = step_key(journey, step.key)
        done = self.verdict(self.vocabulary.segments[step.done].when, use)
        if key not in self.memory.steps.get(use, {}):
            return any_of([done, Verdict.MISSING])
        before = self.memory.is_reached(
            self.situation.profile, key, use, now_ms=self.situation.now_ms
        )
        return any_of([done, verdict_of(before)])

    def _journey(self, leaf: JourneyLeaf, use: Purpose) -> Verdict:
        steps = self.vocabulary.journeys[leaf.journey].steps
        named = leaf.reached if leaf.at is None else leaf.at
        place = next(place for place, step in enumerate(steps) if step.key == named)
        reached = self.reached(leaf.journey, steps[place], use)
        if leaf.at is None:
            return reached
        later = [self.reached(leaf.journey, step, use) for step in steps[place + 1 :]]
        return all_of([reached, none_of(later)])

    def _attribute(self, leaf: AttributeLeaf, use: Purpose) -> Finding:
        situation = self.situation
        declared = self.vocabulary.attributes[leaf.attribute]
        if not may_read_attribute(
            declared,
            use,
            consent=situation.consent,
            collected=situation.collected.get(leaf.attribute),
        ):
            return Finding(Verdict.WITHHELD)
        value = situation.attributes.get(leaf.attribute)
        if leaf.test.operator is Operator.EXISTS:
            return Finding(verdict_of((value is not None) == leaf.test.operand), value)
        if value is None:
            value = declared.default
        if value is None:
            return Finding(Verdict.MISSING)
        if not is_listed(value, declared):
            return Finding(Verdict.INVALID, value)
        return Finding(compare(leaf.test, value, declared.type, now_ms=situation.now_ms), value)

    def _behaviour(self, leaf: BehaviourLeaf, use: Purpose) -> Finding:
        situation, events = self.situation, self.vocabulary.events
        if not all(
            may_read_event(events[event], use, consent=situation.consent)
            for event, _ in events_of(leaf)
        ):
            return Finding(Verdict.WITHHELD)
        key = stream_for(leaf, events).key
        if key not in self.memory.streams.get(use, {}):
            return Finding(Verdict.MISSING)
        state = situation.profile.kept(use).get(key, _UNSEEN)
        span_ms = span_of(leaf, events)
        verdict, value = recall(leaf, state, span_ms=span_ms, now_ms=situation.now_ms)
        is_whole = state.whole_from_ms < start_of(span_ms, situation.now_ms)
        return Finding(verdict, value, state.since_ms or None, is_whole)
