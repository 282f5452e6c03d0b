"""Remembering what visitors did: the state of all streams, apart for each use."""

from collections.abc import Iterable, Mapping
from typing import Final

from byleave.segments.access import may_read_event
from byleave.segments.behaviour import AgeLeaf, AggregateLeaf, EventLeaf, SequenceLeaf
from byleave.segments.conditions import BehaviourLeaf, JourneyLeaf
from byleave.segments.consent import Consent, Purpose
from byleave.segments.encoding import Kept, State, encoded
from byleave.segments.journeys import StepReached, step_key
from byleave.segments.profile import Profile
from byleave.segments.reach import all_leaves, events_of
from byleave.segments.recalling import Stream, merged, stream_for
from byleave.segments.streams import LATEST_MS, start_of
from byleave.segments.vocabulary import Vocabulary

#: The longest text of what is kept for one use; no use can push out what another needs.
QUOTA: Final = 1_600


class Memory:
    """What has to be remembered so that conditions can be answered, and nothing more.

    Args:
        vocabulary: The segments and journeys, and what they may name.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.streams: dict[Purpose, dict[str, Stream]] = {}
        self.steps: dict[Purpose, dict[str, int]] = {}
        for key, journey in vocabulary.journeys.items():
            self._track_journey(key, journey.use)
        for segment in vocabulary.segments.values():
            for leaf in all_leaves(segment.when, vocabulary):
                if isinstance(leaf, (EventLeaf, AgeLeaf, AggregateLeaf, SequenceLeaf)):
                    self._track(leaf, segment.use)
                elif isinstance(leaf, JourneyLeaf):
                    self._track_journey(leaf.journey, segment.use)

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
        """Return the profile once a visitor did something."""
        declared = self._vocabulary.events.get(event)
        if declared is None or is_late(at_ms, now_ms=now_ms):
            return profile
        at_ms = min(at_ms, now_ms)
        for use, streams in self.streams.items():
            wanted = [stream for stream in streams.values() if event in stream.events]
            if wanted and may_read_event(declared, use, consent=consent):
                part = self._aged(use, profile.kept(use), now_ms)
                for stream in wanted:
                    mark = stream.mark(event, properties, declared)
                    if mark is not None:
                        part[stream.key] = stream.after(part[stream.key], at_ms, mark, now_ms)
                profile = profile.with_part(use, self._within_quota(use, part, now_ms))
        return profile

    def reach(self, profile: Profile, reached: Iterable[StepReached], use: Purpose) -> Profile:
        """Return the profile once steps of journeys were reached."""
        part = dict(profile.kept(use))
        for step in reached:
            state = State(step.at_ms, times=(step.at_ms,))
            part[step_key(step.journey, step.step)] = state
        return profile.with_part(use, part)

    def merge(self, first: Profile, second: Profile, *, now_ms: int) -> Profile:
        """Return the profile of two histories of one visitor, such as two devices."""
        first, second = self.expire(first, now_ms=now_ms), self.expire(second, now_ms=now_ms)
        parts = {}
        for use in {**first.parts, **second.parts}:
            one, other = first.kept(use), second.kept(use)
            part = {**one, **other}
            for key in one.keys() & other.keys():
                stream = self.streams.get(use, {}).get(key)
                part[key] = (
                    min(one[key], other[key], key=lambda step: step.times)
                    if stream is None
                    else stream.merged(one[key], other[key], now_ms)
                )
            parts[use] = self._within_quota(use, part, now_ms)
        return Profile(parts)

    def is_reached(self, profile: Profile, key: str, use: Purpose, *, now_ms: int) -> bool:
        """Return whether a step was reached within the journey's ttl."""
        state = profile.kept(use).get(key)
        return state is not None and state.times >= (start_of(self.steps[use][key], now_ms),)

    def expire(self, profile: Profile, *, now_ms: int) -> Profile:
        """Return the profile without what has outlived its ttl or is no longer asked about."""
        return Profile(
            {
                use: self._aged(use, part, now_ms)
                for use, part in profile.parts.items()
                if use in self.streams or use in self.steps
            }
        )

    def _aged(self, use: Purpose, kept: Kept, now_ms: int) -> dict[str, State]:
        streams = self.streams.get(use, {})
        part = {
            key: stream.aged(kept[key], now_ms) if key in kept else State(now_ms)
            for key, stream in streams.items()
        }
        for key, ttl_ms in self.steps.get(use, {}).items():
            if key in kept and kept[key].times >= (start_of(ttl_ms, now_ms),):
                part[key] = kept[key]
        return part

    def _within_quota(self, use: Purpose, part: dict[str, State], now_ms: int) -> dict[str, State]:
        """Return a part that is short enough, without its largest streams if need be.

        What goes is undetermined until enough time has passed to know it again. A step that was
        reached stays, or it would be reached once more.
        """
        if len(encoded(part)) <= QUOTA:
            return part
        part = {key: state for key, state in part.items() if not state.is_blank}
        streams = part.keys() & self.streams.get(use, {})
        largest = sorted(streams, key=lambda key: (-len(encoded({key: part[key]})), key))
        for key in largest:
            if len(encoded(part)) <= QUOTA:
                break
            part[key] = State(now_ms, is_cut=True)
        return part

    def _track(self, leaf: BehaviourLeaf, use: Purpose) -> None:
        events = self._vocabulary.events
        if all(use in events[event].purposes for event, _ in events_of(leaf)):
            stream = stream_for(leaf, events)
            streams = self.streams.setdefault(use, {})
            known = streams.get(stream.key)
            streams[stream.key] = merged(known, stream) if known else stream

    def _track_journey(self, key: str, use: Purpose) -> None:
        journey = self._vocabulary.journeys[key]
        steps = self.steps.setdefault(use, {})
        steps.update({step_key(key, step.key): journey.ttl for step in journey.steps})


def is_late(at_ms: int, *, now_ms: int) -> bool:
    """Return whether an event comes too late to be recorded."""
    return now_ms - at_ms > LATEST_MS
