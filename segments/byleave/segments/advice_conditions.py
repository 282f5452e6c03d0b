"""Advice on conditions: what never comes true, always is, or looks further than is remembered."""

from collections.abc import Iterator
from dataclasses import fields
from itertools import combinations

from byleave.segments.behaviour import AgeLeaf, AggregateLeaf, EventLeaf, SequenceLeaf
from byleave.segments.comparisons import Operator
from byleave.segments.conditions import (
    AllOf,
    AnyOf,
    AttributeLeaf,
    Condition,
    Group,
    Leaf,
    NoneOf,
)
from byleave.segments.reach import children, events_of, leaves
from byleave.segments.reading import Fault, Path
from byleave.segments.streams import narrower
from byleave.segments.values import Duration
from byleave.segments.vocabulary import Vocabulary
from byleave.segments.ways import Ways
from byleave.segments.wording import phrase


def impossible(
    key: str, condition: Condition, ways: Ways, vocabulary: Vocabulary
) -> Iterator[Fault]:
    """Yield what can never come true: the whole, or one of its sequences."""
    path: Path = ("segments", key, "when")
    broken = False
    for place, leaf in leaves(condition, path):
        if isinstance(leaf, SequenceLeaf) and not ways.can_complete(leaf):
            broken = True
            yield Fault(place, _incomplete(leaf, ways, vocabulary))
    if not broken and not ways.of(condition):
        yield Fault(path, f"nobody can ever be in {key!r}: {_clash(condition, ways)}")


def pointless(
    key: str, condition: Condition, ways: Ways, vocabulary: Vocabulary
) -> Iterator[Fault]:
    """Yield what can never be false, branches that add nothing, and windows that are cut short."""
    path: Path = ("segments", key, "when")
    for place, leaf in leaves(condition, path):
        yield from _windows(leaf, vocabulary, place)
        yield from _unmatched(leaf, ways, place)
    if not ways.of(condition):
        return
    if not ways.of(condition, False):
        yield Fault(
            path,
            f"{key!r} is never false: whoever may be asked is in it. Ask for something that not "
            "everyone meets, or leave the segment out.",
        )
    yield from _branches(condition, (), ways, path)


def _incomplete(leaf: SequenceLeaf, ways: Ways, vocabulary: Vocabulary) -> str:
    last = leaf.sequence[-1]
    followed = leaf.sequence[:-1] if last.is_absent else leaf.sequence
    if all(ways.can_match(step.event, step.where) for step in followed):
        kept = Duration(_kept(leaf, vocabulary) or 0).in_words()
        return (
            f"this sequence can never be complete: its events are kept for {kept}, and by the "
            f"time that no {last.event} followed they are forgotten. Shorten `within`, or "
            "lengthen the ttl."
        )
    return "this sequence can never be complete: no event can match one of its steps"


def _clash(condition: Condition, ways: Ways) -> str:
    if isinstance(condition, AllOf):
        for one, other in combinations(condition.all, 2):
            if ways.of(one) and ways.of(other) and not ways.of(AllOf((one, other))):
                return f"{_said(one)} and {_said(other)} exclude each other; change one"
    return "its conditions exclude each other; change one of them"


def _said(condition: Condition) -> str:
    if isinstance(condition, Group):
        return f"the `{_word(condition)}` group"
    return f"`{phrase(condition)}`"


def _word(group: Group) -> str:
    """Return the word that begins a group."""
    return fields(group)[0].name


def _branches(
    condition: Condition, around: tuple[Condition, ...], ways: Ways, path: Path
) -> Iterator[Fault]:
    """Yield the branches that nothing reaches, given what holds around a group."""
    if not isinstance(condition, Group):
        return
    inside = children(condition)
    for index, branch in enumerate(inside):
        place = (*path, _word(condition), index)
        here: tuple[Condition, ...] = ()
        match condition:
            case AllOf():
                here = (*around, *inside[:index], *inside[index + 1 :])
            case AnyOf():
                here = around
        if not isinstance(condition, AllOf):
            if not ways.of(AllOf((*here, branch))):
                yield Fault(place, _unreachable(condition, branch, ways))
                continue
            if any(_is_covered(branch, other, ways) for other in inside[:index]):
                yield Fault(place, "a condition before this one covers it already; leave it out")
        yield from _branches(branch, here, ways, place)


def _unreachable(condition: Condition, branch: Condition, ways: Ways) -> str:
    if ways.of(branch):
        return "what is asked beside this group excludes this branch; leave it out"
    if isinstance(condition, NoneOf):
        return "this can never be true, so that it excludes nobody; change it or leave it out"
    return "this branch can never be true; change it or leave it out"


def _is_covered(branch: Condition, other: Condition, ways: Ways) -> bool:
    """Return whether one condition is true whenever another is.

    Only for the same condition, and for comparisons of one attribute that is there: of others
    one may be undetermined while the other is true.
    """
    if branch == other:
        return True
    return (
        isinstance(branch, AttributeLeaf)
        and isinstance(other, AttributeLeaf)
        and branch.attribute == other.attribute
        and branch.test.operator is not Operator.EXISTS
        and not ways.of(AllOf((branch, NoneOf((other,)))))
    )


def _kept(leaf: Leaf, vocabulary: Vocabulary) -> int | None:
    """Return how long the events of a leaf are kept."""
    return narrower(*(vocabulary.events[event].ttl for event, _ in events_of(leaf)))


def _windows(leaf: Leaf, vocabulary: Vocabulary, path: Path) -> Iterator[Fault]:
    windows: list[tuple[Path, Duration | None]] = []
    match leaf:
        case EventLeaf() | AggregateLeaf():
            windows = [(("within",), leaf.within)]
        case AgeLeaf():
            windows = [
                ((leaf.which, "at_least"), leaf.age.at_least),
                ((leaf.which, "at_most"), leaf.age.at_most),
            ]
        case SequenceLeaf():
            windows = [
                (("sequence", place, "within"), step.within)
                for place, step in enumerate(leaf.sequence)
            ]
            windows.append((("within",), leaf.within))
        case _:
            return
    kept_ms = _kept(leaf, vocabulary)
    for place, window in windows:
        if kept_ms is not None and window is not None and window > kept_ms:
            yield Fault(
                (*path, *place),
                f"this looks back {window.in_words()}, but {_names(leaf)} is kept for "
                f"{Duration(kept_ms).in_words()}; shorten it, or lengthen the ttl",
            )


def _names(leaf: Leaf) -> str:
    return " or ".join(dict.fromkeys(event for event, _ in events_of(leaf)))


def _unmatched(leaf: Leaf, ways: Ways, path: Path) -> Iterator[Fault]:
    """An event that lacks a property, for example, matches no comparison with it."""
    if isinstance(leaf, SequenceLeaf):
        return
    for event, where in events_of(leaf):
        if not ways.can_match(event, where):
            yield Fault((*path, "where"), f"no {event} can match this; change it")
