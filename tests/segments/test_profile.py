from collections.abc import Callable

import pytest
from tests.segments.visits import BOTH, NOW, VIEWS, only, visited

from byleave.segments import Consent, Profile, Purpose, Rules, Verdict, Vocabulary, is_late
from byleave.segments.encoding import State, encoded
from byleave.segments.memory import QUOTA

MINUTE, DAY = 60_000, 86_400_000
OTHER = {"event": "page_view", "last": {"at_most": "1h"}, "where": {"path": {"equals": "/x"}}}
Shop = Callable[..., Vocabulary]
Agreed = Callable[..., Consent]


def test_only_the_last_events_that_decide_are_kept(shop: Shop, agreed: Agreed) -> None:
    rules = Rules(shop(keen=VIEWS))

    state = only(visited(rules, agreed(*BOTH), *range(NOW, NOW + 50)))

    assert state == State(NOW, times=(NOW + 47, NOW + 48, NOW + 49), is_cut=True)


def test_leaves_that_look_at_the_same_events_share_what_is_kept(shop: Shop, agreed: Agreed) -> None:
    rules = Rules(
        shop(
            keen=VIEWS,
            keener={"event": "page_view", "count": {"exactly": 4}, "within": "1d"},
            rare={"event": "page_view", "count": {"at_most": 1}},
        )
    )

    state = only(visited(rules, agreed(*BOTH), *range(NOW, NOW + 50)))

    assert len(state.times) == 5


def test_each_use_keeps_its_own_under_its_own_grant(shop: Shop, agreed: Agreed) -> None:
    rules = Rules(shop(keen=VIEWS, measured={"when": VIEWS, "use": "analytics"}))

    granted_one = visited(rules, agreed(Purpose.ANALYTICS), NOW)
    granted_both = visited(rules, agreed(*BOTH), NOW + 1, profile=granted_one)

    assert list(granted_one.parts) == [Purpose.ANALYTICS]
    assert only(granted_both, Purpose.ANALYTICS).times == (NOW, NOW + 1)
    assert only(granted_both).times == (NOW + 1,)
    assert only(granted_both).since_ms == NOW + 1


def test_nothing_is_kept_without_a_grant_or_a_reader(shop: Shop, agreed: Agreed) -> None:
    rules = Rules(shop(keen=VIEWS, helped={"event": "support_contact"}))
    empty = Profile()

    for event, consent in [
        ("page_view", agreed()),
        ("purchase", agreed(*BOTH)),
        ("support_contact", agreed(*BOTH)),
        ("no_such_event", agreed(*BOTH)),
    ]:
        after = rules.record(empty, event, {}, at_ms=NOW, now_ms=NOW, consent=consent)

        assert after is empty


def test_an_event_that_does_not_match_opens_the_state_but_is_not_kept(
    shop: Shop, agreed: Agreed
) -> None:
    rules = Rules(shop(pricing=VIEWS | {"where": {"path": {"starts_with": "/pricing"}}}))

    profile = visited(rules, agreed(*BOTH), NOW)

    assert only(profile) == State(NOW)


def test_an_event_more_than_five_minutes_late_changes_nothing(shop: Shop, agreed: Agreed) -> None:
    rules, consent = Rules(shop(keen=VIEWS)), agreed(*BOTH)
    before = visited(rules, consent, NOW)

    late = rules.record(
        before, "page_view", {}, at_ms=NOW, now_ms=NOW + 5 * MINUTE + 1, consent=consent
    )
    in_time = rules.record(
        before, "page_view", {}, at_ms=NOW - 1, now_ms=NOW + 5 * MINUTE - 1, consent=consent
    )

    assert is_late(NOW, now_ms=NOW + 5 * MINUTE + 1)
    assert not is_late(NOW, now_ms=NOW + 5 * MINUTE)
    assert late is before
    assert only(in_time).times == (NOW - 1, NOW)


def test_an_event_from_the_future_happened_now(shop: Shop, agreed: Agreed) -> None:
    rules = Rules(shop(keen=VIEWS))

    profile = rules.record(
        Profile(), "page_view", {}, at_ms=NOW + DAY, now_ms=NOW, consent=agreed(*BOTH)
    )

    assert only(profile).times == (NOW,)


def test_what_no_window_reaches_is_dropped(shop: Shop, agreed: Agreed) -> None:
    rules, consent = Rules(shop(keen=VIEWS)), agreed(*BOTH)
    profile = visited(rules, consent, NOW, NOW + DAY)

    after = rules.expire(profile, now_ms=NOW + 7 * DAY + 1)

    assert only(after).times == (NOW + DAY,)


def test_a_ttl_ends_a_state_without_a_window(shop: Shop, agreed: Agreed) -> None:
    rules = Rules(
        shop(
            ever={"event": "page_view"},
            bought={"sequence": [{"event": "page_view"}, {"event": "purchase"}]},
            joined={"sequence": [{"event": "sign_up"}, {"event": "sign_up"}]},
        )
    )
    profile = visited(rules, agreed(*BOTH), NOW, NOW + 6 * MINUTE)
    counted = profile.kept(Purpose.PERSONALISATION)

    aged = rules.expire(profile, now_ms=NOW + 7 * MINUTE)
    gone = rules.expire(profile, now_ms=NOW + 31 * DAY).kept(Purpose.PERSONALISATION)

    assert aged == profile
    assert [state.times for state in counted.values() if not state.marks] == [(NOW + 360_000,), ()]
    assert [state.times for state in gone.values() if not state.reached] == [(), ()]
    assert [state.reached for state in gone.values() if state.reached] == [(0, 0)]


def test_what_nothing_asks_about_any_more_is_dropped(shop: Shop, agreed: Agreed) -> None:
    old = Rules(shop(keen=VIEWS, measured={"when": VIEWS, "use": "analytics"}))
    new = Rules(shop(bought={"event": "purchase"}))
    profile = visited(old, agreed(*BOTH), NOW)

    after = new.expire(profile, now_ms=NOW + 1)

    assert list(after.parts) == [Purpose.PERSONALISATION]
    assert only(after) == State(NOW + 1)


def test_forgetting_a_purpose_leaves_the_others(shop: Shop, agreed: Agreed) -> None:
    rules = Rules(shop(keen=VIEWS, measured={"when": VIEWS, "use": "analytics"}))
    profile = visited(rules, agreed(*BOTH), NOW)

    after = profile.forget([Purpose.PERSONALISATION])

    assert list(after.parts) == [Purpose.ANALYTICS]


def test_the_plain_form_brings_a_profile_back(shop: Shop, agreed: Agreed) -> None:
    steps = {"sequence": [{"event": "page_view"}, {"event": "purchase"}]}
    rules = Rules(shop(keen=VIEWS, bought=steps, measured={"when": VIEWS, "use": "analytics"}))
    profile = visited(rules, agreed(*BOTH), *range(NOW, NOW + 10 * MINUTE, MINUTE))

    assert Profile.from_plain(profile.to_plain()) == profile
    assert Profile.from_plain(Profile().to_plain()) == Profile()


@pytest.mark.parametrize(
    "data",
    [
        None,
        "text",
        {},
        {"v": 2},
        {"v": 1, "gossip": "0"},
        {"v": 1, "analytics": []},
        {"v": 1, "analytics": "0~short"},
    ],
)
def test_what_is_not_a_profile_counts_as_an_empty_one(data: object) -> None:
    assert Profile.from_plain(data) == Profile()


def test_a_state_survives_a_change_of_windows_and_bounds(shop: Shop, agreed: Agreed) -> None:
    consent = agreed(*BOTH)
    before = Rules(shop(keen=VIEWS))
    after = Rules(shop(keen={**VIEWS, "count": {"at_least": 2}, "within": "1d"}, other=OTHER))
    profile = visited(before, consent, NOW, NOW + 1, NOW + 2)

    carried = Profile.from_plain(profile.to_plain())
    recorded = visited(after, consent, NOW + 3, profile=carried)

    facts = after.facts(consent=consent, attributes={}, profile=carried, now_ms=NOW + 3)
    assert facts.segment("keen").is_true
    [counted, other] = recorded.kept(Purpose.PERSONALISATION).values()
    assert counted == State(NOW, times=(NOW + 2, NOW + 3), is_cut=True)
    assert other.since_ms == NOW + 3


def test_over_its_quota_a_use_forgets_its_largest_states_and_knows_it(
    shop: Shop, agreed: Agreed
) -> None:
    distinct = {"event": "page_view", "distinct": {"path": {"at_least": 2}}}
    many = {
        f"s{number}": {**distinct, "where": {"path": {"contains": str(number)}}}
        for number in range(9)
    }
    rules, consent = Rules(shop(keen=VIEWS, **many)), agreed(*BOTH)
    profile = Profile()
    for at_ms in range(NOW, NOW + 200 * MINUTE, MINUTE):
        profile = rules.record(
            profile,
            "page_view",
            {"path": f"/0123456789/{at_ms}"},
            at_ms=at_ms,
            now_ms=at_ms,
            consent=consent,
        )
        assert len(encoded(profile.kept(Purpose.PERSONALISATION))) <= QUOTA

    facts = rules.facts(consent=consent, attributes={}, profile=profile, now_ms=NOW + 200 * MINUTE)
    assert facts.segment("keen").is_true
    assert {facts.segment(key) for key in many} == {Verdict.MISSING}


def test_one_use_never_pushes_out_what_another_keeps(shop: Shop, agreed: Agreed) -> None:
    distinct = {"event": "page_view", "distinct": {"path": {"at_least": 2}}}
    many = {
        f"s{number}": {
            "when": {**distinct, "where": {"path": {"contains": str(number)}}},
            "use": "analytics",
        }
        for number in range(9)
    }
    alone, crowded = Rules(shop(keen=VIEWS)), Rules(shop(keen=VIEWS, **many))
    times = range(NOW, NOW + 100 * MINUTE, MINUTE)

    one = visited(alone, agreed(*BOTH), *times)
    two = visited(crowded, agreed(*BOTH), *times)

    use = Purpose.PERSONALISATION
    assert one.kept(use) == two.kept(use)


def test_too_many_conditions_for_the_quota_keep_what_happened(shop: Shop, agreed: Agreed) -> None:
    many = {
        f"s{number}": {"event": "page_view", "where": {"path": {"equals": f"/{number}"}}}
        for number in range(300)
    }
    rules, consent = Rules(shop(keen=VIEWS, **many)), agreed(*BOTH)

    profile = visited(rules, consent, NOW, NOW + 1)

    assert only(profile).times == (NOW, NOW + 1)


def test_conditions_beyond_the_quota_are_undetermined_once_something_happened(
    shop: Shop, agreed: Agreed
) -> None:
    many = {
        f"s{number}": {"event": "page_view", "where": {"path": {"contains": f"({number})"}}}
        for number in range(200)
    }
    rules, consent = Rules(shop(**many)), agreed(*BOTH)
    path = "".join(f"({number})" for number in range(200))

    profile = rules.record(
        Profile(), "page_view", {"path": path}, at_ms=NOW, now_ms=NOW, consent=consent
    )

    facts = rules.facts(consent=consent, attributes={}, profile=profile, now_ms=NOW)
    assert {facts.segment(key) for key in many} == {Verdict.MISSING}


def test_what_was_lost_before_the_window_no_longer_matters(shop: Shop, agreed: Agreed) -> None:
    words = shop(keen=VIEWS)
    rules = Rules(words)
    [key] = rules.memory.streams[Purpose.PERSONALISATION]
    cut = Profile({Purpose.PERSONALISATION: {key: State(NOW, times=(NOW,), is_cut=True)}})

    def verdict(profile: Profile, now_ms: int) -> Verdict:
        facts = rules.facts(consent=agreed(*BOTH), attributes={}, profile=profile, now_ms=now_ms)
        return facts.segment("keen")

    moments = (NOW + 7 * DAY, NOW + 7 * DAY + 1)

    assert [verdict(cut, now_ms) for now_ms in moments] == [Verdict.MISSING, Verdict.FALSE]
    assert [verdict(rules.expire(cut, now_ms=now_ms), now_ms) for now_ms in moments] == [
        Verdict.MISSING,
        Verdict.FALSE,
    ]
