"""What aggregates, ages and absent steps answer, event by event."""

from collections.abc import Callable
from typing import Any

import pytest

from byleave.segments import Consent, Profile, Purpose, Rules, Verdict, Vocabulary, read
from byleave.segments.encoding import State

SECOND, DAY = 1_000, 86_400_000
NOW = 1_700_000_000_000
T, F, MISSING = Verdict.TRUE, Verdict.FALSE, Verdict.MISSING
Shop = Callable[..., Vocabulary]
Agreed = Callable[..., Consent]


def after(rules: Rules, consent: Consent, events: list[tuple[int, str, dict[str, Any]]]) -> Profile:
    profile = Profile()
    for ago_ms, event, properties in events:
        at_ms = NOW - ago_ms
        profile = rules.record(
            profile, event, properties, at_ms=at_ms, now_ms=at_ms, consent=consent
        )
    return profile


def bought(*amounts: tuple[int, object]) -> list[tuple[int, str, dict[str, Any]]]:
    return [
        (days * DAY, "purchase", {"amount": amount, "sku": str(amount)}) for days, amount in amounts
    ]


@pytest.mark.parametrize(
    ("made", "purchases", "verdict"),
    [
        ({"sum": {"amount": {"at_least": 100}}}, [], F),
        ({"sum": {"amount": {"at_most": 100}}}, [], T),
        ({"sum": {"amount": {"at_least": 100}}}, [(6, 60), (1, 40)], T),
        ({"sum": {"amount": {"at_least": 100}}}, [(8, 60), (1, 40)], F),
        ({"sum": {"amount": {"equals": 6}}}, [(3, 1), (2, 2.0), (1, 3)], T),
        ({"sum": {"amount": {"at_least": 100}}}, [(2, "60"), (1, 40)], F),
        ({"sum": {"amount": {"at_least": 1}}}, [(1, 1e16)], F),
        ({"min": {"amount": {"less_than": 5}}}, [], MISSING),
        ({"min": {"amount": {"less_than": 5}}}, [(2, 4), (1, 40)], T),
        ({"max": {"amount": {"between": [30, 50]}}}, [(2, 4), (1, 40)], T),
        ({"max": {"amount": {"greater_than": 50}}}, [(9, 60), (1, 40)], F),
        ({"distinct": {"sku": {"at_least": 2}}}, [], F),
        ({"distinct": {"sku": {"at_least": 2}}}, [(2, 4), (1, 4)], F),
        ({"distinct": {"sku": {"at_least": 2}}}, [(2, 4), (1, 5)], T),
        ({"sum": {"sku": {"at_most": 0}}}, [(1, 5)], T),
    ],
)
def test_values_are_added_up_and_compared_within_a_window(
    shop: Shop,
    agreed: Agreed,
    made: dict[str, Any],
    purchases: list[tuple[int, object]],
    verdict: Verdict,
) -> None:
    rules = Rules(shop(asked={"event": "purchase", "within": "7d", **made}))
    consent = agreed(*Purpose)

    profile = after(rules, consent, bought(*purchases))

    facts = rules.facts(consent=consent, attributes={}, profile=profile, now_ms=NOW)
    assert facts.segment("asked") is verdict


def test_values_are_kept_only_of_events_that_match(shop: Shop, agreed: Agreed) -> None:
    where = {"gift": {"equals": True}}
    made = {"sum": {"amount": {"at_least": 1}}}
    rules = Rules(shop(asked={"event": "purchase", "where": where, **made}))

    profile = after(rules, agreed(*Purpose), bought((1, 5)))

    [state] = profile.kept(Purpose.PERSONALISATION).values()
    assert state == State(NOW - DAY)


@pytest.mark.parametrize("operand", [True, False])
@pytest.mark.parametrize(
    ("properties", "is_there"),
    [
        ({}, False),
        ({"sku": None}, False),
        ({"sku": 5}, False),
        ({"sku": ""}, True),
        ({"sku": "tea"}, True),
    ],
)
def test_an_event_without_a_property_counts_in_no_comparison_with_it(
    shop: Shop, agreed: Agreed, operand: bool, properties: dict[str, object], is_there: bool
) -> None:
    rules = Rules(shop(asked={"event": "purchase", "where": {"sku": {"exists": operand}}}))

    profile = after(rules, agreed(*Purpose), [(0, "purchase", properties)])

    [state] = profile.kept(Purpose.PERSONALISATION).values()
    assert bool(state.times) is (is_there and operand)


def test_beyond_the_last_thirty_two_events_an_aggregate_is_undetermined(
    shop: Shop, agreed: Agreed
) -> None:
    made = {"sum": {"amount": {"at_least": 0}}}
    rules = Rules(
        shop(
            day={"event": "purchase", "within": "1d", **made},
            minute={"event": "purchase", "within": "30s", **made},
        )
    )
    consent = agreed(*Purpose)
    each_second = [(ago * SECOND, "purchase", {"amount": 1}) for ago in range(40, -1, -1)]

    profile = after(rules, consent, each_second)
    facts = rules.facts(consent=consent, attributes={}, profile=profile, now_ms=NOW)

    [state] = profile.kept(Purpose.PERSONALISATION).values()
    assert len(state.times) == len(state.marks) == 32
    assert facts.segment("day") is MISSING
    assert facts.segment("minute") is T


def test_distinct_values_are_kept_as_digests(shop: Shop, agreed: Agreed) -> None:
    rules = Rules(shop(asked={"event": "purchase", "distinct": {"sku": {"at_least": 2}}}))

    profile = after(rules, agreed(*Purpose), [(0, "purchase", {"sku": "a secret wish"})])

    [state] = profile.kept(Purpose.PERSONALISATION).values()
    assert all(isinstance(mark, int) and mark < 2**32 for mark in state.marks)


@pytest.mark.parametrize(
    ("kind", "one", "other", "is_same"),
    [
        ("number", 10, 10.0, True),
        ("number", 10, 10.5, False),
        ("number", 1e300, int(1e300), True),
        ("string", "10", "10.0", False),
        ("time", "2026-03-01", "2026-03-01T01:00+01:00", True),
        ("time", "2026-03-01", "2026-03-02", False),
        ("list", ["a"], ("a",), True),
    ],
)
def test_equal_values_are_one_however_they_are_written(
    agreed: Agreed, kind: str, one: object, other: object, is_same: bool
) -> None:
    seen = {"properties": {"it": kind}, "purposes": ["personalisation"], "ttl": "1d"}
    leaf = {"event": "seen", "distinct": {"it": {"equals": 1}}}
    words = read(Vocabulary, {"events": {"seen": seen}, "segments": {"same": {"when": leaf}}})
    rules, consent = Rules(words), agreed(*Purpose)

    profile = after(rules, consent, [(1, "seen", {"it": one}), (0, "seen", {"it": other})])

    facts = rules.facts(consent=consent, attributes={}, profile=profile, now_ms=NOW)
    assert facts.segment("same").is_true is is_same


@pytest.mark.parametrize(
    ("age", "days_ago", "verdict"),
    [
        ({"last": {"at_most": "3d"}}, [], F),
        ({"last": {"at_least": "3d"}}, [], F),
        ({"last": {"at_most": "3d"}}, [9, 2], T),
        ({"last": {"at_most": "3d"}}, [9, 3], T),
        ({"last": {"at_most": "3d"}}, [9, 4], F),
        ({"last": {"at_least": "3d"}}, [9, 4], T),
        ({"last": {"at_least": "3d"}}, [9, 2], F),
        ({"last": {"at_least": "3d", "at_most": "5d"}}, [9, 4], T),
        ({"last": {"at_least": "3d", "at_most": "5d"}}, [9, 6], F),
        ({"first": {"at_least": "8d"}}, [9, 2], T),
        ({"first": {"at_least": "10d"}}, [9, 2], F),
        ({"first": {"at_most": "8d"}}, [9, 2], F),
        ({"first": {"at_most": "8d"}}, [2], T),
        ({"first": {"at_least": "1d"}}, [], F),
    ],
)
def test_ages_look_at_the_first_or_the_last_event(
    shop: Shop, agreed: Agreed, age: dict[str, Any], days_ago: list[int], verdict: Verdict
) -> None:
    rules, consent = Rules(shop(asked={"event": "purchase", **age})), agreed(*Purpose)

    profile = after(rules, consent, bought(*((days, 1) for days in days_ago)))

    facts = rules.facts(consent=consent, attributes={}, profile=profile, now_ms=NOW)
    assert facts.segment("asked") is verdict


def test_a_first_time_is_undetermined_once_its_ttl_is_over_while_others_were_seen(
    shop: Shop, agreed: Agreed
) -> None:
    rules = Rules(shop(asked={"event": "page_view", "first": {"at_least": "1d"}}))
    consent = agreed(*Purpose)
    profile = after(rules, consent, [(days * DAY, "page_view", {}) for days in (31, 20, 10)])

    def asked(profile: Profile, now_ms: int) -> Verdict:
        facts = rules.facts(consent=consent, attributes={}, profile=profile, now_ms=now_ms)
        return facts.segment("asked")

    later = rules.record(profile, "page_view", {}, at_ms=NOW, now_ms=NOW, consent=consent)
    anew = NOW + 31 * DAY
    again = rules.record(profile, "page_view", {}, at_ms=anew, now_ms=anew, consent=consent)
    assert asked(profile, NOW - 2 * DAY) is T
    assert asked(profile, NOW) is MISSING
    assert asked(later, NOW) is MISSING
    assert asked(profile, anew) is F
    assert asked(again, anew + DAY) is T


@pytest.mark.parametrize(
    ("moments", "verdict"),
    [
        ("", F),
        ("40 sign_up", T),
        ("30 sign_up", F),
        ("20 sign_up", F),
        ("40 sign_up, 20 purchase", F),
        ("40 sign_up, 10 purchase", F),
        ("41 sign_up, 10 purchase", T),
        ("50 purchase, 40 sign_up", T),
        ("60 sign_up, 50 purchase, 40 sign_up", T),
        ("60 sign_up, 40 sign_up, 30 purchase", F),
        ("60 sign_up, 20 sign_up", F),
    ],
)
def test_what_must_not_follow_is_known_once_its_time_is_up(
    shop: Shop, agreed: Agreed, moments: str, verdict: Verdict
) -> None:
    steps = [{"event": "sign_up"}, {"not": "purchase", "within": "30s"}]
    rules, consent = Rules(shop(asked={"sequence": steps})), agreed(*Purpose)
    events: list[tuple[int, str, dict[str, Any]]] = []
    for moment in filter(None, moments.split(", ")):
        seconds, event = moment.split()
        events.append((int(seconds) * SECOND, event, {}))

    profile = after(rules, consent, events)

    facts = rules.facts(consent=consent, attributes={}, profile=profile, now_ms=NOW)
    assert facts.segment("asked") is verdict


@pytest.mark.parametrize(
    ("steps", "ago_s", "verdict"),
    [
        ([{"event": "sign_up"}, {"event": "purchase"}], 60, T),
        ([{"event": "sign_up"}, {"event": "purchase"}], 61, F),
        ([{"event": "purchase"}, {"not": "sign_up", "within": "10s"}], 70, T),
        ([{"event": "purchase"}, {"not": "sign_up", "within": "10s"}], 71, F),
    ],
)
def test_a_sequence_can_be_asked_to_be_recent(
    shop: Shop, agreed: Agreed, steps: list[object], ago_s: int, verdict: Verdict
) -> None:
    rules, consent = Rules(shop(asked={"sequence": steps, "within": "1m"})), agreed(*Purpose)
    events: list[tuple[int, str, dict[str, Any]]] = [
        (ago_s * SECOND, event, {}) for event in ("sign_up", "purchase")
    ]

    profile = after(rules, consent, events)

    facts = rules.facts(consent=consent, attributes={}, profile=profile, now_ms=NOW)
    assert facts.segment("asked") is verdict


@pytest.mark.parametrize(
    ("last", "state", "verdict"),
    [
        ({"event": "purchase"}, State(NOW - SECOND, is_cut=True), MISSING),
        ({"event": "purchase"}, State(NOW - SECOND, is_cut=True, reached=(1, NOW)), T),
        ({"not": "purchase", "within": "1s"}, State(NOW - 9 * SECOND, is_cut=True), MISSING),
        (
            {"not": "purchase", "within": "1s"},
            State(NOW - 9 * SECOND, is_cut=True, reached=(NOW - 8 * SECOND, 0)),
            T,
        ),
    ],
)
def test_a_sequence_of_which_something_was_lost_is_undetermined_unless_the_rest_decides(
    shop: Shop, agreed: Agreed, last: object, state: State, verdict: Verdict
) -> None:
    rules = Rules(shop(asked={"sequence": [{"event": "sign_up"}, last]}))
    [key] = rules.memory.streams[Purpose.PERSONALISATION]

    facts = rules.facts(
        consent=agreed(*Purpose),
        attributes={},
        profile=Profile({Purpose.PERSONALISATION: {key: state}}),
        now_ms=NOW,
    )

    assert facts.segment("asked") is verdict
