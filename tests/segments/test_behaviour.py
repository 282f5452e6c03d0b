from collections.abc import Callable

import pytest

from byleave.segments import (
    Age,
    AgeLeaf,
    AggregateLeaf,
    AttributeLeaf,
    Comparison,
    Condition,
    Count,
    DefinitionError,
    Duration,
    EventLeaf,
    Operator,
    SequenceLeaf,
    Step,
    plain,
)

When = Callable[[object], Condition]
WEEK = Duration.parse("7d")
GIFT = {"gift": Comparison(Operator.EQUALS, True)}
OVER = Comparison(Operator.AT_LEAST, 100)


@pytest.mark.parametrize(
    ("written", "leaf"),
    [
        ({"attribute": "age", "at_least": 100}, AttributeLeaf("age", OVER)),
        ({"event": "purchase"}, EventLeaf("purchase")),
        (
            {"event": "purchase", "count": {"at_most": 2}, "within": "7d"},
            EventLeaf("purchase", count=Count(at_most=2), within=WEEK),
        ),
        (
            {"event": "purchase", "last": {"at_most": "7d"}},
            AgeLeaf("purchase", "last", Age(at_most=WEEK)),
        ),
        (
            {"event": "purchase", "where": {"gift": {"equals": True}}, "first": {"at_least": "7d"}},
            AgeLeaf("purchase", "first", Age(at_least=WEEK), GIFT),
        ),
        (
            {"event": "purchase", "sum": {"amount": {"at_least": 100}}},
            AggregateLeaf("purchase", "sum", "amount", OVER),
        ),
        (
            {
                "event": "purchase",
                "where": {"gift": {"equals": True}},
                "max": {"amount": {"at_least": 100}},
                "within": "7d",
            },
            AggregateLeaf("purchase", "max", "amount", OVER, GIFT, WEEK),
        ),
        (
            {"sequence": [{"event": "sign_up"}, {"not": "purchase", "within": "7d"}]},
            SequenceLeaf((Step("sign_up"), Step("purchase", within=WEEK, is_absent=True))),
        ),
        (
            {
                "sequence": [
                    {"event": "sign_up"},
                    {"event": "purchase", "where": {"gift": {"equals": True}}},
                ],
                "within": "7d",
            },
            SequenceLeaf((Step("sign_up"), Step("purchase", GIFT)), within=WEEK),
        ),
    ],
)
def test_a_leaf_is_written_as_it_is_read(
    condition: When, written: dict[str, object], leaf: Condition
) -> None:
    assert condition(written) == leaf
    assert plain(leaf) == written


def test_not_within_is_short_for_a_count_of_none(condition: When) -> None:
    short = condition({"event": "purchase", "where": {}, "not_within": "7d"})

    assert short == EventLeaf("purchase", count=Count(exactly=0), within=WEEK)


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ({"event": 5}, r"\$.when.event: expected text"),
        ({"event": "a", "time": "7d"}, "unknown key 'time'"),
        ({"event": "a", "not_within": "7d", "within": "7d"}, "unknown key 'within'"),
        ({"event": "a", "not_within": "soon"}, "expected a duration"),
        ({"event": "a", "last": {"at_most": "7d"}, "within": "7d"}, "unknown key 'within'"),
        ({"event": "a", "last": "7d"}, r"\$.when.last: expected a mapping"),
        ({"event": "a", "sum": {"amount": {"at_least": 1}}, "count": {}}, "unknown key 'count'"),
        ({"event": "a", "sum": {}}, "expected one property with one comparison"),
        ({"event": "a", "sum": "amount"}, "expected a mapping"),
        ({"event": "a", "sum": {"amount": {"contains": "1"}}}, "expected a comparison with a num"),
        ({"event": "a", "max": {"amount": {"equals": "1"}}}, "expected a comparison with a num"),
        ({"event": "a", "min": {"amount": {"equals": True}}}, "expected a comparison with a num"),
        ({"sequence": ["a"]}, r"\$.when.sequence\[0\]: expected a mapping with event or not"),
        ({"sequence": [{"evnt": "a"}]}, "expected a mapping with event or not"),
        ({"sequence": [{"event": 1}]}, "expected text"),
        ({"sequence": [{"event": "a", "not": "b"}]}, "unknown key 'event'"),
    ],
)
def test_what_is_no_leaf_is_refused(condition: When, written: object, fault: str) -> None:
    with pytest.raises(DefinitionError, match=fault):
        condition(written)
