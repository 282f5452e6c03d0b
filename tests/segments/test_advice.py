from collections.abc import Callable
from typing import Any

import pytest

from byleave.segments import Vocabulary
from byleave.segments.advice import Severity, advise
from byleave.segments.ways import MOST_WAYS

Shop = Callable[..., Vocabulary]

TEAM = {"attribute": "plan", "equals": "team"}
FREE = {"attribute": "plan", "equals": "free"}
ADULT = {"attribute": "age", "at_least": 18}
MINOR = {"attribute": "age", "less_than": 18}
BOUGHT = {"event": "purchase"}
NOT_BOUGHT = {"event": "purchase", "not_within": "400d"}


def told(words: Vocabulary, severity: Severity, **outside: Any) -> list[str]:
    """The advice of one severity, where everything that is declared is read and named."""
    used = {
        "named": [*words.segments],
        "attributes": [*words.attributes],
        "events": [*words.events],
    }
    return [
        str(advice)
        for advice in advise(words, **{**used, **outside})
        if advice.severity is severity
    ]


def errors(words: Vocabulary) -> list[str]:
    return told(words, Severity.ERROR)


def warnings(words: Vocabulary, **outside: Any) -> list[str]:
    return told(words, Severity.WARNING, **outside)


@pytest.mark.parametrize(
    ("conditions", "why"),
    [
        (
            [ADULT, MINOR],
            "`age is at least 18` and `age is less than 18` exclude each other; change one",
        ),
        (
            [FREE, BOUGHT, {"none": [FREE]}],
            "`plan is free` and the `none` group exclude each other; change one",
        ),
        (
            [ADULT, {"attribute": "age", "at_most": 18}, {"attribute": "age", "not_equals": 18}],
            "its conditions exclude each other; change one of them",
        ),
        ([{"all": [ADULT, MINOR]}, FREE], "its conditions exclude each other; change one of them"),
        ([FREE, {"all": [ADULT, MINOR]}], "its conditions exclude each other; change one of them"),
    ],
)
def test_a_contradiction_says_what_excludes_each_other(
    shop: Shop, conditions: list[object], why: str
) -> None:
    [error] = errors(shop(asked={"all": conditions}))

    assert error == f"$.segments.asked.when: nobody can ever be in 'asked': {why}"


def test_a_contradiction_may_lie_in_a_segment_that_is_named(shop: Shop) -> None:
    words = shop(adults=ADULT, asked={"all": [{"segment": "adults"}, MINOR]})

    assert [error.partition(":")[0] for error in errors(words)] == ["$.segments.asked.when"]


def test_a_group_without_conditions_may_be_what_nobody_meets(shop: Shop) -> None:
    assert "nobody can ever be in 'asked'" in errors(shop(asked={"any": []}))[0]


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        (
            [{"event": "page_view"}, {"not": "purchase", "within": "30d"}],
            "its events are kept for 30 days, and by the time that no purchase followed they are "
            "forgotten. Shorten `within`, or lengthen the ttl.",
        ),
        (
            [{"event": "page_view", "where": {"path": {"exists": False}}}, BOUGHT],
            "no event can match one of its steps",
        ),
        (
            [BOUGHT, {"event": "page_view", "where": {"path": {"exists": False}}}],
            "no event can match one of its steps",
        ),
        (
            [
                {"event": "page_view", "where": {"path": {"exists": False}}},
                {"not": "purchase", "within": "1d"},
            ],
            "no event can match one of its steps",
        ),
    ],
)
def test_a_sequence_that_can_never_be_complete_is_an_error(
    shop: Shop, steps: list[object], why: str
) -> None:
    [error] = errors(shop(asked={"sequence": steps}))

    assert why in error


@pytest.mark.parametrize(
    "steps",
    [
        [{"event": "page_view"}, {"not": "purchase", "within": "29d"}],
        [{"event": "sign_up"}, {"not": "sign_up", "within": "900d"}],
        [BOUGHT, {"not": "page_view", "where": {"path": {"exists": False}}, "within": "1d"}],
    ],
)
def test_a_sequence_that_can_be_complete_is_none(shop: Shop, steps: list[object]) -> None:
    assert errors(shop(asked={"sequence": steps})) == []


def test_what_is_never_false_is_worth_a_warning(shop: Shop) -> None:
    [warning] = warnings(shop(asked={"any": [ADULT, MINOR]}))

    assert warning.startswith("$.segments.asked.when: 'asked' is never false")


@pytest.mark.parametrize(
    ("when", "warning"),
    [
        (
            {"all": [ADULT, {"any": [MINOR, FREE]}]},
            "when.all[1].any[0]: what is asked beside this group excludes this branch",
        ),
        (
            {"any": [TEAM, {"all": [ADULT, MINOR]}]},
            "when.any[1]: this branch can never be true; change it or leave it out",
        ),
        (
            {"all": [FREE, {"none": [{"all": [ADULT, MINOR]}]}]},
            "when.all[1].none[0]: this can never be true, so that it excludes nobody",
        ),
        ({"any": [FREE, BOUGHT, FREE]}, "when.any[2]: a condition before this one covers it"),
        (
            {"any": [ADULT, FREE, {"attribute": "age", "at_least": 21}]},
            "when.any[2]: a condition before this one covers it already; leave it out",
        ),
    ],
)
def test_a_branch_that_changes_nothing_is_worth_a_warning(
    shop: Shop, when: object, warning: str
) -> None:
    [told] = warnings(shop(asked=when))

    assert warning in told


@pytest.mark.parametrize(
    "when",
    [
        {"any": [{"attribute": "age", "at_least": 21}, ADULT]},
        # Somebody may have an age that is withheld, or none.
        {"any": [ADULT, {"attribute": "age", "exists": False}]},
        {"any": [{"any": [TEAM, {"none": [TEAM]}]}, BOUGHT]},
        {"all": [ADULT, {"none": [FREE, {"any": [TEAM, BOUGHT]}]}]},
        FREE,
    ],
)
def test_a_branch_that_may_change_something_is_left_alone(shop: Shop, when: object) -> None:
    assert [warning for warning in warnings(shop(asked=when)) if "before this" in warning] == []


@pytest.mark.parametrize(
    ("leaf", "place", "window"),
    [
        ({"event": "page_view", "within": "60d"}, "within", "60 days"),
        ({"event": "page_view", "first": {"at_most": "60d"}}, "first.at_most", "60 days"),
        ({"event": "page_view", "last": {"at_most": "60d"}}, "last.at_most", "60 days"),
        (
            {"sequence": [{"event": "page_view"}, {"event": "purchase", "within": "31d"}]},
            "sequence[1].within",
            "31 days",
        ),
        ({"sequence": [BOUGHT, {"event": "page_view"}], "within": "31d"}, "within", "31 days"),
        (
            {"event": "page_view", "distinct": {"path": {"at_least": 2}}, "within": "31d"},
            "within",
            "31 days",
        ),
    ],
)
def test_a_window_longer_than_events_are_kept_is_worth_a_warning(
    shop: Shop, leaf: object, place: str, window: str
) -> None:
    [warning] = warnings(shop(asked=leaf))

    assert warning.startswith(f"$.segments.asked.when.{place}: this looks back {window}, but ")
    assert warning.endswith("is kept for 30 days; shorten it, or lengthen the ttl")


@pytest.mark.parametrize(
    "leaf",
    [
        {"event": "page_view", "within": "30d"},
        {"event": "page_view", "last": {"at_least": "30d"}},
        {"event": "sign_up", "within": "900d"},
        {"now": {"within_last": "60d"}},
    ],
)
def test_a_window_as_long_as_events_are_kept_is_none(shop: Shop, leaf: object) -> None:
    assert [warning for warning in warnings(shop(asked=leaf)) if "looks back" in warning] == []


def test_a_comparison_that_no_event_meets_is_worth_a_warning(shop: Shop) -> None:
    leaf = {"event": "purchase", "where": {"amount": {"exists": False}}}

    assert warnings(shop(asked={"any": [FREE, {"none": [leaf]}]}))[0] == (
        "$.segments.asked.when.any[1].none[0].where: no purchase can match this; change it"
    )


def test_what_nothing_reads_is_worth_a_warning(shop: Shop) -> None:
    words = shop(asked={"any": [FREE, BOUGHT]})

    told = warnings(
        words,
        attributes=set(words.attributes) - {"age", "plan"},
        events=set(words.events) - {"sign_up", "purchase"},
    )

    assert told == [
        "$.attributes.age: nothing reads attribute 'age', so it is not collected; use it or leave "
        "it out",
        "$.events.sign_up: nothing reads event 'sign_up', so it is not collected; use it or leave "
        "it out",
    ]


def test_a_segment_that_nothing_depends_on_is_worth_a_warning(shop: Shop) -> None:
    words = shop(
        journeys={"buy": {"steps": [{"key": "pay", "done": "paid"}]}},
        paid=BOUGHT,
        grown=ADULT,
        shown={"segment": "grown"},
        dead={"segment": "dead-too"},
        dead_too=TEAM,
    )

    told = warnings(words, named=["shown"])

    assert [warning.partition(":")[0] for warning in told] == [
        "$.segments.dead",
        "$.segments.dead-too",
    ]


def test_a_segment_that_is_there_twice_is_worth_a_warning(shop: Shop) -> None:
    words = shop(
        first={"all": [FREE, {"any": [ADULT, BOUGHT]}]},
        other={"all": [{"any": [BOUGHT, ADULT, BOUGHT]}, FREE]},
        different={"all": [FREE, ADULT]},
        elsewhere={"when": {"event": "purchase"}, "use": "analytics"},
        here={"when": {"event": "purchase"}},
    )

    assert [warning for warning in warnings(words) if "again" in warning] == [
        "$.segments.other.when: this is segment 'first' again; keep one of them"
    ]


def test_an_audience_that_says_nothing_to_its_visitors_is_worth_a_warning(shop: Shop) -> None:
    words = shop(asked=FREE, told={"when": TEAM, "because": "You have a team"}, other=ADULT)

    told = warnings(words, audiences=["asked", "told"])

    assert len(told) == 1
    assert told[0].startswith("$.segments.asked: 'because' is missing")


def test_so_many_ways_that_nothing_is_proved_are_no_reason_for_advice(shop: Shop) -> None:
    any_of = [
        {"any": [{"attribute": "age", "equals": MOST_WAYS * group + n} for n in range(MOST_WAYS)]}
        for group in range(2)
    ]

    assert errors(shop(asked={"all": any_of})) == []
    assert errors(shop(asked={"any": any_of})) == []
