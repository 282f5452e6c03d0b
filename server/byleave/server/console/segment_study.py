"""What a segment comes to, published or drafted: row by row, for whom, and beside what else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from byleave.experiments import Definitions
from byleave.segments import Condition, Segment, SegmentLeaf, Source, Truth, reads
from byleave.segments.conditions import AllOf, AnyOf, NoneOf
from byleave.segments.explain import GROUPS
from byleave.segments.reach import children, is_contextual
from byleave.segments.wording import phrase
from byleave.server import schema
from byleave.server.batches import find_rows
from byleave.server.console.keeping import kept
from byleave.server.counters import pages, totals
from byleave.server.counting import RECENT_MS, Sample, SegmentSize, Survey, read_sample
from byleave.server.few import LEAST_SHOWN
from byleave.server.service import Service

_MOST_EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedRow:
    """A row of a condition: a group with the rows inside, or what a leaf claims.

    Attributes:
        place: Where it stands: `r`, and after it the number of each group's row, from 0.
        text: The group's word, or the claim.
        is_group: Whether it is a group.
        inside: The rows of a group.
        size: How many visitors it is true for.
    """

    place: str
    text: str
    is_group: bool
    inside: tuple["CountedRow", ...]
    size: SegmentSize


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A visitor who was looked at, and why the segment came out for them as it did."""

    visitor: str
    truth: Truth
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What a segment comes to.

    Attributes:
        segment: The segment.
        row: Its condition.
        size: How many are in it.
        withheld: The share of page views in [0, 1] that it cannot look at; None if uncounted.
        examples: Some visitors with the reason for each, where neither answer is rare.
        segments: How many of it are in each other segment; None for 1 to 9.
        experiments: How many of it are enrolled in each experiment that runs; None as above.
        newly_read: Events and attributes that nothing in force reads: nobody collects them yet.
    """

    segment: Segment
    row: CountedRow
    size: SegmentSize
    withheld: float | None
    examples: tuple[Example, ...]
    segments: Mapping[str, int | None]
    experiments: Mapping[str, int | None]
    newly_read: tuple[str, ...]


def sample_of(service: Service) -> Sample:
    """Return visitors of the last 30 days, as of now or of up to a minute ago."""

    def read() -> Sample:
        drawn = service.drawing.visitors()
        with service.storage.reading() as connection:
            definitions, now_ms = service.published.snapshot.definitions, service.clock()
            return read_sample(connection, service.site, definitions, drawn, now_ms=now_ms)

    return kept(service, "sample", read)


def study(service: Service, key: str, definitions: Definitions) -> Study:
    """Return what a segment of some definitions comes to for the visitors of the last 30 days."""
    segment = definitions.segments[key]
    parts = {
        f"{key}#{place}": replace(segment, when=when) for place, when in _places(segment.when, "r")
    }
    asked = replace(definitions, segments={**definitions.segments, **parts})
    others = [k for k, each in definitions.segments.items() if k != key and each.use is segment.use]
    sample = sample_of(service)
    survey = Survey(sample, asked, [key, *others, *parts], now_ms=service.clock())
    size = survey.size(key)
    return Study(
        segment=segment,
        row=_row(segment.when, "r", key, survey),
        size=size,
        withheld=_withheld(service, key, definitions),
        examples=_examples(survey, key),
        segments={k: survey.overlap(key, survey.inside(k)) for k in others if _is_told(survey, k)},
        experiments=_enrolled(service, key, survey, sample),
        newly_read=_newly_read(service, key, definitions),
    )


def _is_told(survey: Survey, key: str) -> bool:
    return survey.size(key).why_not is None


def _places(condition: Condition, place: str) -> Iterator[tuple[str, Condition]]:
    yield place, condition
    if isinstance(condition, AllOf | AnyOf | NoneOf):
        for number, inside in enumerate(children(condition)):
            yield from _places(inside, f"{place}.{number}")


def _row(condition: Condition, place: str, key: str, survey: Survey) -> CountedRow:
    size = survey.size(f"{key}#{place}")
    if isinstance(condition, AllOf | AnyOf | NoneOf):
        inside = tuple(
            _row(each, f"{place}.{number}", key, survey)
            for number, each in enumerate(children(condition))
        )
        text = GROUPS[type(condition)]
        return CountedRow(place=place, text=text, is_group=True, inside=inside, size=size)
    return CountedRow(place=place, text=phrase(condition), is_group=False, inside=(), size=size)


def _examples(survey: Survey, key: str) -> tuple[Example, ...]:
    """Return visitors of each answer that enough have in common."""
    size = survey.size(key)
    numbers = {Truth.TRUE: size.inside, Truth.FALSE: size.outside}
    return tuple(
        Example(visitor=visitor, truth=truth, sentence=each.sentence)
        for truth, number in numbers.items()
        if number is not None and number >= LEAST_SHOWN
        for visitor, each in survey.examples(key, truth, most=_MOST_EXAMPLES)
    )


def _enrolled(
    service: Service, key: str, survey: Survey, sample: Sample
) -> Mapping[str, int | None]:
    runs = {run.id: name for name, run in service.published.snapshot.runs.items()}
    units: dict[str, set[str]] = {name: set() for name in runs.values()}
    with service.storage.reading() as connection:
        for row in find_rows(
            connection, schema.enrolments, site=service.site.key, unit=sample.known.keys()
        ):
            if row.run in runs:
                units[runs[row.run]].add(row.unit)
    return {name: survey.overlap(key, found) for name, found in units.items()}


def _withheld(service: Service, key: str, definitions: Definitions) -> float | None:
    vocabulary = definitions.vocabulary
    found = reads(SegmentLeaf(key), vocabulary)
    if not found.events and all(is_contextual(vocabulary.attributes[n]) for n in found.attributes):
        return 0.0
    with service.storage.reading() as connection:
        counts = totals(connection, service.site, since_ms=service.clock() - RECENT_MS)
    share = pages(counts).share({definitions.segments[key].use})
    return None if share is None else 1 - share


def _newly_read(service: Service, key: str, definitions: Definitions) -> tuple[str, ...]:
    current = service.published.snapshot.definitions
    collected = {goal.event for goal in current.goals.values()}
    for name in current.segments:
        collected |= _collected(name, current)
    return tuple(sorted(_collected(key, definitions) - collected))


def _collected(key: str, definitions: Definitions) -> frozenset[str]:
    """Return the events and attributes that are kept for a segment."""
    found = reads(SegmentLeaf(key), definitions.vocabulary)
    kept = {
        name
        for name in found.attributes
        if definitions.attributes[name].source is not Source.REQUEST
    }
    return found.events | kept
