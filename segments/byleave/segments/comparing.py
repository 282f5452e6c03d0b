"""Comparing one value with an operand, strictly: types are never bent to fit."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from byleave.segments.conditions import Comparison, Operand, Operator
from byleave.segments.truth import Verdict, verdict_of
from byleave.segments.vocabulary import ValueType


def type_of(value: object) -> ValueType | None:
    """Return the declared type that a value has, or None where it has none.

    A boolean is not a number, and what is neither finite nor ordered (NaN, infinity) is not
    one either.
    """
    match value:
        case bool():
            return ValueType.BOOLEAN
        case str():
            return ValueType.STRING
        case int():
            return ValueType.NUMBER
        case float() if value - value == 0:
            return ValueType.NUMBER
        case _:
            return None


def operand_types(operand: Operand) -> set[ValueType | None]:
    """Return the types of an operand's values."""
    return {type_of(item) for item in (operand if isinstance(operand, tuple) else (operand,))}


def compare(test: Comparison, value: object, expected: ValueType) -> Verdict:
    """Return the verdict on a value that is there and may be read.

    Args:
        test: The comparison; `exists` is not one that looks at the value.
        value: What to compare.
        expected: The declared type; a value or operand of another type is invalid.
    """
    if test.operator is Operator.EXISTS:
        return verdict_of(bool(test.operand))
    wanted, holds = _TESTS[test.operator]
    if wanted not in (None, expected):
        return Verdict.INVALID
    if type_of(value) is not expected or operand_types(test.operand) != {expected}:
        return Verdict.INVALID
    return verdict_of(holds(value, test.operand))


#: The type that a comparison is about, where it is not about any, and how it is made.
_TESTS: Final[Mapping[Operator, tuple[ValueType | None, Callable[[Any, Any], bool]]]] = {
    Operator.EQUALS: (None, operator.eq),
    Operator.NOT_EQUALS: (None, operator.ne),
    Operator.ONE_OF: (None, lambda value, operand: value in operand),
    Operator.NOT_ONE_OF: (None, lambda value, operand: value not in operand),
    Operator.LESS_THAN: (ValueType.NUMBER, operator.lt),
    Operator.AT_MOST: (ValueType.NUMBER, operator.le),
    Operator.GREATER_THAN: (ValueType.NUMBER, operator.gt),
    Operator.AT_LEAST: (ValueType.NUMBER, operator.ge),
    Operator.CONTAINS: (ValueType.STRING, operator.contains),
    Operator.STARTS_WITH: (ValueType.STRING, str.startswith),
    Operator.ENDS_WITH: (ValueType.STRING, str.endswith),
}
