"""References: what conditions name, whether it exists, and what it may be used for."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import Final

from byleave.segments.conditions import (
    AllOf,
    AnyOf,
    AttributeLeaf,
    Comparison,
    Condition,
    EventLeaf,
    Leaf,
    NoneOf,
    Operator,
    SegmentLeaf,
    SequenceLeaf,
)
from byleave.segments.consent import Purpose
from byleave.segments.reading import Fault, Path, described, unknown_name
from byleave.segments.vocabulary import Attribute, Event, Source, ValueType, Vocabulary

#: Groups inside groups: beyond this nobody reads a condition any more.
DEEPEST: Final = 32

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_TYPES: Final[Mapping[ValueType, type | tuple[type, ...]]] = {
    ValueType.STRING: str,
    ValueType.NUMBER: (int, float),
    ValueType.BOOLEAN: bool,
}
_TEXT_ONLY: Final = {Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH}
_NUMBER_ONLY: Final = {
    Operator.LESS_THAN,
    Operator.AT_MOST,
    Operator.GREATER_THAN,
    Operator.AT_LEAST,
}


def leaves(condition: Condition, path: Path = ()) -> Iterator[tuple[Path, Leaf]]:
    """Yield each leaf of a condition with its place, from the top down."""
    match condition:
        case AllOf(all=parts):
            yield from _inside("all", parts, path)
        case AnyOf(any=parts):
            yield from _inside("any", parts, path)
        case NoneOf(none=parts):
            yield from _inside("none", parts, path)
        case leaf:
            yield path, leaf


def _inside(group: str, parts: tuple[Condition, ...], path: Path) -> Iterator[tuple[Path, Leaf]]:
    for index, part in enumerate(parts):
        yield from leaves(part, (*path, group, index))


def allowed_uses(segment: str, vocabulary: Vocabulary) -> frozenset[Purpose]:
    """Return what a segment's result may be used for: what all its leaves allow.

    All leaves count, not only those that one evaluation reaches. Names that do not exist allow
    nothing, so that a mistake never widens a use.
    """
    return _allowed(segment, vocabulary, frozenset())


def _allowed(segment: str, vocabulary: Vocabulary, seen: frozenset[str]) -> frozenset[Purpose]:
    if segment in seen or segment not in vocabulary.segments:
        return frozenset()
    seen = seen | {segment}

    def of(leaf: Leaf) -> frozenset[Purpose]:
        match leaf:
            case AttributeLeaf(attribute=name):
                return _of_attribute(vocabulary.attributes.get(name))
            case EventLeaf(event=name):
                return _of_event(vocabulary.events.get(name))
            case SequenceLeaf(sequence=steps):
                return _common(_of_event(vocabulary.events.get(step.event)) for step in steps)
            case SegmentLeaf(segment=name):
                return _allowed(name, vocabulary, seen)

    return _common(of(leaf) for _, leaf in leaves(vocabulary.segments[segment].when))


def _common(uses: Iterable[frozenset[Purpose]]) -> frozenset[Purpose]:
    return reduce(frozenset.intersection, uses, frozenset(Purpose))


def _of_attribute(attribute: Attribute | None) -> frozenset[Purpose]:
    if attribute is None:
        return frozenset()
    if is_contextual(attribute):
        return frozenset(Purpose)
    return frozenset(attribute.purposes)


def _of_event(event: Event | None) -> frozenset[Purpose]:
    return frozenset(event.purposes) if event is not None else frozenset()


def is_contextual(attribute: Attribute) -> bool:
    """Return whether an attribute is read from the request alone and bound to no purpose."""
    return attribute.source is Source.REQUEST and not attribute.purposes


def check_vocabulary(vocabulary: Vocabulary) -> list[Fault]:
    """Return every fault of the attributes, events and segments of a set."""
    faults = [*_names(vocabulary)]
    for name, attribute in vocabulary.attributes.items():
        faults += _attribute(attribute, ("attributes", name))
    for name, event in vocabulary.events.items():
        faults += _kept(event.purposes, event.ttl is not None, ("events", name))
    for name, segment in vocabulary.segments.items():
        path: Path = ("segments", name)
        place: Path = (*path, "when")
        found = [*leaves(segment.when, place)]
        for at, leaf in found:
            faults += _leaf(leaf, vocabulary, at)
            if len(at) - len(place) > 2 * DEEPEST:
                faults.append(Fault(at, f"nested deeper than {DEEPEST} groups; flatten it"))
        if _refers_to_itself(name, vocabulary):
            faults.append(Fault(place, f"segment {name!r} refers to itself; break the circle"))
        elif segment.use not in (uses := allowed_uses(name, vocabulary)) and not faults:
            allowed = ", ".join(sorted(uses)) or "nothing"
            faults.append(
                Fault(
                    (*path, "use"),
                    f"what {name!r} reads does not allow {segment.use}; together it allows "
                    f"{allowed}. Add the purpose to what it reads, or change `use`.",
                )
            )
    return faults


def _names(vocabulary: Vocabulary) -> Iterable[Fault]:
    kinds: dict[str, Mapping[str, object]] = {
        "attributes": vocabulary.attributes,
        "events": vocabulary.events,
        "segments": vocabulary.segments,
    }
    for kind, named in kinds.items():
        for name in named:
            if not _NAME.fullmatch(name):
                yield Fault(
                    (kind, name),
                    "names are lower-case letters, digits, dots, hyphens and underscores, "
                    "at most 64",
                )


def _attribute(attribute: Attribute, path: Path) -> Iterable[Fault]:
    if attribute.source is not Source.REQUEST:
        yield from _kept(attribute.purposes, attribute.ttl is not None, path)
    for key, value in [
        *((("one_of", index), value) for index, value in enumerate(attribute.one_of)),
        *([(("default",), attribute.default)] if attribute.default is not None else []),
    ]:
        if not has_type(value, attribute.type):
            yield Fault((*path, *key), f"expected a {attribute.type}, got {described(value)}")
    if attribute.sensitive and is_contextual(attribute):
        yield Fault(
            (*path, "sensitive"), "a sensitive attribute needs purposes, wherever it comes from"
        )


def _kept(purposes: tuple[Purpose, ...], has_ttl: bool, path: Path) -> Iterable[Fault]:
    if not purposes:
        yield Fault(path, "'purposes' is missing: say what this may be used for")
    if not has_ttl:
        yield Fault(path, "'ttl' is missing: say how long this may be kept, such as 30d")


def _leaf(leaf: Leaf, vocabulary: Vocabulary, path: Path) -> Iterable[Fault]:
    match leaf:
        case AttributeLeaf(attribute=name, test=test):
            attribute = vocabulary.attributes.get(name)
            if attribute is None:
                yield unknown_name("attribute", name, vocabulary.attributes, (*path, "attribute"))
            else:
                yield from _comparison(test, attribute.type, path)
        case EventLeaf(event=name, where=where):
            yield from _event(name, where, vocabulary, path)
        case SequenceLeaf(sequence=steps):
            if len(steps) < 2:
                yield Fault((*path, "sequence"), "a sequence needs at least two steps")
            for index, step in enumerate(steps):
                place = (*path, "sequence", index)
                yield from _event(step.event, step.where, vocabulary, place)
        case SegmentLeaf(segment=name):
            if name not in vocabulary.segments:
                yield unknown_name("segment", name, vocabulary.segments, (*path, "segment"))


def _event(
    name: str, where: Mapping[str, Comparison], vocabulary: Vocabulary, path: Path
) -> Iterable[Fault]:
    event = vocabulary.events.get(name)
    if event is None:
        yield unknown_name("event", name, vocabulary.events, (*path, "event"))
        return
    for key, test in where.items():
        place = (*path, "where", key)
        if key not in event.properties:
            yield unknown_name("property", key, event.properties, place)
        else:
            yield from _comparison(test, event.properties[key], place)


def _comparison(test: Comparison, kind: ValueType, path: Path) -> Iterable[Fault]:
    place = (*path, str(test.operator))
    if test.operator is Operator.EXISTS:
        return
    if (test.operator in _TEXT_ONLY and kind is not ValueType.STRING) or (
        test.operator in _NUMBER_ONLY and kind is not ValueType.NUMBER
    ):
        yield Fault(place, f"a {kind} cannot be compared with {test.operator}")
        return
    operands = test.operand if isinstance(test.operand, tuple) else (test.operand,)
    for operand in operands:
        if not has_type(operand, kind):
            yield Fault(place, f"expected a {kind}, got {described(operand)}")


def has_type(value: object, kind: ValueType) -> bool:
    """Return whether a value has a declared type; True is not a number."""
    if isinstance(value, bool):
        return kind is ValueType.BOOLEAN
    return isinstance(value, _TYPES[kind])


def _refers_to_itself(name: str, vocabulary: Vocabulary) -> bool:
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        segment = vocabulary.segments.get(waiting.pop())
        for _, leaf in leaves(segment.when) if segment else ():
            if isinstance(leaf, SegmentLeaf):
                if leaf.segment == name:
                    return True
                if leaf.segment not in seen:
                    seen.add(leaf.segment)
                    waiting.append(leaf.segment)
    return False
