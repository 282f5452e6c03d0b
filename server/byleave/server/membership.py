"""Which segments a visitor is in as far as the server can know, and until when that holds.

The server knows what visitors did and what other systems told it, so it can judge segments
that look at events and at attributes of the source `server`. It judges them as the site does:
the log is replayed through the same rules, event by event, under what was granted at the time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Final

from byleave.experiments import Definitions
from byleave.segments import (
    Choice,
    Consent,
    Duration,
    Facts,
    JourneyLeaf,
    NowLeaf,
    Profile,
    Purpose,
    Rules,
    SegmentLeaf,
    SequenceLeaf,
    Source,
    Verdict,
    allowed_uses,
    reads,
)
from byleave.segments.explain import Explanation
from byleave.segments.reach import all_leaves
from byleave.segments.times import moment_ms
from byleave.server.attributes import Value
from byleave.server.events import Happening

#: So many moments ahead are tried for the next change; then the visitor is looked at again.
_MOST_TRIED: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a visitor.

    Attributes:
        happened: What they did, oldest first.
        attributes: The value of each attribute and when it was observed, in milliseconds.
        stated: The choice that they made last, as far as it was recorded.
    """

    happened: Sequence[Happening]
    attributes: Mapping[str, tuple[Value, int]]
    stated: Consent | None

    @property
    def consent(self) -> Consent:
        """What they agreed to: the choice last recorded, or else what their last event says."""
        if self.stated is not None:
            return self.stated
        uses = self.happened[-1].uses if self.happened else ()
        return Consent(dict.fromkeys(uses, Choice.GRANTED))


@dataclass(frozen=True, slots=True)
class Standing:
    """The segments that a visitor is in, and the next moment at which that may change."""

    segments: frozenset[str]
    next_ms: int | None


class Judge:
    """Judges segments for one use.

    Args:
        definitions: The definitions.
        segments: The segments; each must be judgeable for the use, see `why_not`.
        use: What the answers are for.
    """

    def __init__(self, definitions: Definitions, segments: Iterable[str], *, use: Purpose) -> None:
        self.segments = frozenset(segments)
        vocabulary = definitions.vocabulary
        named = {
            name for key in self.segments for name in reads(SegmentLeaf(key), vocabulary).segments
        }
        needed = {key: replace(vocabulary.segments[key], use=use) for key in self.segments | named}
        self._vocabulary = replace(vocabulary, segments=needed, journeys={})
        self._rules = Rules(self._vocabulary)
        leaves = [leaf for key in needed for leaf in all_leaves(needed[key].when, vocabulary)]
        ttls = [vocabulary.events[name].ttl for name in self._event_names]
        lengths: set[int] = {*_durations(leaves), *(ttl for ttl in ttls if ttl is not None)}
        # What must not follow is known after a while, and then counts for as long again.
        lengths |= {
            leaf.within + leaf.sequence[-1].within
            for leaf in leaves
            if isinstance(leaf, SequenceLeaf) and leaf.within and leaf.sequence[-1].within
        }
        self._lengths_ms = sorted(map(int, lengths))

    def standing(self, known: Known, *, now_ms: int) -> Standing:
        """Return which of the segments a visitor is in, and when that may change by itself."""
        profile = replayed(self._rules, known.happened)
        inside = self._inside(known, profile, now_ms)
        moments = sorted(moment for moment in self._moments(known) if moment > now_ms)
        for moment in moments[:_MOST_TRIED]:
            if self._inside(known, profile, moment) != inside:
                return Standing(inside, moment)
        return Standing(inside, moments[_MOST_TRIED] if len(moments) > _MOST_TRIED else None)

    def inside(self, known: Known, *, now_ms: int) -> frozenset[str]:
        """Return which of the segments a visitor is in."""
        return self._inside(known, replayed(self._rules, known.happened), now_ms)

    def verdicts(self, known: Known, *, now_ms: int) -> dict[str, Verdict]:
        """Return what each of the segments comes to for a visitor."""
        facts = self._facts(known, replayed(self._rules, known.happened), now_ms)
        return {key: facts.segment(key) for key in self.segments}

    def explain(self, known: Known, segment: str, *, now_ms: int) -> Explanation:
        """Return why a visitor is or is not in one of the segments."""
        facts = self._facts(known, replayed(self._rules, known.happened), now_ms)
        return facts.explain(segment)

    def _inside(self, known: Known, profile: Profile, now_ms: int) -> frozenset[str]:
        facts = self._facts(known, profile, now_ms)
        return frozenset(key for key in self.segments if facts.segment(key).is_true)

    def _facts(self, known: Known, profile: Profile, now_ms: int) -> Facts:
        attributes = {
            name: value
            for name, (value, observed_ms) in known.attributes.items()
            if not _is_over(observed_ms, self._vocabulary.attributes[name].ttl, now_ms)
        }
        return self._rules.facts(
            consent=known.consent,
            attributes=attributes,
            profile=self._rules.expire(profile, now_ms=now_ms),
            now_ms=now_ms,
        )

    def _moments(self, known: Known) -> set[int]:
        """Return every moment at which time alone may change an answer."""
        starts = {event.at_ms for event in known.happened}
        starts |= {
            moment
            for value, _ in known.attributes.values()
            if (moment := moment_ms(value)) is not None
        }
        moments = {
            start + sign * length + past
            for start in starts
            for length in self._lengths_ms
            for sign in (1, -1)
            for past in (0, 1)
        }
        ends = {
            observed_ms + int(ttl)
            for name, (_, observed_ms) in known.attributes.items()
            if isinstance(ttl := self._vocabulary.attributes[name].ttl, int)
        }
        return moments | ends | starts | {start + 1 for start in starts}

    @property
    def _event_names(self) -> set[str]:
        return {
            name
            for key in self.segments
            for name in reads(SegmentLeaf(key), self._vocabulary).events
        }


def replayed(rules: Rules, happened: Iterable[Happening]) -> Profile:
    """Return the profile that events leave, oldest first, each under what was granted then."""
    profile = Profile()
    for event in happened:
        profile = rules.record(
            profile,
            event.name,
            event.properties,
            at_ms=event.at_ms,
            now_ms=event.at_ms,
            consent=Consent(dict.fromkeys(event.uses, Choice.GRANTED)),
        )
    return profile


def why_not(definitions: Definitions, segment: str, *, use: Purpose) -> str | None:
    """Return why the server cannot judge a segment for a use; None when it can."""
    vocabulary = definitions.vocabulary
    if use not in allowed_uses(segment, vocabulary):
        return f"something that it looks at may not be used for {use}"
    leaves = list(all_leaves(SegmentLeaf(segment), vocabulary))
    if any(isinstance(leaf, NowLeaf) for leaf in leaves):
        return "it looks at the time of day, which is the same for everybody"
    if any(isinstance(leaf, JourneyLeaf) for leaf in leaves):
        return "it looks at a journey, which only the site follows"
    for name in sorted(reads(SegmentLeaf(segment), vocabulary).attributes):
        if vocabulary.attributes[name].source is not Source.SERVER:
            return f"it looks at {name}, which only the site knows"
    return None


def _is_over(observed_ms: int, ttl: object, now_ms: int) -> bool:
    return isinstance(ttl, int) and observed_ms <= now_ms - ttl


def _durations(value: object) -> Iterator[Duration]:
    """Yield every length of time in what authors wrote."""
    if isinstance(value, Duration):
        yield value
    elif is_dataclass(value):
        for each in fields(value):
            yield from _durations(getattr(value, each.name))
    elif isinstance(value, Mapping):
        for inside in value.values():
            yield from _durations(inside)
    elif isinstance(value, list | tuple):
        for inside in value:
            yield from _durations(inside)
