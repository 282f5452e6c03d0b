"""What a condition reads, through every segment it names; nothing else need be collected."""

from collections.abc import Iterator
from dataclasses import dataclass

from byleave.segments.conditions import (
    AllOf,
    AnyOf,
    AttributeLeaf,
    Condition,
    EventLeaf,
    Leaf,
    NoneOf,
    SegmentLeaf,
    SequenceLeaf,
)
from byleave.segments.reading import DefinitionError, Fault, Path, suggestion
from byleave.segments.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """The names that a condition depends on."""

    attributes: frozenset[str]
    events: frozenset[str]
    segments: frozenset[str]


def children(condition: Condition) -> tuple[Condition, ...]:
    """Return the conditions inside a group; a leaf has none."""
    match condition:
        case AllOf(inside) | AnyOf(inside) | NoneOf(inside):
            return inside
        case _:
            return ()


def leaves(condition: Condition) -> Iterator[Leaf]:
    """Yield the leaves of a condition from left to right, not those of segments it names."""
    if isinstance(condition, (AllOf, AnyOf, NoneOf)):
        for child in children(condition):
            yield from leaves(child)
    else:
        yield condition


def events_of(leaf: Leaf) -> tuple[str, ...]:
    """Return the events that a leaf itself looks at."""
    match leaf:
        case EventLeaf():
            return (leaf.event,)
        case SequenceLeaf():
            return tuple(step.event for step in leaf.sequence)
        case _:
            return ()


def all_leaves(condition: Condition, vocabulary: Vocabulary) -> Iterator[Leaf]:
    """Yield the leaves of a condition and, once each, of the segments it names."""
    seen: set[str] = set()
    waiting = [condition]
    while waiting:
        for leaf in leaves(waiting.pop()):
            yield leaf
            if isinstance(leaf, SegmentLeaf) and leaf.segment not in seen:
                seen.add(leaf.segment)
                waiting.append(vocabulary.segments[leaf.segment].when)


def reads(condition: Condition, vocabulary: Vocabulary) -> Reads:
    """Return the attributes, events and segments that a condition depends on."""
    found = list(all_leaves(condition, vocabulary))
    return Reads(
        attributes=frozenset(leaf.attribute for leaf in found if isinstance(leaf, AttributeLeaf)),
        events=frozenset(event for leaf in found for event in events_of(leaf)),
        segments=frozenset(leaf.segment for leaf in found if isinstance(leaf, SegmentLeaf)),
    )


def name_faults(condition: Condition, vocabulary: Vocabulary, path: Path = ()) -> list[Fault]:
    """Return a fault for each attribute, event and segment that is not declared."""
    known = {
        "attribute": vocabulary.attributes,
        "event": vocabulary.events,
        "segment": vocabulary.segments,
    }
    faults = []
    for leaf in leaves(condition):
        names = [("event", event) for event in events_of(leaf)]
        if isinstance(leaf, AttributeLeaf):
            names.append(("attribute", leaf.attribute))
        if isinstance(leaf, SegmentLeaf):
            names.append(("segment", leaf.segment))
        faults += [
            Fault(path, f"unknown {kind} {name!r}.{suggestion(name, known[kind])}")
            for kind, name in names
            if name not in known[kind]
        ]
    return faults


def evaluation_order(vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the segments so that each comes after those it names.

    Raises:
        DefinitionError: A condition names something undeclared, or segments name each other
            in a circle.
    """
    faults = [
        fault
        for key, segment in vocabulary.segments.items()
        for fault in name_faults(segment.when, vocabulary, ("segments", key, "when"))
    ]
    if faults:
        raise DefinitionError(faults)
    ordered: dict[str, None] = {}
    for start in vocabulary.segments:
        _visit(start, vocabulary, ordered, ())
    return tuple(ordered)


def _visit(
    key: str, vocabulary: Vocabulary, ordered: dict[str, None], trail: tuple[str, ...]
) -> None:
    if key in ordered:
        return
    if key in trail:
        circle = " → ".join((*trail[trail.index(key) :], key))
        raise DefinitionError(
            [Fault(("segments", key, "when"), f"segments name each other in a circle: {circle}")]
        )
    for leaf in leaves(vocabulary.segments[key].when):
        if isinstance(leaf, SegmentLeaf):
            _visit(leaf.segment, vocabulary, ordered, (*trail, key))
    ordered[key] = None
