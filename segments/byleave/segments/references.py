"""References: what definitions name, whether it exists, and what it may be used for."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from byleave.segments.behaviour import (
    HIGHEST_COUNT,
    MOST_STEPS,
    Age,
    AgeLeaf,
    AggregateLeaf,
    EventLeaf,
    SequenceLeaf,
    Where,
)
from byleave.segments.comparing import LIKE_THE_VALUE, fits, is_sound
from byleave.segments.comparisons import Comparison, Count, Operator
from byleave.segments.conditions import (
    AttributeLeaf,
    Condition,
    JourneyLeaf,
    Leaf,
    NowLeaf,
    SegmentLeaf,
)
from byleave.segments.consent import Purpose
from byleave.segments.naming import NAME_RULE, is_name
from byleave.segments.patterns import has_re2
from byleave.segments.reach import (
    evaluation_order,
    events_of,
    is_contextual,
    leaves,
    reads,
    segments_of,
    uses_of_all,
)
from byleave.segments.reading import (
    MAX_DEPTH,
    DefinitionError,
    Fault,
    Path,
    described,
    unknown_name,
)
from byleave.segments.vocabulary import Attribute, Journey, Source, ValueType, Vocabulary

#: Groups inside groups: beyond this nobody reads a condition any more.
DEEPEST: Final = 32


def unknown_names(vocabulary: Vocabulary, conditions: Sequence[Condition] = ()) -> list[Fault]:
    """Return a fault for each name in the segments, or in other conditions, that is unknown."""
    places: list[tuple[Path, Condition]] = [
        (("segments", key, "when"), segment.when) for key, segment in vocabulary.segments.items()
    ]
    places += [(("tracked", index), condition) for index, condition in enumerate(conditions)]
    faults = [
        fault
        for path, condition in places
        for place, leaf in leaves(condition, path)
        for fault in _unknown(leaf, vocabulary, place)
    ]
    for key, journey in vocabulary.journeys.items():
        for index, step in enumerate(journey.steps):
            if step.done not in vocabulary.segments:
                place = ("journeys", key, "steps", index, "done")
                faults.append(unknown_name("segment", step.done, vocabulary.segments, place))
    return faults


def _unknown(leaf: Leaf, vocabulary: Vocabulary, path: Path) -> Iterator[Fault]:
    match leaf:
        case AttributeLeaf(name) if name not in vocabulary.attributes:
            yield unknown_name("attribute", name, vocabulary.attributes, (*path, "attribute"))
        case SegmentLeaf(name) if name not in vocabulary.segments:
            yield unknown_name("segment", name, vocabulary.segments, (*path, "segment"))
        case JourneyLeaf(name) if name not in vocabulary.journeys:
            yield unknown_name("journey", name, vocabulary.journeys, (*path, "journey"))
        case JourneyLeaf():
            keys = [step.key for step in vocabulary.journeys[leaf.journey].steps]
            if bool(leaf.reached) == bool(leaf.at):
                yield Fault(path, "say either `reached` or `at`, with the name of a step")
            elif (step := leaf.reached or leaf.at or "") not in keys:
                yield unknown_name("step", step, keys, path)
    for place, event, where in _asked(leaf, path):
        if event not in vocabulary.events:
            yield unknown_name("event", event, vocabulary.events, place)
            continue
        properties = vocabulary.events[event].properties
        for name in where:
            if name not in properties:
                yield unknown_name("property", name, properties, (*place, "where", name))
    if isinstance(leaf, AggregateLeaf) and leaf.event in vocabulary.events:
        properties = vocabulary.events[leaf.event].properties
        if leaf.of not in properties:
            yield unknown_name("property", leaf.of, properties, (*path, leaf.kind))


def _asked(leaf: Leaf, path: Path) -> Iterator[tuple[Path, str, Where]]:
    for index, (event, where) in enumerate(events_of(leaf)):
        place = (*path, "sequence", index) if isinstance(leaf, SequenceLeaf) else path
        yield place, event, where


def check_vocabulary(vocabulary: Vocabulary) -> list[Fault]:
    """Return every fault of the attributes, events, segments and journeys of a set."""
    faults = [*_names(vocabulary), *unknown_names(vocabulary)]
    try:
        uses = uses_of_all(vocabulary)
    except DefinitionError:
        uses = None  # segments name each other in a circle, which is told at each of them
    else:
        faults += _depths(vocabulary)
    for name, attribute in vocabulary.attributes.items():
        faults += _attribute(attribute, ("attributes", name))
    for name, event in vocabulary.events.items():
        faults += _kept(event.purposes, event.ttl is not None, ("events", name))
    for name, journey in vocabulary.journeys.items():
        faults += _journey(journey, uses or {}, ("journeys", name))
    for name, segment in vocabulary.segments.items():
        path: Path = ("segments", name)
        place: Path = (*path, "when")
        for at, leaf in leaves(segment.when, place):
            faults += _leaf(leaf, vocabulary, at)
            if len(at) - len(place) > 2 * DEEPEST:
                faults.append(Fault(at, f"nested deeper than {DEEPEST} groups; flatten it"))
        if uses is None:
            if name in reads(segment.when, vocabulary).segments:
                faults.append(Fault(place, f"segment {name!r} refers to itself; break the circle"))
        elif segment.use not in uses[name] and not faults:
            allowed = ", ".join(sorted(uses[name])) or "nothing"
            faults.append(
                Fault(
                    (*path, "use"),
                    f"what {name!r} reads does not allow {segment.use}; together it allows "
                    f"{allowed}. Add the purpose to what it reads, or change `use`.",
                )
            )
    return faults


def _depths(vocabulary: Vocabulary) -> Iterable[Fault]:
    """Yield the segments that are nested too deeply through those they name."""
    ordered = evaluation_order(vocabulary)
    depths = dict.fromkeys(ordered, 0)  # unknown names too, which are told where they stand
    for key in filter(vocabulary.segments.__contains__, ordered):
        for at, leaf in leaves(vocabulary.segments[key].when):
            inside = max((depths[name] for name in segments_of(leaf, vocabulary)), default=0)
            depths[key] = max(depths[key], len(at) // 2 + 1 + inside)
        if depths[key] > MAX_DEPTH:
            depths[key] = 0  # what names it is not told of the same levels again
            yield Fault(
                ("segments", key, "when"),
                f"nested deeper than {MAX_DEPTH} levels through the segments it names; flatten it",
            )


def _names(vocabulary: Vocabulary) -> Iterable[Fault]:
    kinds: dict[str, Mapping[str, object]] = {
        "attributes": vocabulary.attributes,
        "events": vocabulary.events,
        "segments": vocabulary.segments,
        "journeys": vocabulary.journeys,
    }
    for kind, named in kinds.items():
        for name in named:
            if not is_name(name):
                yield Fault((kind, name), NAME_RULE)


def _attribute(attribute: Attribute, path: Path) -> Iterable[Fault]:
    if attribute.source is not Source.REQUEST:
        yield from _kept(attribute.purposes, attribute.ttl is not None, path)
    for key, value in [
        *((("one_of", index), value) for index, value in enumerate(attribute.one_of)),
        *([(("default",), attribute.default)] if attribute.default is not None else []),
    ]:
        if not fits(value, _item_type(attribute) if key[0] == "one_of" else attribute.type):
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


def _item_type(attribute: Attribute) -> ValueType:
    return ValueType.STRING if attribute.type is ValueType.LIST else attribute.type


def _journey(
    journey: Journey, uses: Mapping[str, Collection[Purpose]], path: Path
) -> Iterable[Fault]:
    if not journey.steps:
        yield Fault((*path, "steps"), "a journey needs at least one step")
    seen: set[str] = set()
    for index, step in enumerate(journey.steps):
        place = (*path, "steps", index)
        if step.key in seen:
            yield Fault((*place, "key"), f"there is a step {step.key!r} already")
        seen.add(step.key)
        if step.done in uses and journey.use not in uses[step.done]:
            yield Fault((*place, "done"), f"segment {step.done!r} does not allow {journey.use}")


def _leaf(leaf: Leaf, vocabulary: Vocabulary, path: Path) -> Iterable[Fault]:
    match leaf:
        case AttributeLeaf(name, test) if name in vocabulary.attributes:
            yield from _comparison(test, vocabulary.attributes[name].type, path)
        case NowLeaf(test):
            yield from _comparison(test, ValueType.TIME, (*path, "now"))
        case EventLeaf():
            yield from _count(leaf.count, (*path, "count"))
        case AgeLeaf():
            yield from _age(leaf.age, (*path, leaf.which))
        case AggregateLeaf() if leaf.kind != "distinct":
            declared = vocabulary.events.get(leaf.event)
            kind = declared.properties.get(leaf.of) if declared else None
            if kind not in (None, ValueType.NUMBER):
                place = (*path, leaf.kind, leaf.of)
                yield Fault(place, f"{leaf.of!r} is a {kind}; {leaf.kind} needs a number")
        case SequenceLeaf():
            yield from _sequence(leaf, path)
    for at, event, where in _asked(leaf, path):
        properties = vocabulary.events[event].properties if event in vocabulary.events else {}
        for key, test in where.items():
            if key in properties:
                yield from _comparison(test, properties[key], (*at, "where", key))


def _count(count: Count, path: Path) -> Iterable[Fault]:
    bounds = (count.at_least, count.at_most, count.exactly)
    given = [bound for bound in bounds if bound is not None]
    if not given:
        yield Fault(path, "expected at_least, at_most or exactly")
    if any(not 0 <= bound <= HIGHEST_COUNT for bound in given):
        yield Fault(path, f"a count is from 0 to {HIGHEST_COUNT}: each event is remembered")


def _age(age: Age, path: Path) -> Iterable[Fault]:
    if age.at_least is None and age.at_most is None:
        yield Fault(path, "expected at_least or at_most, such as {at_most: 3d}")


def _sequence(leaf: SequenceLeaf, path: Path) -> Iterable[Fault]:
    if not 2 <= len(leaf.sequence) <= MOST_STEPS:
        yield Fault((*path, "sequence"), f"a sequence has 2 to {MOST_STEPS} steps")
    for index, step in enumerate(leaf.sequence):
        place = (*path, "sequence", index)
        if step.is_absent and index != len(leaf.sequence) - 1:
            yield Fault(place, "only the last step may be one that does not follow")
        if step.is_absent and step.within is None:
            yield Fault(place, "say with `within` how long it must not follow")
        if index == 0 and step.within is not None:
            yield Fault((*place, "within"), "the first step follows nothing; leave `within` out")


def _comparison(test: Comparison, kind: ValueType, path: Path) -> Iterable[Fault]:
    if is_sound(test, kind):
        return
    place = (*path, str(test.operator))
    if test.operator is Operator.MATCHES_RE and kind is ValueType.STRING:
        yield Fault(place, _REFUSED if has_re2() else _NO_RE2)
        return
    operands = test.operand if isinstance(test.operand, tuple) else (test.operand,)
    wrong = [operand for operand in operands if not fits(operand, kind)]
    if test.operator in LIKE_THE_VALUE and kind in _SCALARS:
        yield Fault(place, f"expected a {kind}, got {described(wrong[0])}")
    else:
        yield Fault(place, f"a {kind} cannot be compared with {test.operator}")


_SCALARS: Final = (ValueType.STRING, ValueType.NUMBER, ValueType.BOOLEAN)
_REFUSED: Final = "this is not a regular expression that RE2 takes"
_NO_RE2: Final = "regular expressions need the `re2` extra; install it, or use `matches`"
