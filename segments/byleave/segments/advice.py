"""Advice for authors: what a set without faults says that they can hardly have meant.

Only what is proved is told. An error never works, such as a segment that nobody can be in; a
warning works otherwise than it reads, or not at all; a note says what reach something costs.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from byleave.segments.advice_conditions import impossible, pointless
from byleave.segments.advice_reach import costs
from byleave.segments.conditions import SegmentLeaf
from byleave.segments.consent import Purpose
from byleave.segments.reach import reads
from byleave.segments.reading import Fault, canonical_json, plain
from byleave.segments.vocabulary import Segment, Vocabulary
from byleave.segments.ways import Ways

#: Nobody knows yet on how many pages what is agreed to.
NOT_MEASURED: Final[Mapping[Purpose, float]] = MappingProxyType({})


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Advice(Fault):
    """Something that an author should know, and what to do about it."""

    severity: Severity


def advise(
    vocabulary: Vocabulary,
    *,
    audiences: Collection[str] = (),
    named: Collection[str] = (),
    attributes: Collection[str] = (),
    events: Collection[str] = (),
    granted: Mapping[Purpose, float] = NOT_MEASURED,
) -> list[Advice]:
    """Return advice on the segments, attributes and events of a set without faults.

    Args:
        vocabulary: What conditions may name, and the segments.
        audiences: The segments for which something is shown.
        named: All segments that are named outside of the vocabulary.
        attributes: The attributes that something outside of the vocabulary reads.
        events: The events that something outside of the vocabulary counts.
        granted: The share of page views in [0, 1] on which a purpose was agreed to, where it
            was measured.
    """
    ways = Ways(vocabulary)
    found: dict[Severity, list[Fault]] = {severity: [] for severity in Severity}
    for key, segment in vocabulary.segments.items():
        found[Severity.ERROR] += impossible(key, segment.when, ways, vocabulary)
        found[Severity.WARNING] += pointless(key, segment.when, ways, vocabulary)
    found[Severity.WARNING] += _unread(vocabulary, attributes, events)
    found[Severity.WARNING] += _dead(vocabulary, {*audiences, *named})
    found[Severity.WARNING] += _duplicates(vocabulary)
    for key in sorted(audiences):
        found[Severity.WARNING] += _because(key, vocabulary.segments[key])
        found[Severity.NOTE] += costs(key, ways, vocabulary, granted)
    return [
        Advice(fault.path, fault.message, severity)
        for severity, faults in found.items()
        for fault in faults
    ]


def _unread(
    vocabulary: Vocabulary, attributes: Collection[str], events: Collection[str]
) -> Iterator[Fault]:
    read = [reads(segment.when, vocabulary) for segment in vocabulary.segments.values()]
    known: tuple[tuple[str, str, Iterable[str], set[str]], ...] = (
        (
            "attributes",
            "attribute",
            vocabulary.attributes,
            set(attributes).union(*(one.attributes for one in read)),
        ),
        ("events", "event", vocabulary.events, set(events).union(*(one.events for one in read))),
    )
    for kind, word, declared, used in known:
        for name in declared:
            if name not in used:
                yield Fault(
                    (kind, name),
                    f"nothing reads {word} {name!r}, so it is not collected; use it or leave it "
                    "out",
                )


def _dead(vocabulary: Vocabulary, named: Collection[str]) -> Iterator[Fault]:
    steps = [step.done for journey in vocabulary.journeys.values() for step in journey.steps]
    alive = {*named, *steps}
    for name in [*alive]:
        alive |= reads(SegmentLeaf(name), vocabulary).segments
    for key in vocabulary.segments:
        if key not in alive:
            yield Fault(
                ("segments", key),
                f"nothing that is shown, measured or reached depends on segment {key!r}; use it "
                "or leave it out",
            )


def _duplicates(vocabulary: Vocabulary) -> Iterator[Fault]:
    first: dict[tuple[str, str], str] = {}
    for key, segment in vocabulary.segments.items():
        same = first.setdefault((segment.use, _ordered(plain(segment.when))), key)
        if same != key:
            yield Fault(
                ("segments", key, "when"),
                f"this is segment {same!r} again; keep one of them",
            )


def _ordered(condition: Any) -> str:
    """Return a text that does not depend on the order inside groups."""
    for group in ("all", "any", "none"):
        if group in condition:
            return canonical_json({group: sorted({_ordered(each) for each in condition[group]})})
    return canonical_json(condition)


def _because(key: str, segment: Segment) -> Iterator[Fault]:
    if not segment.because:
        yield Fault(
            ("segments", key),
            "'because' is missing: a visitor who asks why this page looks as it does gets no "
            "answer. Say it in a sentence to them, such as: You compared our plans this week",
        )
