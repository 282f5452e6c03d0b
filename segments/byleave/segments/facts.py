"""Rules, built once from the definitions, and facts, what they say about one visitor now."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from byleave.segments.conditions import AnyOf, Condition, SegmentLeaf
from byleave.segments.consent import Consent, Purpose
from byleave.segments.journeys import Progress, StepReached, progress, step_key
from byleave.segments.memory import Memory
from byleave.segments.plans import Asked, Plan
from byleave.segments.profile import Profile
from byleave.segments.reach import evaluation_order, reads
from byleave.segments.reading import DefinitionError
from byleave.segments.truth import Verdict
from byleave.segments.vocabulary import TRACKED, JourneyStep, Segment, Vocabulary

if TYPE_CHECKING:
    from byleave.segments.explain import Explanation
    from byleave.segments.interpreter import Interpreter

_EMPTY: Final = Profile()


class Rules:
    """The conditions of a set of definitions, ready to be asked about visitors.

    Args:
        vocabulary: What conditions may name, and the segments.
        tracked: Event leaves beyond those of segments whose state is kept, for use by
            personalisation: goals that end an experiment, for example.
        first: The segments that are asked most, such as audiences. They are answered apart
            from the others, which then cost nothing until somebody asks for them.

    Raises:
        DefinitionError: A condition names something undeclared, or segments name each other
            in a circle.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        tracked: Iterable[Condition] = (),
        first: Iterable[str] = (),
    ) -> None:
        from byleave.segments.references import unknown_names  # once for a set of definitions

        tracked = list(tracked)
        faults = unknown_names(vocabulary, tracked)
        if faults:
            raise DefinitionError(faults)
        self.vocabulary = vocabulary
        # What is tracked is asked like a segment, under a name that no author can give one.
        self.tracked = _by_identity(tracked)
        unnamed = {_unnamed(place): Segment(when=when) for place, when in enumerate(tracked)}
        asked = replace(vocabulary, segments={**vocabulary.segments, **unnamed})
        self.memory = Memory(asked)
        named = _named([*first, *unnamed], asked)
        self.plans: dict[Purpose, Plan] = {}
        self.uses: list[Purpose] = []  # of each chunk
        for use in Purpose:
            if keys := _asked_for(use, asked):
                plan = Plan(_in_two(keys, named), asked, self.memory, use, len(self.uses))
                self.plans[use] = plan
                self.uses += [use] * len(plan.chunks)
        #: Where each segment is answered for its own use: the chunk, the place in it.
        self.places = {
            key: self.plans[segment.use].places[key] for key, segment in asked.segments.items()
        }

    def again(self, tracked: Sequence[Condition]) -> "Rules":
        """Return these rules for conditions that equal those that they track, one for one."""
        rules = copy(self)
        rules.tracked = _by_identity(tracked)
        return rules

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
        return Facts(self, consent, attributes, profile, now_ms, collected or {})

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
        return self.memory.record(
            profile, event, properties, at_ms=at_ms, now_ms=now_ms, consent=consent
        )

    def expire(self, profile: Profile, *, now_ms: int) -> Profile:
        """Return the profile without what has outlived its ttl or is no longer asked about."""
        return self.memory.expire(profile, now_ms=now_ms)

    def merge(self, first: Profile, second: Profile, *, now_ms: int) -> Profile:
        """Return the profile of two histories of one visitor, such as two devices.

        Counts and last times are exact; an event at the same time is taken for the same event.
        """
        return self.memory.merge(first, second, now_ms=now_ms)


def _asked_for(use: Purpose, vocabulary: Vocabulary) -> list[str]:
    """Return the segments of one use, and those that they name."""
    named = _named([k for k, each in vocabulary.segments.items() if each.use is use], vocabulary)
    return [key for key in evaluation_order(vocabulary) if key in named]


def _unnamed(place: int) -> str:
    return f"{TRACKED}{place}]"


def _by_identity(tracked: Iterable[Condition]) -> dict[int, tuple[Condition, str]]:
    """Return what each condition is asked as; they are held, so that no other gets their id."""
    return {id(when): (when, _unnamed(place)) for place, when in enumerate(tracked)}


def _named(keys: Iterable[str], vocabulary: Vocabulary) -> Collection[str]:
    """Return segments, and those that they name."""
    return reads(AnyOf(tuple(map(SegmentLeaf, keys))), vocabulary).segments


def _in_two(keys: Sequence[str], first: Collection[str]) -> list[list[str]]:
    """Return the keys in two parts, of which the first names nothing of the second."""
    return [[k for k in keys if k in first], [k for k in keys if k not in first]]


class Facts:
    """What the rules say about one visitor at one moment; each answer is worked out once.

    Attributes:
        answers: The verdicts of each chunk of segments, by place; None where it was not asked
            yet. Whoever asks often looks here first, with the `places` of the rules.
    """

    __slots__ = (
        "_asked",
        "_attributes",
        "_collected",
        "_consent",
        "_now_ms",
        "_profile",
        "_rules",
        "answers",
    )

    def __init__(
        self,
        rules: Rules,
        consent: Consent,
        attributes: Mapping[str, object],
        profile: Profile,
        now_ms: int,
        collected: Mapping[str, Collection[Purpose]],
    ) -> None:
        self._rules = rules
        self._consent = consent
        self._attributes = attributes
        self._profile = profile
        self._now_ms = now_ms
        self._collected = collected
        self._asked: dict[Purpose, Asked] = {}
        self.answers: list[Any] = [None] * len(rules.uses)

    def segment(self, key: str) -> Verdict:
        """Return whether the visitor is in a segment, for the segment's own use.

        Raises:
            KeyError: There is no such segment.
        """
        chunk, place = self._rules.places[key]
        return (self.answers[chunk] or self.answer(chunk))[place]

    def answer(self, chunk: int) -> tuple[Verdict, ...]:
        """Answer a chunk of segments, and return its verdicts by place."""
        return self._for(self._rules.uses[chunk]).answer(chunk)

    def true_segments(self) -> list[str]:
        """Return every segment that the visitor is in, each for its own use and once."""
        found: list[str] = []
        for use in self._rules.plans:
            found += self._for(use).true_segments()
        return found

    def _for(self, use: Purpose) -> Asked:
        asked = self._asked.get(use)
        if asked is None:
            plan = self._rules.plans[use]
            row = plan.rows.read(
                self._consent, self._attributes, self._profile, self._now_ms, self._collected
            )
            asked = self._asked[use] = Asked(plan, row, self._now_ms, self.answers)
        return asked

    @property
    def interpreter(self) -> "Interpreter":
        """The reference, asked about the same visitor."""
        # Segments are compiled, and ask nobody.
        from byleave.segments.interpreter import Interpreter
        from byleave.segments.situation import Situation

        situation = Situation(
            self._consent,
            attributes=self._attributes,
            profile=self._profile,
            now_ms=self._now_ms,
            collected=self._collected,
        )
        return Interpreter(self._rules.vocabulary, self._rules.memory, situation)

    def verdict(self, condition: Condition, use: Purpose) -> Verdict:
        """Return what a condition comes to for one use.

        The state of its event leaves must be tracked for that use (by a segment, or by the
        rules' `tracked`); otherwise they are missing.
        """
        tracked = self._rules.tracked.get(id(condition))
        if tracked is not None and use is Purpose.PERSONALISATION:
            return self.segment(tracked[1])
        return self.interpreter.verdict(condition, use)

    def explain(self, key: str) -> "Explanation":
        """Return why the visitor is or is not in a segment.

        Raises:
            KeyError: There is no such segment.
        """
        from byleave.segments.explain import explained  # only where somebody asks why

        use = self._rules.vocabulary.segments[key].use
        return explained(key, self.interpreter, use)

    def journey(self, key: str) -> Progress:
        """Return where the visitor is in a journey, for the journey's own use.

        A step whose segment is true only now counts as reached now.

        Raises:
            KeyError: There is no such journey.
        """
        journey = self._rules.vocabulary.journeys[key]
        now_ms = self._now_ms
        kept = self._profile.kept(journey.use)
        reached = {}
        for step in journey.steps:
            if self.interpreter.reached(key, step, journey.use).is_true:
                state = kept.get(step_key(key, step.key))
                reached[step.key] = state.times[0] if state and state.times else now_ms
        return progress(journey, reached, now_ms=now_ms)

    def advance(self) -> tuple[Profile, tuple[StepReached, ...]]:
        """Return the profile that remembers the steps reached now, and those steps.

        A step is reached once; where it was reached before, nothing happens.
        """
        profile, told = self._profile, []
        vocabulary = self._rules.vocabulary
        for use, tracked in self._rules.memory.steps.items():
            reached = [
                StepReached(journey=key, step=step.key, at_ms=self._now_ms)
                for key, journey in vocabulary.journeys.items()
                for step in journey.steps
                if self._is_new(key, step, use, tracked)
            ]
            if reached:
                profile = self._rules.memory.reach(profile, reached, use)
            told += [step for step in reached if vocabulary.journeys[step.journey].use is use]
        return profile, tuple(told)

    def _is_new(
        self, journey: str, step: JourneyStep, use: Purpose, tracked: Collection[str]
    ) -> bool:
        key = step_key(journey, step.key)
        if key not in tracked or not self._consent.allows(use):
            return False
        if self._rules.memory.is_reached(self._profile, key, use, now_ms=self._now_ms):
            return False
        done = self._rules.vocabulary.segments[step.done].when
        return self.interpreter.verdict(done, use).is_true
