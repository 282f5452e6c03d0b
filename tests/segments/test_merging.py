"""What two devices of one visitor know becomes what one of them would."""

from collections.abc import Callable

import pytest
from tests.segments.visits import BOTH, NOW, VIEWS, only, visited

from byleave.segments import Consent, Profile, Purpose, Rules, Vocabulary
from byleave.segments.encoding import State

MINUTE = 60_000
Shop = Callable[..., Vocabulary]
Agreed = Callable[..., Consent]


@pytest.mark.parametrize(
    ("leaf", "one", "other", "together"),
    [
        (VIEWS, [1, 2], [3], (1, 2, 3)),
        (VIEWS, [1, 2, 3, 4], [2, 5], (3, 4, 5)),
        (VIEWS, [5, 6, 7, 8], [1, 2], (6, 7, 8)),
        (VIEWS, [1, 2], [1, 2], (1, 2)),
        (VIEWS, [1, 1], [1], (1, 1)),
        ({"event": "page_view", "first": {"at_least": "1d"}}, [3, 5], [2, 4], (2, 5)),
        ({"event": "page_view", "first": {"at_least": "1d"}}, [3], [3], (3,)),
        ({"event": "page_view", "distinct": {"path": {"at_least": 2}}}, [1, 3], [2, 3], (1, 2, 3)),
    ],
)
def test_two_histories_of_one_visitor_become_one(
    shop: Shop,
    agreed: Agreed,
    leaf: object,
    one: list[int],
    other: list[int],
    together: tuple[int, ...],
) -> None:
    rules, consent = Rules(shop(asked=leaf)), agreed(*BOTH)
    first, second = (
        visited(rules, consent, *(NOW + after for after in times)) for times in (one, other)
    )

    merged = rules.merge(first, second, now_ms=NOW + MINUTE)

    assert only(merged).times == tuple(NOW + after for after in together)
    assert only(merged).since_ms == NOW + min(one[0], other[0])
    assert rules.merge(second, first, now_ms=NOW + MINUTE) == merged
    assert rules.merge(merged, merged, now_ms=NOW + MINUTE) == merged


def test_what_one_history_lost_stays_lost_when_it_is_merged(shop: Shop, agreed: Agreed) -> None:
    rules, consent = Rules(shop(keen=VIEWS)), agreed(*BOTH)
    [key] = rules.memory.streams[Purpose.PERSONALISATION]
    cut = Profile({Purpose.PERSONALISATION: {key: State(NOW + 5, is_cut=True)}})
    known = visited(rules, consent, NOW + 1, NOW + 9)

    merged = rules.merge(cut, known, now_ms=NOW + 10)

    assert only(merged) == State(NOW + 1, times=(NOW + 9,), is_cut=True)


@pytest.mark.parametrize(
    "leaf", [VIEWS, {"event": "page_view", "distinct": {"path": {"at_least": 2}}}]
)
def test_a_merged_history_is_whole_from_where_the_one_that_lost_most_is(
    shop: Shop, agreed: Agreed, leaf: object
) -> None:
    rules = Rules(shop(asked=leaf))
    [key] = rules.memory.streams[Purpose.PERSONALISATION]
    cut, later = (
        Profile({Purpose.PERSONALISATION: {key: State(since_ms, is_cut=True)}})
        for since_ms in (NOW + 5, NOW + 7)
    )

    assert only(rules.merge(cut, later, now_ms=NOW + 9)) == State(NOW + 7, is_cut=True)
    assert rules.merge(later, cut, now_ms=NOW + 9) == rules.merge(cut, later, now_ms=NOW + 9)


def test_merging_keeps_what_only_one_has_and_the_earliest_step(shop: Shop, agreed: Agreed) -> None:
    steps = {"buy": {"steps": [{"key": "look", "done": "here"}]}}
    words = shop(journeys=steps, here={"attribute": "country", "equals": "DE"}, keen=VIEWS)
    rules, consent = Rules(words), agreed(*BOTH)

    def reached(now_ms: int) -> Profile:
        facts = rules.facts(consent=consent, attributes={"country": "DE"}, now_ms=now_ms)
        return facts.advance()[0]

    merged = rules.merge(
        visited(rules, consent, NOW + 3, profile=reached(NOW + 2)), reached(NOW), now_ms=NOW + 9
    )

    kept = merged.kept(Purpose.PERSONALISATION)
    assert sorted(state.times for state in kept.values()) == [(NOW,), (NOW + 3,)]
    assert rules.merge(Profile(), merged, now_ms=NOW + 9) == merged


@pytest.mark.parametrize(
    ("last", "one", "other", "is_true"),
    [
        ({"event": "purchase"}, "0 page_view", "1 purchase", True),
        ({"event": "purchase"}, "0 purchase", "1 page_view", False),
        ({"event": "purchase"}, "0 page_view, 9 purchase", "1 page_view", True),
        ({"not": "purchase", "within": "9m"}, "0 page_view, 8 purchase", "0 page_view", False),
        ({"not": "purchase", "within": "9m"}, "0 page_view, 8 purchase", "20 page_view", True),
    ],
)
def test_sequences_of_two_devices_are_each_in_order_by_themselves(
    shop: Shop, agreed: Agreed, last: object, one: str, other: str, is_true: bool
) -> None:
    rules = Rules(shop(done={"sequence": [{"event": "page_view"}, last]}))
    consent, profiles = agreed(*BOTH), []
    for moments in (one, other):
        profile = Profile()
        for moment in moments.split(", "):
            minute, event = moment.split()
            at_ms = NOW + int(minute) * MINUTE
            profile = rules.record(profile, event, {}, at_ms=at_ms, now_ms=at_ms, consent=consent)
        profiles.append(profile)

    merged = rules.merge(profiles[0], profiles[1], now_ms=NOW + 40 * MINUTE)

    facts = rules.facts(consent=consent, attributes={}, profile=merged, now_ms=NOW + 40 * MINUTE)
    assert facts.segment("done").is_true is is_true
