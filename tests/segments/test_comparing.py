import math

import pytest

from byleave.segments import (
    Attribute,
    Comparison,
    Count,
    Duration,
    Operator,
    Source,
    ValueType,
    Verdict,
)
from byleave.segments.comparing import compare, fits, is_listed, operators_for
from byleave.segments.comparisons import Operand
from byleave.segments.times import Hours

TEXT, NUMBER, BOOLEAN = ValueType.STRING, ValueType.NUMBER, ValueType.BOOLEAN
LIST, TIME = ValueType.LIST, ValueType.TIME
MONDAY_NOON_MS = 1_700_481_600_000
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
        ("less_than", 5, 4.5, NUMBER, T),
        ("greater_than", 5, 5.5, NUMBER, T),
        ("between", (1, 3), 1, NUMBER, T),
        ("between", (1, 3), 3, NUMBER, T),
        ("between", (1, 3), 3.1, NUMBER, F),
        ("between", (1, 3), "2", TEXT, INVALID),
        ("matches", "/plans/*", "/plans/team", TEXT, T),
        ("matches", "/plans/*", "/PLANS/team", TEXT, F),
        ("contains_any", ("a", "b"), ["b", "c"], LIST, T),
        ("contains_any", ("a", "b"), ("c",), LIST, F),
        ("contains_any", ("a", "b"), [], LIST, F),
        ("contains_any", ("a", "b"), "ab", LIST, INVALID),
        ("contains_any", ("a", "b"), ["a", 1], LIST, INVALID),
        ("contains_any", ("a", "b"), "a", TEXT, INVALID),
        ("contains_all", ("a", "b"), ["b", "c", "a"], LIST, T),
        ("contains_all", ("a", "b"), ["b", "c"], LIST, F),
        ("size", Count(at_least=2), ["a", "b"], LIST, T),
        ("size", Count(exactly=0), [], LIST, T),
        ("size", Count(at_most=1), ["a", "a"], LIST, F),
        ("equals", "a", ["a"], LIST, INVALID),
        ("before", "2023-11-20", MONDAY_NOON_MS, TIME, F),
        ("before", "2023-11-21", MONDAY_NOON_MS, TIME, T),
        ("before", "2023-11-20T12:00Z", MONDAY_NOON_MS, TIME, F),
        ("before", "2023-11-20T12:00Z", MONDAY_NOON_MS - 1, TIME, T),
        ("after", "2023-11-20", "2023-11-20T00:00:00.001Z", TIME, T),
        ("after", "2023-11-20", "2023-11-20T01:00:00+01:00", TIME, F),
        ("after", "2023-11-20", "soon", TIME, INVALID),
        ("after", "2023-11-20", "2024-01-01", TEXT, INVALID),
        ("within_last", Duration(1000), MONDAY_NOON_MS, TIME, T),
        ("within_last", Duration(1000), MONDAY_NOON_MS - 1000, TIME, T),
        ("within_last", Duration(1000), MONDAY_NOON_MS - 1001, TIME, F),
        ("within_last", Duration(1000), MONDAY_NOON_MS + 1, TIME, F),
        ("within_next", Duration(1000), MONDAY_NOON_MS + 1000, TIME, T),
        ("within_next", Duration(1000), MONDAY_NOON_MS - 1, TIME, F),
        ("during", Hours(days=(0,)), MONDAY_NOON_MS, TIME, T),
        ("during", Hours(days=(0,)), True, TIME, INVALID),
        ("exists", True, object(), TEXT, T),
        ("exists", False, "x", TEXT, F),
    ],
)
def test_comparisons_are_strict_about_types(
    operator: str,
    operand: Operand,
    value: object,
    expected: ValueType,
    verdict: Verdict,
) -> None:
    test = Comparison(Operator(operator), operand)

    assert compare(test, value, expected, now_ms=MONDAY_NOON_MS) is verdict


@pytest.mark.parametrize(
    ("operator", "operand", "value", "expected"),
    [
        ("equals", "Berlin", "BERLIN", TEXT),
        ("not_equals", "Berlin", "Paris", TEXT),
        ("one_of", ("STRASSE",), "straße", TEXT),
        ("not_one_of", ("A", "B"), "c", TEXT),
        ("contains", "PRIC", "/pricing", TEXT),
        ("starts_with", "/PRIC", "/pricing", TEXT),
        ("ends_with", "ING", "/pricing", TEXT),
        ("matches", "/PRI*", "/pricing", TEXT),
        ("contains_any", ("A",), ["a"], LIST),
        ("contains_all", ("A", "b"), ["B", "a"], LIST),
    ],
)
def test_case_is_ignored_where_it_is_asked_for(
    operator: str, operand: Operand, value: object, expected: ValueType
) -> None:
    exact = Comparison(Operator(operator), operand)
    folded = Comparison(Operator(operator), operand, ignore_case=True)

    assert compare(folded, value, expected) is T
    assert operator.startswith("not") or compare(exact, value, expected) is F


@pytest.mark.parametrize(
    ("operand", "ignore_case", "verdict"),
    [("RIC", True, T), ("RIC", False, F), ("^/pri.*g$", False, T), ("(?=x)", False, INVALID)],
)
def test_a_regular_expression_is_searched(
    operand: str, ignore_case: bool, verdict: Verdict
) -> None:
    test = Comparison(Operator.MATCHES_RE, operand, ignore_case=ignore_case)

    assert compare(test, "/pricing", TEXT) is verdict


@pytest.mark.parametrize("value", [None, {}, b"x", 1j, math.nan, -math.inf])
def test_what_is_neither_text_nor_number_nor_anything_declared_has_no_type(value: object) -> None:
    assert not any(fits(value, kind) for kind in ValueType)


@pytest.mark.parametrize(
    ("kind", "operators"),
    [
        (BOOLEAN, "equals not_equals one_of not_one_of exists"),
        (LIST, "contains_any contains_all size exists"),
        (TIME, "before after within_last within_next during exists"),
    ],
)
def test_operators_are_told_by_type(kind: ValueType, operators: str) -> None:
    assert " ".join(operators_for(kind)) == operators


@pytest.mark.parametrize(
    ("value", "is_allowed"),
    [
        ("tea", True),
        ("rum", False),
        (["tea", "milk"], True),
        (("tea",), True),
        (["tea", "rum"], False),
        ([], True),
    ],
)
def test_a_list_is_allowed_where_each_of_its_texts_is(value: object, is_allowed: bool) -> None:
    few = Attribute(type=LIST, source=Source.SITE, one_of=("tea", "milk"))
    any_at_all = Attribute(type=LIST, source=Source.SITE)

    assert is_listed(value, few) is is_allowed
    assert is_listed(value, any_at_all)
