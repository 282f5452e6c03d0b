import pytest

from byleave.segments import Comparison, Count, DefinitionError, Duration, plain, read
from byleave.segments.times import Hours


@pytest.mark.parametrize(
    ("written", "operand"),
    [
        ({"equals": "de"}, "de"),
        ({"not_equals": True}, True),
        ({"one_of": ["de", "at"]}, ("de", "at")),
        ({"at_least": 2.5}, 2.5),
        ({"between": [1, 2]}, (1, 2)),
        ({"matches": "/plans/*"}, "/plans/*"),
        ({"contains_any": ["a"]}, ("a",)),
        ({"size": {"at_least": 2}}, Count(at_least=2)),
        ({"before": "2026-03-01"}, "2026-03-01"),
        ({"within_last": "30d"}, Duration.parse("30d")),
        (
            {"during": {"from": "09:00", "to": "17:00", "timezone": "UTC"}},
            Hours(start=540, end=1020),
        ),
        ({"exists": False}, False),
        ({"starts_with": "/P", "ignore_case": True}, "/P"),
    ],
)
def test_a_comparison_is_written_as_it_is_read(written: dict[str, object], operand: object) -> None:
    comparison = read(Comparison, written)

    assert comparison.operand == operand
    assert plain(comparison) == written


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        (5, "expected one comparison such as equals or one_of, got 5"),
        ({}, "expected exactly one comparison such as equals, got none"),
        ({"equals": 1, "exists": True}, "expected exactly one .* got equals, exists"),
        ({"equal": 1}, r"\$.equal: unknown comparison 'equal'. Did you mean 'equals'\?"),
        ({"equals": None}, "expected a value, got nothing"),
        ({"equals": [1]}, "expected a value, got a list"),
        ({"equals": "x" * 1001}, "expected a value"),
        ({"one_of": []}, "expected a list of values"),
        ({"one_of": "de"}, "expected a list of values, got 'de'"),
        ({"one_of": [1] * 1001}, "expected a list of values"),
        ({"at_least": True}, "expected a number, got true"),
        ({"at_least": "8"}, "expected a number, got '8'"),
        ({"at_least": None}, "expected a number, got nothing"),
        ({"at_least": float("nan")}, "expected a number"),
        ({"between": [2, 1]}, "expected two numbers, the lesser first"),
        ({"between": [1]}, "expected two numbers"),
        ({"contains": ""}, "expected text, got ''"),
        ({"matches": "*" * 257}, "expected a pattern of 1 to 256 characters"),
        ({"matches_re": ""}, "expected a pattern of 1 to 256 characters"),
        ({"contains_all": [1]}, "expected a list of texts"),
        ({"size": 2}, r"\$.size: expected a mapping"),
        ({"before": "soon"}, "expected a date such as 2026-03-01"),
        ({"after": 5}, "expected a date such as 2026-03-01"),
        ({"within_next": "soon"}, "expected a duration"),
        ({"exists": "yes"}, "expected true or false"),
        ({"at_least": 5, "ignore_case": True}, "at_least with this operand has no case to ignore"),
        ({"equals": 5, "ignore_case": True}, "equals with this operand has no case to ignore"),
        ({"equals": "a", "ignore_case": 1}, "expected true or false, got 1"),
    ],
)
def test_what_is_no_comparison_is_refused(written: object, fault: str) -> None:
    with pytest.raises(DefinitionError, match=fault):
        read(Comparison, written)


@pytest.mark.parametrize(
    "written",
    [
        {"equals": "x" * 1000},
        {"contains": "x" * 1000},
        {"one_of": ["x"] * 1000},
        {"matches": "*" * 256},
        {"between": [1, 1]},
    ],
)
def test_what_is_as_long_as_may_be_is_taken(written: dict[str, object]) -> None:
    assert plain(read(Comparison, written)) == written


@pytest.mark.parametrize(
    ("count", "holding"),
    [
        (Count(), [0, 1, 2, 3, 4]),
        (Count(at_least=3), [3, 4]),
        (Count(at_most=1), [0, 1]),
        (Count(exactly=2), [2]),
        (Count(at_least=1, at_most=3), [1, 2, 3]),
        (Count(at_most=3, exactly=2), [2]),
        (Count(at_least=3, exactly=2), []),
    ],
)
def test_a_count_holds_within_its_bounds(count: Count, holding: list[int]) -> None:
    assert [number for number in range(5) if count.holds(number)] == holding
