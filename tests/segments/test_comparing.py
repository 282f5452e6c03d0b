import math

import pytest

from byleave.segments import Comparison, Operator, ValueType, Verdict
from byleave.segments.comparing import compare, type_of

TEXT, NUMBER, BOOLEAN = ValueType.STRING, ValueType.NUMBER, ValueType.BOOLEAN
T, F, INVALID = Verdict.TRUE, Verdict.FALSE, Verdict.INVALID


@pytest.mark.parametrize(
    ("operator", "operand", "value", "expected", "verdict"),
    [
        ("equals", "de", "de", TEXT, T),
        ("equals", "de", "DE", TEXT, F),
        ("equals", 8, 8.0, NUMBER, T),
        ("equals", True, True, BOOLEAN, T),
        ("equals", 1, True, BOOLEAN, INVALID),
        ("equals", 1, True, NUMBER, INVALID),
        ("equals", True, 1, BOOLEAN, INVALID),
        ("equals", "8", 8, NUMBER, INVALID),
        ("equals", 8, "8", NUMBER, INVALID),
        ("not_equals", "de", "fr", TEXT, T),
        ("not_equals", "de", 4, TEXT, INVALID),
        ("one_of", ("de", "at"), "at", TEXT, T),
        ("one_of", ("de", "at"), "ch", TEXT, F),
        ("one_of", ("de", 1), "de", TEXT, INVALID),
        ("not_one_of", ("de", "at"), "ch", TEXT, T),
        ("not_one_of", (1, 2), True, NUMBER, INVALID),
        ("less_than", 5, 5, NUMBER, F),
        ("at_most", 5, 5, NUMBER, T),
        ("greater_than", 5, 5, NUMBER, F),
        ("at_least", 5, 5, NUMBER, T),
        ("at_least", 5, math.nan, NUMBER, INVALID),
        ("at_least", 5, math.inf, NUMBER, INVALID),
        ("at_least", 5, "6", TEXT, INVALID),
        ("at_least", 5, True, BOOLEAN, INVALID),
        ("contains", "ric", "/pricing", TEXT, T),
        ("starts_with", "/pri", "/pricing", TEXT, T),
        ("ends_with", "/pri", "/pricing", TEXT, F),
        ("contains", "1", 1, NUMBER, INVALID),
        ("exists", True, object(), TEXT, T),
        ("exists", False, "x", TEXT, F),
    ],
)
def test_comparisons_are_strict_about_types(
    operator: str,
    operand: str | int | bool | tuple[str | int, ...],
    value: object,
    expected: ValueType,
    verdict: Verdict,
) -> None:
    test = Comparison(Operator(operator), operand)

    assert compare(test, value, expected) is verdict


@pytest.mark.parametrize("value", [None, [], {}, b"x", 1j, math.nan, -math.inf])
def test_what_is_neither_text_number_nor_boolean_has_no_type(value: object) -> None:
    assert type_of(value) is None
