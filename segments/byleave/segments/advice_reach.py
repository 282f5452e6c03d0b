"""Advice on reach: which visitors an audience leaves out because of what it asks."""

from collections.abc import Callable, Iterator, Mapping

from byleave.segments.comparing import is_listed
from byleave.segments.comparisons import Operator
from byleave.segments.conditions import AttributeLeaf, JourneyLeaf, Leaf, NowLeaf
from byleave.segments.consent import Purpose
from byleave.segments.possible import meets
from byleave.segments.reach import events_of
from byleave.segments.reading import Fault
from byleave.segments.vocabulary import Attribute, Source, Vocabulary
from byleave.segments.ways import Settled, Ways


def costs(
    key: str, ways: Ways, vocabulary: Vocabulary, granted: Mapping[Purpose, float]
) -> Iterator[Fault]:
    """Yield who cannot be in a segment, whatever is true of them, and what keeps them out.

    Args:
        key: The segment.
        ways: How it can come to be true.
        vocabulary: The declarations.
        granted: The share of page views in [0, 1] on which a purpose was agreed to, where it
            was measured; what the rest costs is then said.
    """
    segment = vocabulary.segments[key]
    cost = ""
    if segment.use in granted:
        cost = f"; that was {1 - granted[segment.use]:.0%} of page views"
    place = ("segments", key)
    choice = f"has not agreed to {segment.use}"
    if explicit := _needed(key, ways, lambda settled: _is_sensitive(settled, vocabulary)):
        yield Fault(
            place,
            f"reaches nobody, in any region, who {choice}: it needs {explicit}, which is "
            f"sensitive{cost}",
        )
    elif stored := _needed(key, ways, lambda settled: _needs_consent(settled, vocabulary)):
        yield Fault(
            place,
            f"where consent is opt-in, reaches nobody who {choice}: it needs {stored}{cost}",
        )
    if known := _needed(key, ways, lambda settled: _needs_record(settled, vocabulary)):
        yield Fault(
            place,
            f"reaches nobody of whom the server has no record: it needs {known}. A default, or a "
            "way without it, would reach others too.",
        )


def _needed(key: str, ways: Ways, is_needed: Callable[[Settled], bool]) -> str:
    """Return the names of what is needed where every way needs some of it; otherwise nothing."""
    names: dict[str, None] = {}
    for way in ways.of_segment(key):
        needed = [leaf for leaf, wanted in way.values() if is_needed((leaf, wanted))]
        if not needed:
            return ""
        names |= dict.fromkeys(name for leaf in needed for name in _names(leaf))
    return " or ".join(names)


def _names(leaf: Leaf) -> tuple[str, ...]:
    match leaf:
        case AttributeLeaf(name):
            return (name,)
        case JourneyLeaf(name):
            return (f"journey {name}",)
        case _:
            return tuple(event for event, _ in events_of(leaf))


def _declared(leaf: Leaf, vocabulary: Vocabulary) -> Attribute | None:
    return vocabulary.attributes[leaf.attribute] if isinstance(leaf, AttributeLeaf) else None


def _is_sensitive(settled: Settled, vocabulary: Vocabulary) -> bool:
    declared = _declared(settled[0], vocabulary)
    return declared is not None and declared.sensitive


def _needs_consent(settled: Settled, vocabulary: Vocabulary) -> bool:
    declared = _declared(settled[0], vocabulary)
    if declared is None:
        return not isinstance(settled[0], NowLeaf)
    return declared.source is not Source.REQUEST


def _needs_record(settled: Settled, vocabulary: Vocabulary) -> bool:
    """Return whether a leaf can only come out so where the server has a value."""
    leaf, wanted = settled
    declared = _declared(leaf, vocabulary)
    if not isinstance(leaf, AttributeLeaf) or declared is None:
        return False
    if declared.source is not Source.SERVER:
        return False
    if leaf.test.operator is Operator.EXISTS:
        return leaf.test.operand is wanted
    default = declared.default
    return (
        default is None
        or not is_listed(default, declared)
        or not meets(default, [(leaf.test, wanted)], declared.type)
    )
