import json
from pathlib import Path
from typing import Any

import pytest

from byleave.segments.imported import growthbook_matches
from byleave.segments.patterns import LONGEST_PATTERN

DATA = Path(__file__).resolve().parent.parent / "data" / "growthbook" / "condition_cases.json"
CASES = json.loads(DATA.read_text(encoding="utf-8"))["evalCondition"]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_growthbook_cases(case: list[Any]) -> None:
    _, condition, attributes, expected, *groups = case

    found = growthbook_matches(condition, attributes, groups=groups[0] if groups else None)

    assert found is expected


@pytest.mark.parametrize(
    "condition",
    [
        {"$not": {"name": {"$regx": "a"}}},
        {"$or": [{}, {"name": {"$regx": "a"}}]},
        {"$not": {"name": {"$regex": "("}}},
        {"$not": {"name": {"$regex": 5}}},
        {"name": {"$notRegex": "a" * (LONGEST_PATTERN + 1)}},
        {"$not": {"name": {"$in": "a"}}},
        {"$not": {"$or": {}}},
        {"none": {"$nin": "a"}},
        {"name": {"$notInGroup": ["a"]}},
        {"$and": ["name"]},
        {"$nor": [{"name": "x"}], "tags": {"$elemMatch": 5}},
    ],
)
def test_a_condition_that_has_no_answer_is_false_under_not_too(condition: dict[str, Any]) -> None:
    assert growthbook_matches(condition, {"name": "a", "tags": ["x"], "none": []}) is False


@pytest.mark.parametrize(
    ("condition", "attributes", "expected"),
    [
        ({"n": 1}, {"n": True}, False),
        ({"n": 1}, {"n": 1.0}, True),
        ({"n": {"$in": [1.0, [2]]}}, {"n": 1}, True),
        ({"n": {"$in": [[2]]}}, {"n": [[2.0]]}, True),
        ({"n": {"$gt": 5}}, {"n": "x"}, False),
        ({"n": {"$not": {"$gt": 5}}}, {"n": "x"}, True),
        ({"n": {"$gt": 5}}, {"n": [8]}, False),
        ({"n": {"$lt": 5}}, {"n": ""}, True),
        ({"n": {"$gte": 5}}, {"n": " 5.0 "}, True),
        ({"n": {"$gt": 5}}, {"n": "1_0"}, False),
        ({"n": {"$vgte": "2"}}, {"n": 2}, True),
        ({"n": {"$vlt": "1"}}, {}, True),
        ({"n": {"$vlt": "1"}}, {"n": ["2"]}, True),
        ({"n": {"$ini": [2]}}, {"n": 2}, True),
        ({"n": {"$alli": ["A"]}}, {"n": "a"}, False),
        ({"n": {"$elemMatch": {"$eq": 1}}}, {}, False),
        ({"a.b": 1}, {"a.b": 1}, False),
        ({"n": {}}, {"n": {}}, True),
    ],
)
def test_types_are_bent_where_growthbook_bends_them(
    condition: dict[str, Any], attributes: dict[str, Any], expected: bool
) -> None:
    assert growthbook_matches(condition, attributes) is expected


def test_a_condition_without_end_is_false() -> None:
    condition: dict[str, Any] = {"name": "b"}
    for _ in range(2_001):
        condition = {"$not": condition}

    assert growthbook_matches(condition, {"name": "a"}) is False
