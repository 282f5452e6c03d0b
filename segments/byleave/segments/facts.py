"""Rules, built once from the definitions, and facts, what they say about one visitor now."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from byleave.segments.access import may_read_event
from byleave.segments.conditions import Condition, EventLeaf, SequenceLeaf
from byleave.segments.consent import Consent, Purpose
from byleave.segments.explain import Explanation, explained
from byleave.segments.interpreter import Interpreter
from byleave.segments.profile import Kept, Profile, State
from byleave.segments.reach import all_leaves, evaluation_order, events_of, name_faults
from byleave.segments.reading import DefinitionError
from byleave.segments.situation import Situation
from byleave.segments.streams import LATEST_MS, Stream, merged, stream_of
from byleave.segments.truth import Verdict
from byleave.segments.vocabulary import Vocabulary

_EMPTY: Final = Profile()


class Rules:
    """The conditions of a set of definitions, ready to be asked about visitors.

    Args:
        vocabulary: What conditions may name, and the segments.
        tracked: Event leaves beyond those of segments whose state is kept, for use by
            personalisation: goals that end an experiment, for example.

    Raises:
        DefinitionError: A condition names something undeclared, or segments name each other
            in a circle.
    """

    def __init__(self, vocabulary: Vocabulary, *, tracked: Iterable[Condition] = ()) -> None:
        self.vocabulary = vocabulary
        self.order = evaluation_order(vocabulary)
        self.streams: dict[Purpose, dict[str, Stream]] = {}
        asked = [(segment.when, segment.use) for segment in vocabulary.segments.values()]
        for condition in tracked:
            if faults := name_faults(condition, vocabulary, ("tracked",)):
                raise DefinitionError(faults)
            asked.append((condition, Purpose.PERSONALISATION))
        for condition, use in asked:
            for leaf in all_leaves(condition, vocabulary):
                if isinstance(leaf, (EventLeaf, SequenceLeaf)):
                    self._track(leaf, use)

    def facts(
        self,
        *,
        consent: Consent,
        attributes: Mapping[str, object],
        profile: Profile = _EMPTY,
        now_ms: int,
        collected: Mapping[str, Collection[Purpose]] | None = None,
    ) -> "Facts":
        """Return what the rules say about one visitor at one moment.

        Args:
            consent: What the visitor agreed to.
            attributes: Values by name; None counts as absent.
            profile: The minimal state of the visitor's events.
            now_ms: The time.
            collected: The purposes under whose grant an attribute was collected, by name;
                where a name is missing, all that it declares.
        """
        situation = Situation(
            consent,
            attributes=attributes,
            profile=profile,
            now_ms=now_ms,
            collected=collected or {},
        )
        return Facts(self, situation)

    def record(
        self,
        profile: Profile,
        event: str,
        properties: Mapping[str, object],
        *,
        at_ms: int,
        now_ms: int,
        consent: Consent,
    ) -> Profile:
        """Return the profile once a visitor did something.

        Only what some condition needs is kept, apart for each use, and only where that use
        is allowed now. An event more than five minutes late changes nothing (`is_late` tells
        the caller, who counts it), and one from the future happened now.
        """
        declared = self.vocabulary.events.get(event)
        if declared is None or is_late(at_ms, now_ms=now_ms):
            return profile
        for use, streams in self.streams.items():
            wanted = [stream for stream in streams.values() if event in stream.events]
            if wanted and may_read_event(declared, use, consent=consent):
                part = _aged(streams, profile.kept(use), now_ms)
                for stream in wanted:
                    if matching := stream.matching(event, properties, declared):
                        part[stream.key] = stream.after(
                            part[stream.key], min(at_ms, now_ms), matching, now_ms
                        )
                profile = profile.with_part(use, part)
        return profile

    def expire(self, profile: Profile, *, now_ms: int) -> Profile:
        """Return the profile without what has outlived its ttl or is no longer asked about."""
        return Profile(
            {
                use: _aged(self.streams[use], part, now_ms)
                for use, part in profile.parts.items()
                if use in self.streams
            }
        )

    def _track(self, leaf: EventLeaf | SequenceLeaf, use: Purpose) -> None:
        events = self.vocabulary.events
        if all(use in events[event].purposes for event in events_of(leaf)):
            stream = stream_of(leaf, events)
            streams = self.streams.setdefault(use, {})
            known = streams.get(stream.key)
            streams[stream.key] = merged(known, stream) if known else stream


class Facts:
    """What the rules say about one visitor at one moment; each answer is worked out once."""

    def __init__(self, rules: Rules, situation: Situation) -> None:
        self._interpreter = Interpreter(rules.vocabulary, rules.streams, situation)
        self._segments: dict[str, Verdict] = {}

    def segment(self, key: str) -> Verdict:
        """Return whether the visitor is in a segment, for the segment's own use.

        Raises:
            KeyError: There is no such segment.
        """
        known = self._segments.get(key)
        if known is None:
            segment = self._interpreter.vocabulary.segments[key]
            known = self._segments[key] = self.verdict(segment.when, segment.use)
        return known

    def verdict(self, condition: Condition, use: Purpose) -> Verdict:
        """Return what a condition comes to for one use.

        The state of its event leaves must be tracked for that use (by a segment, or by the
        rules' `tracked`); otherwise they are missing.
        """
        return self._interpreter.verdict(condition, use)

    def explain(self, key: str) -> Explanation:
        """Return why the visitor is or is not in a segment.

        Raises:
            KeyError: There is no such segment.
        """
        return explained(key, self._interpreter, self._interpreter.vocabulary.segments[key].use)


def is_late(at_ms: int, *, now_ms: int) -> bool:
    """Return whether an event comes too late to be recorded."""
    return now_ms - at_ms > LATEST_MS


def _aged(streams: Mapping[str, Stream], kept: Kept, now_ms: int) -> dict[str, State]:
    """Return the state of exactly these streams, without what is too old to be kept."""
    return {
        key: stream.aged(kept[key], now_ms) if key in kept else State(now_ms)
        for key, stream in streams.items()
    }
