"""What a condition reads, through every segment it names; nothing else need be collected."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import dropwhile
from typing import NamedTuple

from byleave.segments.behaviour import (
    AgeLeaf,
    AggregateLeaf,
    EventLeaf,
    SequenceLeaf,
    Where,
)
from byleave.segments.conditions import (
    AllOf,
    AnyOf,
    AttributeLeaf,
    Condition,
    Group,
    JourneyLeaf,
    Leaf,
    NoneOf,
    NowLeaf,
    SegmentLeaf,
)
from byleave.segments.consent import Purpose
from byleave.segments.reading import DefinitionError, Fault, Path
from byleave.segments.vocabulary import Attribute, Source, Vocabulary


class Reads(NamedTuple):
    """The names that a condition depends on."""

    attributes: frozenset[str]
    events: frozenset[str]
    segments: frozenset[str]


def children(group: Group) -> tuple[Condition, ...]:
    """Return the conditions inside a group."""
    match group:
        case AllOf(inside) | AnyOf(inside):
            return inside
        case _:
            return group.none


def leaves(condition: Condition, path: Path = ()) -> Iterator[tuple[Path, Leaf]]:
    """Yield each leaf of a condition with its place, not those of segments it names."""
    match condition:
        case AllOf(inside):
            yield from _inside("all", inside, path)
        case AnyOf(inside):
            yield from _inside("any", inside, path)
        case NoneOf(inside):
            yield from _inside("none", inside, path)
        case leaf:
            yield path, leaf


def _inside(group: str, inside: tuple[Condition, ...], path: Path) -> Iterator[tuple[Path, Leaf]]:
    for index, child in enumerate(inside):
        yield from leaves(child, (*path, group, index))


def events_of(leaf: Leaf) -> tuple[tuple[str, Where], ...]:
    """Return the events that a leaf itself looks at, each with what it asks of them."""
    match leaf:
        case EventLeaf() | AgeLeaf() | AggregateLeaf():
            return ((leaf.event, leaf.where),)
        case SequenceLeaf():
            return tuple((step.event, step.where) for step in leaf.sequence)
        case _:
            return ()


def segments_of(leaf: Leaf, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the segments that a leaf names, itself or through a journey's steps."""
    match leaf:
        case SegmentLeaf(segment):
            return (segment,)
        case JourneyLeaf() if leaf.journey in vocabulary.journeys:
            return tuple(step.done for step in vocabulary.journeys[leaf.journey].steps)
        case _:
            return ()


def all_leaves(condition: Condition, vocabulary: Vocabulary) -> Iterator[Leaf]:
    """Yield the leaves of a condition and, once each, of the segments it names."""
    seen: set[str] = set()
    waiting = [condition]
    while waiting:
        for _, leaf in leaves(waiting.pop()):
            yield leaf
            for key in segments_of(leaf, vocabulary):
                if key in vocabulary.segments and key not in seen:
                    seen.add(key)
                    waiting.append(vocabulary.segments[key].when)


def reads(condition: Condition, vocabulary: Vocabulary) -> Reads:
    """Return the attributes, events and segments that a condition depends on."""
    found = list(all_leaves(condition, vocabulary))
    return Reads(
        attributes=frozenset(leaf.attribute for leaf in found if isinstance(leaf, AttributeLeaf)),
        events=frozenset(event for leaf in found for event, _ in events_of(leaf)),
        segments=frozenset(key for leaf in found for key in segments_of(leaf, vocabulary)),
    )


def is_contextual(attribute: Attribute) -> bool:
    """Return whether an attribute is read from the request alone and bound to no purpose."""
    return attribute.source is Source.REQUEST and not attribute.purposes


def allowed_uses(segment: str, vocabulary: Vocabulary) -> frozenset[Purpose]:
    """Return what a segment's result may be used for: what all its leaves allow.

    All leaves count, not only those that one evaluation reaches. Names that do not exist allow
    nothing, so that a mistake never widens a use.
    """
    found = all_leaves(SegmentLeaf(segment), vocabulary)
    return _common(_allowed_by(leaf, vocabulary) for leaf in found)


def uses_of_all(vocabulary: Vocabulary) -> Mapping[str, frozenset[Purpose]]:
    """Return `allowed_uses` of each segment, in a time that grows with their leaves alone.

    Raises:
        DefinitionError: Segments name each other in a circle.
    """
    found: dict[str, frozenset[Purpose]] = {}
    for key in filter(vocabulary.segments.__contains__, evaluation_order(vocabulary)):
        inside = [leaf for _, leaf in leaves(vocabulary.segments[key].when)]
        named = [name for leaf in inside for name in segments_of(leaf, vocabulary)]
        own = _common(_allowed_by(leaf, vocabulary) for leaf in inside)
        found[key] = own.intersection(*(found[name] for name in named if name in found))
    return found


def _common(uses: Iterable[Iterable[Purpose]]) -> frozenset[Purpose]:
    return frozenset(Purpose).intersection(*uses)


def _allowed_by(leaf: Leaf, vocabulary: Vocabulary) -> Iterable[Purpose]:
    match leaf:
        case AttributeLeaf(name):
            attribute = vocabulary.attributes.get(name)
            if attribute is None:
                return ()
            return Purpose if is_contextual(attribute) else attribute.purposes
        case SegmentLeaf(name):
            return Purpose if name in vocabulary.segments else ()
        case JourneyLeaf(name):
            return Purpose if name in vocabulary.journeys else ()
        case NowLeaf():
            return Purpose
    events = [vocabulary.events.get(event) for event, _ in events_of(leaf)]
    return _common(event.purposes if event else () for event in events)


def evaluation_order(vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the segments so that each comes after those it names, and near them.

    Raises:
        DefinitionError: Segments name each other in a circle.
    """
    named = {
        key: [name for _, leaf in leaves(segment.when) for name in segments_of(leaf, vocabulary)]
        for key, segment in vocabulary.segments.items()
    }
    ordered: dict[str, None] = {}
    for start in named:
        trail = {} if start in ordered else {start: iter(named[start])}
        while trail:
            key, names = next(reversed(trail.items()))
            name = next((name for name in names if name not in ordered), None)
            if name is None:
                ordered[key] = None
                del trail[key]
            elif name in trail:
                circle = " → ".join((*dropwhile(name.__ne__, trail), name))
                message = f"segments name each other in a circle: {circle}; break it"
                raise DefinitionError([Fault(("segments", name, "when"), message)])
            else:
                trail[name] = iter(named.get(name, ()))
    return tuple(ordered)
