"""Claims that exclude each other, and claims beside them that do not."""

from collections.abc import Callable
from typing import Any

import pytest

from byleave.segments import AllOf, Attribute, Condition, Source, ValueType, Vocabulary
from byleave.segments.ways import Ways

BIG = 2**53
HUGE = 10**400
OPEN = {"from": "09:00", "to": "17:00"}


def claims(name: str, *tests: dict[str, Any]) -> list[dict[str, Any]]:
    """Comparisons of one attribute; one under `none` must be false."""
    return [
        {"none": [{"attribute": name, **test["none"]}]}
        if "none" in test
        else {"attribute": name, **test}
        for test in tests
    ]


def events(*tests: dict[str, Any], event: str = "page_view") -> list[dict[str, Any]]:
    return [
        {"none": [{"event": event, **test["none"]}]} if "none" in test else {"event": event, **test}
        for test in tests
    ]


def times(**count: int) -> dict[str, Any]:
    return {"count": count}


IMPOSSIBLE = [
    claims("age", {"at_least": 5}, {"less_than": 5}),
    claims("age", {"greater_than": 5}, {"none": {"not_equals": 5}}),
    claims("age", {"greater_than": 1.0}, {"less_than": 1.0000000000000002}),
    claims("age", {"greater_than": BIG}, {"less_than": BIG + 1}),
    claims("age", {"one_of": [1, 2]}, {"not_one_of": [1, 2, 3]}),
    claims("age", {"exists": False}, {"at_least": 1}),
    claims("age", {"exists": False}, {"exists": True}),
    claims("is_customer", {"not_equals": True}, {"not_equals": False}),
    claims("is_customer", {"exists": False}, {"equals": True}),
    claims("plan", {"not_equals": "free"}, {"not_equals": "team"}),
    claims("plan", {"equals": "other"}),
    claims("industry", {"equals": "a"}, {"equals": "b"}),
    claims("industry", {"equals": "ab"}, {"none": {"starts_with": "a"}}),
    claims("industry", {"none": {"not_one_of": ["a", "b"]}}, {"ends_with": "c"}),
    claims("industry", {"starts_with": "ab"}, {"starts_with": "b"}),
    claims("industry", {"ends_with": "ab"}, {"ends_with": "ba"}),
    claims("industry", {"starts_with": "abc"}, {"none": {"starts_with": "ab"}}),
    claims("industry", {"ends_with": "abc"}, {"none": {"ends_with": "bc"}}),
    claims("industry", {"ends_with": "abc"}, {"none": {"contains": "b"}}),
    claims("industry", {"contains": "AB"}, {"none": {"contains": "b", "ignore_case": True}}),
    claims(
        "industry",
        {"equals": "Straße", "ignore_case": True},
        {"none": {"equals": "STRASSE", "ignore_case": True}},
    ),
    claims("industry", {"matches": "a*"}, {"none": {"matches": "a*"}}),
    claims("interests", {"contains_all": ["a", "b"]}, {"none": {"contains_any": ["b"]}}),
    claims("interests", {"contains_all": ["a", "b"]}, {"none": {"contains_all": ["a"]}}),
    claims("interests", {"contains_all": ["a", "b"]}, {"size": {"at_most": 1}}),
    claims("interests", {"contains_any": ["a", "b"]}, {"none": {"contains_any": ["b", "a"]}}),
    claims("interests", {"contains_any": ["a"]}, {"size": {"exactly": 0}}),
    claims("interests", {"none": {"size": {"at_least": 2}}}, {"size": {"exactly": 2}}),
    claims("renews", {"before": "2026-01-01"}, {"after": "2025-12-31"})
    + claims("renews", {"none": {"before": "2026-01-01"}}),
    claims("renews", {"within_last": "1d"}, {"none": {"within_last": "2d"}}),
    claims("renews", {"within_last": "1d"}, {"none": {"within_next": "1d"}})
    + claims("renews", {"within_next": "1d"}),
    [{"now": {"before": "2026-01-01"}}, {"now": {"after": "2026-01-01"}}],
    [{"none": [{"now": {"within_last": "1d"}}]}],
    [{"now": {"during": OPEN}}, {"none": [{"now": {"during": OPEN}}]}],
    events(times(at_least=3, at_most=2)),
    events(times(at_least=3) | {"within": "7d"}, times(at_most=2) | {"within": "8d"}),
    events(times(at_least=3) | {"within": "31d"}, times(at_most=2)),
    events({"none": times(at_least=1)}, {"none": times(at_most=5)}),
    events(times(exactly=0) | {"within": "2d"}, {"last": {"at_most": "1d"}}),
    events({"last": {"at_least": "2d"}}, {"within": "1d"}),
    events({"last": {"at_least": "2d"}}, {"within": "172799999ms"}),
    events({"last": {"at_least": "31d"}}),
    events({"first": {"at_least": "2d"}}, {"first": {"at_most": "1d"}}),
    events({"first": {"at_least": "31d"}}),
    events({"where": {"path": {"exists": False}}}),
    events({"where": {"path": {"exists": False}}, "first": {"at_least": "1d"}}),
    events(
        {"sum": {"amount": {"at_least": 3}}},
        {"sum": {"amount": {"less_than": 3}}},
        event="purchase",
    ),
    events({"distinct": {"sku": {"greater_than": 32}}}, event="purchase"),
    events({"distinct": {"sku": {"between": [1.2, 1.8]}}}, event="purchase"),
    events(
        {"where": {"gift": {"exists": False}}, "sum": {"amount": {"at_least": 1}}},
        event="purchase",
    ),
    events(
        {"where": {"gift": {"exists": False}}, "max": {"amount": {"at_most": 1}}},
        event="purchase",
    ),
    [{"journey": "buy", "at": "look"}, {"journey": "buy", "reached": "pay"}],
    [{"journey": "buy", "at": "look"}, {"none": [{"journey": "buy", "reached": "look"}]}],
]

POSSIBLE = [
    claims("age", {"at_least": 5}, {"at_most": 5}),
    claims("age", {"greater_than": 1}, {"less_than": 2}),
    claims("age", {"greater_than": BIG}, {"less_than": BIG + 2}),
    claims("age", {"greater_than": HUGE}, {"less_than": HUGE + 2}),
    claims("age", {"exists": False}, {"none": {"exists": True}}),
    claims("is_customer", {"exists": False}, {"equals": False}),
    claims("industry", {"not_equals": "a"}, {"not_equals": "b"}),
    claims("industry", {"equals": "A", "ignore_case": True}, {"not_equals": "A"}),
    claims("industry", {"equals": "A", "ignore_case": True}, {"matches_re": "^A"}),
    claims("industry", {"contains": "AB", "ignore_case": True}, {"none": {"contains": "AB"}}),
    claims("industry", {"starts_with": "ab"}, {"starts_with": "a"}, {"ends_with": "x"}),
    claims("industry", {"contains": "ab"}, {"contains": "x"}, {"none": {"starts_with": "a"}}),
    claims("industry", {"starts_with": "ab"}, {"none": {"ends_with": "ab"}}),
    claims("interests", {"contains_all": ["a"]}, {"none": {"contains_all": ["a", "b"]}}),
    claims("interests", {"contains_any": ["a", "b"]}, {"none": {"contains_any": ["b"]}}),
    claims("interests", {"contains_any": ["A"], "ignore_case": True}, {"size": {"exactly": 1}}),
    claims("renews", {"after": "2026-01-01"}, {"within_next": "1d"}, {"during": OPEN}),
    claims("renews", {"within_last": "2d"}, {"none": {"within_last": "1d"}}),
    events(times(at_most=2) | {"within": "7d"}, times(at_least=3) | {"within": "8d"}),
    events(
        times(at_least=1) | {"within": "7d"},
        {"none": times(exactly=3) | {"within": "7d"}},
        times(at_most=2) | {"within": "8d"},
    ),
    events({"last": {"at_least": "2d", "at_most": "3d"}}, times(at_least=5)),
    events({"last": {"at_least": "2d"}}, {"within": "2d"}),
    events({"none": {"last": {"at_most": "1d"}}}, {"within": "2d"}),
    events({"first": {"at_least": "2d"}}, {"none": {"first": {"at_least": "3d"}}}),
    events({"none": {"first": {"at_least": "3d"}}}),
    events({"first": {"at_least": "2d"}}, event="sign_up"),
    # The first one may have been observed for longer than their number.
    events({"first": {"at_least": "2d"}}, times(exactly=0)),
    events({"distinct": {"sku": {"equals": 1}}}, event="purchase"),
    events(
        {"sum": {"amount": {"greater_than": 1}}},
        {"sum": {"amount": {"less_than": 2}}},
        event="purchase",
    ),
    events(
        {"where": {"gift": {"exists": False}}, "sum": {"amount": {"at_most": 1}}},
        event="purchase",
    ),
    [{"journey": "buy", "at": "look"}, {"none": [{"journey": "buy", "reached": "pay"}]}],
    [{"none": [{"sequence": [{"event": "page_view"}, {"not": "purchase", "within": "31d"}]}]}],
]


@pytest.fixture
def ways(shop: Callable[..., Vocabulary]) -> Ways:
    journey = {"steps": [{"key": "look", "done": "looked"}, {"key": "pay", "done": "paid"}]}
    return Ways(
        shop(journeys={"buy": journey}, looked={"event": "page_view"}, paid={"event": "purchase"})
    )


@pytest.mark.parametrize("written", IMPOSSIBLE, ids=str)
def test_what_excludes_each_other_has_no_way(
    ways: Ways, condition: Callable[[object], Condition], written: list[object]
) -> None:
    assert ways.of(AllOf(tuple(map(condition, written)))) == []


@pytest.mark.parametrize("written", POSSIBLE, ids=str)
def test_what_may_hold_together_has_one(
    ways: Ways, condition: Callable[[object], Condition], written: list[object]
) -> None:
    assert len(ways.of(AllOf(tuple(map(condition, written))))) == 1


@pytest.mark.parametrize(
    ("test", "is_possible"),
    [
        ({"contains_all": ["tea", "rum"]}, False),
        ({"contains_any": ["rum"]}, False),
        ({"contains_any": ["rum", "tea"]}, True),
        ({"contains_all": ["tea", "milk"]}, True),
    ],
)
def test_a_list_holds_only_the_items_that_are_declared(
    condition: Callable[[object], Condition], test: dict[str, Any], is_possible: bool
) -> None:
    taste = Attribute(type=ValueType.LIST, source=Source.SITE, one_of=("tea", "milk"))
    ways = Ways(Vocabulary(attributes={"taste": taste}))

    found = ways.of(condition({"attribute": "taste", **test}))

    assert bool(found) is is_possible
