"""Whether claims about one thing can hold together: some value, number or moment meets them all.

Nothing is guessed. Where a claim divides its values at known points, one value from each part is
tried with the comparison itself; where it does not (a pattern, hours of the day), the answer is
that they may hold together.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise, permutations
from math import ceil, floor
from typing import Any, Final

from byleave.segments.comparing import LIKE_THE_VALUE, compare, folded
from byleave.segments.comparisons import Comparison, Count, Operator
from byleave.segments.times import EARLIEST_MS, LATEST_MS, moment_ms
from byleave.segments.truth import verdict_of
from byleave.segments.vocabulary import ValueType

#: A comparison, and whether it must be true or false.
Claim = tuple[Comparison, bool]

_TEXT: Final = ValueType.STRING
_PARTS: Final = (Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.CONTAINS)
_FROM_NOW: Final = (Operator.WITHIN_LAST, Operator.WITHIN_NEXT)
_EITHER: Final = (False, True)


def meets(value: object, claims: Iterable[Claim], kind: ValueType, *, now_ms: int = 0) -> bool:
    """Return whether a value meets every claim."""
    return all(
        compare(test, value, kind, now_ms=now_ms) is verdict_of(wanted) for test, wanted in claims
    )


def may_meet(
    claims: Collection[Claim], kind: ValueType, *, allowed: Collection[object] = ()
) -> bool:
    """Return whether some value of a type may meet every claim; False is proved.

    Args:
        claims: Comparisons other than `exists`.
        kind: The type of the value.
        allowed: The only values, or the only items of a list; any, when empty.
    """
    match kind:
        case ValueType.LIST:
            return _some_list(claims, frozenset(map(str, allowed)))
        case ValueType.TIME:
            return some_moment(claims)
        case _ if allowed:
            return any(meets(value, claims, kind) for value in allowed)
        case ValueType.BOOLEAN:
            return any(meets(value, claims, kind) for value in _EITHER)
        case ValueType.STRING:
            return _some_text(claims)
        case _:
            return any(meets(value, claims, kind) for value in _numbers(claims))


def least_count(claims: Iterable[tuple[Count, bool]], least: int) -> int | None:
    """Return the least number, from `least` on, that meets every claim; None where none does."""
    claims = list(claims)
    starts = {least}
    for count, _ in claims:
        starts |= {count.lowest, (count.highest or 0) + 1}
    met = (
        number
        for number in starts
        if number >= least and all(count.holds(number) is wanted for count, wanted in claims)
    )
    return min(met, default=None)


def some_moment(claims: Iterable[Claim], *, is_now: bool = False) -> bool:
    """Return whether some moment may meet every claim, at some time, or the present moment."""
    claims = [claim for claim in claims if claim[0].operator is not Operator.DURING]
    moments, ages = {0, EARLIEST_MS, LATEST_MS}, {0}
    for test, _ in claims:
        operand: Any = test.operand
        if test.operator in _FROM_NOW:
            ages |= set() if is_now else {operand, operand + 1, -operand, -operand - 1, 1, -1}
        else:
            limit_ms = moment_ms(operand) or 0
            moments |= {limit_ms - 1, limit_ms, limit_ms + 1}
    return any(
        meets(moment, claims, ValueType.TIME, now_ms=moment + age)
        for moment in moments
        for age in ages
    )


def _operands(test: Comparison) -> tuple[Any, ...]:
    return test.operand if isinstance(test.operand, tuple) else (test.operand,)


def _numbers(claims: Iterable[Claim]) -> Iterable[float]:
    """Return the numbers that comparisons name, and one from every gap that has any."""
    points = sorted({number for test, _ in claims for number in _operands(test)}) or [0]
    yield from (floor(points[0]) - 1, *points, ceil(points[-1]) + 1)
    for lower, upper in pairwise(points):
        middle = (Fraction(lower) + Fraction(upper)) / 2
        yield from (floor(middle), ceil(middle))
        with suppress(OverflowError):
            yield float(middle)


def _some_text(claims: Collection[Claim]) -> bool:
    for ignore_case in _EITHER:
        # Without its case a text is known to no comparison that looks at the case.
        asked = [
            (test, wanted)
            for test, wanted in claims
            if not ignore_case or (test.ignore_case and test.operator is not Operator.MATCHES_RE)
        ]
        for test, wanted in asked:
            is_named = test.ignore_case is ignore_case and _names_values(test, wanted)
            if is_named and not any(meets(text, asked, _TEXT) for text in _operands(test)):
                return False
    return not any(_exclude(one, other) for one, other in permutations(claims, 2))


def _names_values(test: Comparison, wanted: bool) -> bool:
    """Return whether a claim is met by the values that it names and by no others."""
    if test.operator not in LIKE_THE_VALUE:
        return False
    return wanted is (test.operator in (Operator.EQUALS, Operator.ONE_OF))


def _exclude(one: Claim, other: Claim) -> bool:
    """Return whether a part that a text must have keeps it from meeting another claim."""
    (test, is_part), (against, wanted) = one, other
    if not is_part or test.operator not in _PARTS or against.operator not in _PARTS:
        return False
    if test.ignore_case and not against.ignore_case:
        return False
    part, rest = str(test.operand), str(against.operand)
    if against.ignore_case:
        part, rest = folded(part), folded(rest)
    same = test.operator is against.operator
    if not wanted:
        match against.operator:
            case Operator.CONTAINS:
                return rest in part
            case Operator.STARTS_WITH:
                return same and part.startswith(rest)
            case _:
                return same and part.endswith(rest)
    short, long = sorted((part, rest), key=len)
    match against.operator:
        case Operator.STARTS_WITH:
            return same and not long.startswith(short)
        case Operator.ENDS_WITH:
            return same and not long.endswith(short)
        case _:
            return False


def _some_list(claims: Collection[Claim], allowed: frozenset[str]) -> bool:
    sets = [
        (test.operator, frozenset(map(str, _operands(test))), wanted)
        for test, wanted in claims
        if not test.ignore_case and test.operator is not Operator.SIZE
    ]
    needed = _union(items for kind, items, wanted in sets if wanted and kind is _ALL)
    barred = _union(items for kind, items, wanted in sets if not wanted and kind is _ANY)
    if needed & barred or (allowed and not needed <= allowed):
        return False
    chosen = [items for kind, items, wanted in sets if wanted and kind is _ANY]
    if any(not ((items & allowed if allowed else items) - barred) for items in chosen):
        return False
    if any(items <= needed for kind, items, wanted in sets if not wanted and kind is _ALL):
        return False
    sizes = [(test.operand, wanted) for test, wanted in claims if isinstance(test.operand, Count)]
    return least_count(sizes, max(len(needed), min(1, len(chosen)))) is not None


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)


_ANY: Final = Operator.CONTAINS_ANY
_ALL: Final = Operator.CONTAINS_ALL
