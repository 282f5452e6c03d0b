"""What is said to be impossible never happens: a law, over random conditions and visitors."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byleave.segments import (
    AllOf,
    Condition,
    Consent,
    NoneOf,
    Profile,
    Purpose,
    Rules,
    Segment,
    Truth,
    Vocabulary,
)
from byleave.segments.advice import Severity, advise
from byleave.segments.ways import Ways

NOW = 1_700_000_000_000
DAY = 86_400_000

TEXTS = st.sampled_from(["a", "ab", "B", "ba"])
NUMBERS = st.sampled_from([0, 1, 1.5, 2, 3])
SPANS = st.sampled_from(["1ms", "1d", "2d", "30d", "500d"])
COUNTS = st.dictionaries(
    st.sampled_from(["at_least", "at_most", "exactly"]), st.integers(0, 3), min_size=1, max_size=2
)


def one(name: str, **operands: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An attribute's comparison with one of the operators that are given with their operands."""
    tests = [st.fixed_dictionaries({key: operand}) for key, operand in operands.items()]
    exists = st.fixed_dictionaries({"exists": st.booleans()})
    return st.one_of(*tests, exists).map(lambda test: {"attribute": name, **test})


def folding(leaves: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return leaves.map(lambda leaf: leaf if "exists" in leaf else {**leaf, "ignore_case": True})


TEXT_TESTS = one(
    "industry",
    equals=TEXTS,
    not_equals=TEXTS,
    one_of=st.lists(TEXTS, min_size=1, max_size=2),
    not_one_of=st.lists(TEXTS, min_size=1, max_size=2),
    starts_with=TEXTS,
    ends_with=TEXTS,
    contains=TEXTS,
    matches=st.sampled_from(["a*", "*b"]),
)
LIST_TESTS = one(
    "interests",
    contains_any=st.lists(TEXTS, min_size=1, max_size=2),
    contains_all=st.lists(TEXTS, min_size=1, max_size=2),
)
MOMENTS = st.sampled_from(["2023-11-14", "2023-11-15", "2024-01-01"])
EVENTS = st.sampled_from(
    [
        {"event": "page_view"},
        {"event": "page_view", "where": {"path": {"equals": "a"}}},
        {"event": "purchase"},
        {"event": "sign_up"},
    ]
)
AGES = st.dictionaries(st.sampled_from(["at_least", "at_most"]), SPANS, min_size=1)
LEAVES = st.one_of(
    TEXT_TESTS,
    folding(TEXT_TESTS),
    one("plan", equals=st.sampled_from(["free", "team"]), not_equals=st.just("free")),
    one("is_customer", equals=st.booleans(), not_equals=st.booleans()),
    one(
        "age",
        less_than=NUMBERS,
        at_most=NUMBERS,
        greater_than=NUMBERS,
        at_least=NUMBERS,
        equals=NUMBERS,
        not_equals=NUMBERS,
        between=st.tuples(NUMBERS, NUMBERS).map(sorted),
    ),
    LIST_TESTS,
    folding(LIST_TESTS),
    one("interests", size=COUNTS),
    one("renews", before=MOMENTS, after=MOMENTS, within_last=SPANS, within_next=SPANS),
    st.one_of(
        MOMENTS.map(lambda moment: {"now": {"before": moment}}),
        MOMENTS.map(lambda moment: {"now": {"after": moment}}),
        SPANS.map(lambda span: {"now": {"within_last": span}}),
        st.just({"now": {"during": {"from": "09:00", "to": "17:00"}}}),
    ),
    st.builds(lambda event, count: {**event, "count": count}, EVENTS, COUNTS),
    st.builds(
        lambda event, count, within: {**event, "count": count, "within": within},
        EVENTS,
        COUNTS,
        SPANS,
    ),
    st.builds(
        lambda event, which, age: {**event, which: age},
        EVENTS,
        st.sampled_from(["first", "last"]),
        AGES,
    ),
    st.builds(
        lambda kind, number, within: {
            "event": "purchase",
            kind: {"amount": {"at_least": number}},
            "within": within,
        },
        st.sampled_from(["sum", "min", "max", "distinct"]),
        NUMBERS,
        SPANS,
    ),
    st.just({"sequence": [{"event": "page_view"}, {"event": "purchase", "within": "1d"}]}),
    st.sampled_from([{"journey": "buy", "at": "look"}, {"journey": "buy", "reached": "pay"}]),
    st.just({"segment": "looked"}),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(
        st.sampled_from(["all", "any", "none"]), st.lists(inner, max_size=4), min_size=1, max_size=1
    ),
    max_leaves=12,
)
VALUES = {
    "industry": TEXTS | st.sampled_from(["A", "abba", "c"]),
    "age": NUMBERS | st.just(4),
    "plan": st.sampled_from(["free", "team", "other"]),
    "is_customer": st.booleans(),
    "interests": st.lists(TEXTS | st.just("A"), max_size=4),
    "renews": MOMENTS | st.sampled_from([NOW, NOW - DAY, NOW + DAY]),
}
HAPPENED = st.lists(
    st.tuples(
        st.sampled_from(["page_view", "purchase", "sign_up"]),
        TEXTS,
        NUMBERS,
        st.sampled_from([0, 1, 2, DAY - 1, DAY, DAY + 1, 2 * DAY, 3 * DAY, 31 * DAY, 500 * DAY]),
    ),
    max_size=6,
)


def check_what_a_visitor_shows(
    shop: Callable[..., Vocabulary],
    condition: Callable[[object], Condition],
    agreed: Callable[..., Consent],
    data: st.DataObject,
    whens: list[dict[str, Any]],
    events: list[tuple[str, str, float, int]],
) -> int:
    """Check conditions that a visitor meets, or fails; return how many they settle."""
    words = shop(
        journeys={
            "buy": {"steps": [{"key": "look", "done": "looked"}, {"key": "pay", "done": "paid"}]}
        },
        looked={"event": "page_view", "within": "2d"},
        paid={"event": "purchase"},
        **{f"asked{index}": when for index, when in enumerate(whens)},
    )
    consent = agreed(Purpose.PERSONALISATION)
    rules, profile = Rules(words), Profile()
    for event, path, amount, age_ms in sorted(events, key=lambda event: -event[3]):
        at_ms = NOW - age_ms
        properties = {"path": path, "amount": amount}
        profile = rules.record(
            profile, event, properties, at_ms=at_ms, now_ms=at_ms, consent=consent
        )
    attributes = {name: data.draw(st.none() | values) for name, values in VALUES.items()}
    facts = rules.facts(consent=consent, attributes=attributes, profile=profile, now_ms=NOW)

    ways, held = Ways(words), []
    for when in map(condition, whens):
        truth = facts.verdict(when, Purpose.PERSONALISATION).truth
        if truth is not Truth.UNDETERMINED:
            assert ways.of(when, truth is Truth.TRUE)
            held.append(when if truth is Truth.TRUE else NoneOf((when,)))

    assert ways.of(AllOf(tuple(held)))
    witnessed = advise(
        replace(words, segments={**words.segments, "held": Segment(when=AllOf(tuple(held)))})
    )
    assert ("segments", "held", "when") not in {
        advice.path for advice in witnessed if advice.severity is Severity.ERROR
    }
    return len(held)


Fixtures = tuple[Callable[..., Vocabulary], Callable[[object], Condition], Callable[..., Consent]]


@pytest.fixture(scope="session")
def site(
    shop: Callable[..., Vocabulary],
    condition: Callable[[object], Condition],
    agreed: Callable[..., Consent],
) -> Fixtures:
    return shop, condition, agreed


@settings(max_examples=150)
@given(data=st.data(), whens=st.lists(TREES, min_size=1, max_size=6), events=HAPPENED)
def test_what_a_visitor_shows_to_be_possible_is_never_called_impossible(
    site: Fixtures, data: st.DataObject, whens: list[Any], events: list[Any]
) -> None:
    check_what_a_visitor_shows(*site, data, whens, events)


@pytest.mark.long
def test_what_visitors_show_of_ten_thousand_trees_is_never_called_impossible(
    site: Fixtures,
) -> None:
    shown = 0

    @settings(max_examples=3_000)
    @given(data=st.data(), whens=st.lists(TREES, min_size=6, max_size=6), events=HAPPENED)
    def show(data: st.DataObject, whens: list[Any], events: list[Any]) -> None:
        nonlocal shown
        shown += check_what_a_visitor_shows(*site, data, whens, events)

    show()

    assert shown >= 10_000
