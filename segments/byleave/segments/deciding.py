"""Which leaves decided: a smallest set that settles a verdict and that could have turned it.

A deciding set does two things. Held as it is, it keeps the truth whatever every other leaf says,
which is a prime implicant of the condition. Turned around, it changes the truth, which is why an
`any` with two true leaves is decided by both. Leaves are taken to be independent of each other;
where one occurs twice, each place counts on its own.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal

from byleave.segments.truth import Truth, Verdict

GroupWord = Literal["all", "any", "none"]

_LEVEL: Final = {Truth.FALSE: 0, Truth.UNDETERMINED: 1, Truth.TRUE: 2}


@dataclass(frozen=True, slots=True)
class Tree:
    """A condition with its verdict, as far as deciding sets go.

    Attributes:
        verdict: What it came to.
        group: How it joins what is inside; None for a leaf.
        inside: The conditions inside a group.
        place: Which leaf it is.
    """

    verdict: Verdict
    group: GroupWord | None = None
    inside: Sequence["Tree"] = ()
    place: int = 0

    @property
    def level(self) -> int:
        """The truth as a number: false 0, undetermined 1, true 2."""
        return _LEVEL[self.verdict.truth]


Places = tuple[int, ...]


def deciding(tree: Tree) -> Places:
    """Return the places of a smallest deciding set; none where no leaf could change anything.

    For an undetermined verdict they hold it undetermined, and some answers to them would settle
    it.
    """
    if tree.group is None:
        return (tree.place,)
    level, is_any = _asked(tree)
    if level == 1:
        doubts = [child for child in tree.inside if child.verdict is tree.verdict]
        return _with_one(doubts, tree.inside, lambda each: _keeping(each, 1, is_least=not is_any))
    if is_any is (level == 2):
        settling = [child for child in tree.inside if child.level == level]
        can_turn = all(_turning(child) for child in settling)
        return _with_one(settling, settling, _turning) if can_turn else ()
    turning = [child for child in tree.inside if _turning(child)]
    return _with_one(turning, tree.inside, lambda each: _keeping(each, level, is_least=level == 2))


def _asked(tree: Tree) -> tuple[int, bool]:
    """Return the level of what is inside together, and whether one true condition is enough.

    `none` is the negation of `any`.
    """
    return 2 - tree.level if tree.group == "none" else tree.level, tree.group != "all"


def _with_one(
    chosen: Sequence[Tree], inside: Sequence[Tree], needed: Callable[[Tree], Places]
) -> Places:
    """Return the deciding set of one of the chosen with what the others need, the smallest."""
    if not chosen:
        return ()
    others = {id(each): needed(each) for each in inside}
    sets = {id(each): deciding(each) for each in chosen}
    one = min(sets, key=lambda each: len(sets[each]) - len(others[each]))
    return _together(sets[one] if each == one else needs for each, needs in others.items())


def _keeping(tree: Tree, bound: int, *, is_least: bool) -> Places:
    """Return the fewest places that keep a level at least, or at most, at a bound it meets."""
    if tree.group is None:
        return (tree.place,)
    if tree.group == "none":
        bound, is_least = 2 - bound, not is_least
    meeting = [
        each for each in tree.inside if (each.level >= bound if is_least else each.level <= bound)
    ]
    kept = [_keeping(each, bound, is_least=is_least) for each in meeting]
    if is_least is (tree.group == "all"):
        return _together(kept)
    return min(kept, key=len)


def _turning(tree: Tree) -> Places:
    """Return the fewest places that, turned around, end a truth that is true or false.

    None where nothing can: a group without conditions is what it is.
    """
    if tree.group is None:
        return (tree.place,)
    level, is_any = _asked(tree)
    turned = [_turning(each) for each in tree.inside if each.level == level]
    if is_any is (level == 2):
        return _together(turned) if all(turned) else ()
    return min(filter(None, turned), key=len, default=())


def _together(sets: Iterable[Places]) -> Places:
    return tuple(chain.from_iterable(sets))
