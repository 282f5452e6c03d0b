from collections.abc import Callable

import pytest

from byleave.segments import Condition
from byleave.segments.conditions import Leaf
from byleave.segments.wording import phrase


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"attribute": "home_city", "equals": "Oslo"}, "home city is Oslo"),
        ({"attribute": "age", "between": [18, 30]}, "age is between 18, 30"),
        ({"attribute": "renews", "within_next": "14d"}, "renews is within the next 14 days"),
        (
            {"attribute": "interests", "size": {"at_least": 2, "at_most": 4}},
            "interests has a number of items of at least 2 and at most 4",
        ),
        (
            {"now": {"during": {"from": "09:00", "to": "17:00", "days": ["mon"]}}},
            "the time is 09:00 to 17:00 on mon (UTC)",
        ),
        ({"now": {"exists": False}}, "the time is not known"),
        (
            {"event": "purchase", "not_within": "30d"},
            "purchase exactly 0 times in the last 30 days",
        ),
        ({"event": "purchase"}, "purchase at least 1 time"),
        (
            {"event": "page_view", "first": {"at_least": "90d"}},
            "first page view at least 90 days ago",
        ),
        (
            {"event": "purchase", "where": {"gift": {"equals": True}}, "last": {"at_most": "1d"}},
            "last purchase with gift is true at most 1 day ago",
        ),
        (
            {"event": "purchase", "sum": {"amount": {"at_least": 100}}, "within": "90d"},
            "sum of amount over purchase in the last 90 days is at least 100",
        ),
        (
            {"event": "page_view", "distinct": {"path": {"at_least": 5}}},
            "number of different values of path over page view is at least 5",
        ),
        (
            {"sequence": [{"event": "form_start"}, {"not": "form_submit", "within": "30m"}]},
            "form start, then no form submit within 30 minutes",
        ),
        (
            {"sequence": [{"event": "search"}, {"event": "purchase"}], "within": "1h"},
            "search, then purchase, all in the last 1 hour",
        ),
        ({"segment": "regulars"}, "in segment regulars"),
        ({"journey": "buy", "reached": "plan"}, "has reached plan in journey buy"),
        ({"journey": "buy", "at": "plan"}, "is at plan in journey buy"),
    ],
)
def test_a_leaf_can_be_said_in_plain_english(
    condition: Callable[[object], Condition], written: object, said: str
) -> None:
    leaf = condition(written)

    assert isinstance(leaf, Leaf)
    assert phrase(leaf) == said
