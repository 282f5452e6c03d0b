"""Comparing one value with an operand, strictly: types are never bent to fit."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from byleave.segments.comparisons import Comparison, Operator
from byleave.segments.patterns import glob, regular
from byleave.segments.times import moment_ms
from byleave.segments.truth import Verdict, verdict_of
from byleave.segments.vocabulary import Attribute, ValueType


def fits(value: object, kind: ValueType) -> bool:
    """Return whether a value has a declared type.

    A boolean is not a number, and what is neither finite nor ordered (NaN, infinity) is not
    one either.
    """
    match kind:
        case ValueType.STRING:
            return isinstance(value, str)
        case ValueType.BOOLEAN:
            return isinstance(value, bool)
        case ValueType.LIST:
            return isinstance(value, (list, tuple)) and all(isinstance(i, str) for i in value)
        case ValueType.TIME:
            return moment_ms(value) is not None
        case _:
            return (
                isinstance(value, (int, float))
                and not isinstance(value, bool)
                and value - value == 0
            )


def is_listed(value: object, declared: Attribute) -> bool:
    """Return whether an attribute may take a value, or each text of a list of them."""
    items = value if isinstance(value, (list, tuple)) else (value,)
    return not declared.one_of or all(item in declared.one_of for item in items)


def is_sound(test: Comparison, kind: ValueType) -> bool:
    """Return whether a comparison can be made with values of a type at all."""
    if test.operator is Operator.EXISTS:
        return True
    if kind not in _TESTS[test.operator]:
        return False
    if test.operator is Operator.MATCHES_RE:
        return regular(str(test.operand)) is not None
    if test.operator in LIKE_THE_VALUE:
        operands = test.operand if isinstance(test.operand, tuple) else (test.operand,)
        return all(fits(operand, kind) for operand in operands)
    return True


def operators_for(kind: ValueType) -> tuple[Operator, ...]:
    """Return the operators that compare values of a type, in the order of their declaration."""
    return tuple(each for each in Operator if each is Operator.EXISTS or kind in _TESTS[each])


def compare(test: Comparison, value: object, expected: ValueType, *, now_ms: int = 0) -> Verdict:
    """Return the verdict on a value that is there and may be read.

    Args:
        test: The comparison; `exists` is not one that looks at the value.
        value: What to compare.
        expected: The declared type; a value or operand of another type is invalid.
        now_ms: The time, for comparisons with it.
    """
    if test.operator is Operator.EXISTS:
        return verdict_of(bool(test.operand))
    if not is_sound(test, expected) or not fits(value, expected):
        return Verdict.INVALID
    given: Any = moment_ms(value) if expected is ValueType.TIME else value
    return verdict_of(tester(test, expected)(given, now_ms))


def tester(test: Comparison, kind: ValueType) -> Callable[[Any, int], bool]:
    """Return a function of a value and the time that makes a sound comparison.

    The value has the type already; a moment is in milliseconds.
    """
    holds, operand = _TESTS[test.operator][kind], prepared(test)
    if test.ignore_case and test.operator is not Operator.MATCHES_RE:
        return lambda value, now_ms: holds(folded(value), operand, now_ms)
    return lambda value, now_ms: holds(value, operand, now_ms)


def folded(value: Any) -> Any:
    """Return a text, or each text of a list, without its case."""
    return value.casefold() if isinstance(value, str) else tuple(item.casefold() for item in value)


def prepared(test: Comparison) -> Any:
    """Return a sound comparison's operand in the form that its test takes."""
    operand: Any = test.operand
    match test.operator:
        case Operator.MATCHES_RE:
            return regular(operand, ignore_case=test.ignore_case)
        case Operator.BEFORE | Operator.AFTER:
            return moment_ms(operand)
    if test.ignore_case:
        operand = folded(operand)
    match test.operator:
        case Operator.MATCHES:
            return glob(operand)
        case Operator.ONE_OF | Operator.NOT_ONE_OF | Operator.CONTAINS_ANY | Operator.CONTAINS_ALL:
            return frozenset(operand)
    return operand


#: Operators whose operand has the type of the value.
LIKE_THE_VALUE: Final = {
    Operator.EQUALS,
    Operator.NOT_EQUALS,
    Operator.ONE_OF,
    Operator.NOT_ONE_OF,
}

_Holds = Callable[[Any, Any, int], bool]


def _of(kinds: Iterable[ValueType], holds: _Holds) -> Mapping[ValueType, _Holds]:
    return dict.fromkeys(kinds, holds)


_SCALARS: Final = (ValueType.STRING, ValueType.NUMBER, ValueType.BOOLEAN)
_TEXT: Final = (ValueType.STRING,)
_NUMBER: Final = (ValueType.NUMBER,)
_LIST: Final = (ValueType.LIST,)
_TIME: Final = (ValueType.TIME,)

#: How each comparison is made, by the types that it can be made with.
_TESTS: Final[Mapping[Operator, Mapping[ValueType, _Holds]]] = {
    Operator.EQUALS: _of(_SCALARS, lambda value, operand, _: value == operand),
    Operator.NOT_EQUALS: _of(_SCALARS, lambda value, operand, _: value != operand),
    Operator.ONE_OF: _of(_SCALARS, lambda value, operand, _: value in operand),
    Operator.NOT_ONE_OF: _of(_SCALARS, lambda value, operand, _: value not in operand),
    Operator.LESS_THAN: _of(_NUMBER, lambda value, operand, _: value < operand),
    Operator.AT_MOST: _of(_NUMBER, lambda value, operand, _: value <= operand),
    Operator.GREATER_THAN: _of(_NUMBER, lambda value, operand, _: value > operand),
    Operator.AT_LEAST: _of(_NUMBER, lambda value, operand, _: value >= operand),
    Operator.BETWEEN: _of(_NUMBER, lambda value, ends, _: ends[0] <= value <= ends[1]),
    Operator.CONTAINS: _of(_TEXT, lambda text, part, _: part in text),
    Operator.STARTS_WITH: _of(_TEXT, lambda text, part, _: text.startswith(part)),
    Operator.ENDS_WITH: _of(_TEXT, lambda text, part, _: text.endswith(part)),
    Operator.MATCHES: _of(_TEXT, lambda text, match, _: match(text) is not None),
    Operator.MATCHES_RE: _of(_TEXT, lambda text, search, _: search(text) is not None),
    Operator.CONTAINS_ANY: _of(_LIST, lambda items, wanted, _: not wanted.isdisjoint(items)),
    Operator.CONTAINS_ALL: _of(_LIST, lambda items, wanted, _: wanted.issubset(items)),
    Operator.SIZE: _of(_LIST, lambda items, size, _: size.holds(len(items))),
    Operator.BEFORE: _of(_TIME, lambda moment, limit, _: moment < limit),
    Operator.AFTER: _of(_TIME, lambda moment, limit, _: moment > limit),
    Operator.WITHIN_LAST: _of(_TIME, lambda moment, time, now: now - time <= moment <= now),
    Operator.WITHIN_NEXT: _of(_TIME, lambda moment, time, now: now <= moment <= now + time),
    Operator.DURING: _of(_TIME, lambda moment, hours, _: hours.contain(moment)),
}
