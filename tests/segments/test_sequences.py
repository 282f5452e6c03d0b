from collections.abc import Callable

import pytest

from byleave.segments import Consent, Profile, Purpose, Rules, Verdict, Vocabulary

MINUTE = 60_000
NOW = 1_700_000_000_000
STEPS = [
    {"event": "page_view", "where": {"path": {"equals": "/plans"}}},
    {"event": "sign_up", "within": "10m"},
    {"event": "purchase"},
]
Shop = Callable[..., Vocabulary]
Agreed = Callable[..., Consent]


@pytest.mark.parametrize(
    ("minutes", "is_true"),
    [
        ("0 view, 1 sign_up, 90 purchase", True),
        ("0 view, 10 sign_up, 90 purchase", True),
        ("0 view, 11 sign_up, 90 purchase", False),
        ("0 view, 5 view, 15 sign_up, 16 purchase", True),
        ("0 sign_up, 1 view, 2 purchase", False),
        ("0 view, 2 purchase, 3 sign_up", False),
        ("0 other, 1 sign_up, 2 purchase", False),
        ("0 view, 0 sign_up, 0 purchase", True),
        ("20 view, 19 sign_up, 21 purchase", False),
        ("20 sign_up, 19 view, 21 purchase", True),
        ("20 sign_up, 21 purchase, 19 view", True),
    ],
)
def test_steps_count_in_the_order_in_which_they_happened(
    shop: Shop, agreed: Agreed, minutes: str, is_true: bool
) -> None:
    rules, consent, profile = Rules(shop(done={"sequence": STEPS})), agreed(*Purpose), Profile()
    latest = 0
    for moment in minutes.split(", "):
        minute, name = moment.split()
        event = "page_view" if name in ("view", "other") else name
        latest = max(latest, int(minute))
        profile = rules.record(
            profile,
            event,
            {"path": "/plans" if name == "view" else "/"},
            at_ms=NOW + int(minute) * MINUTE,
            now_ms=NOW + latest * MINUTE,
            consent=consent,
        )

    now_ms = NOW + latest * MINUTE
    facts = rules.facts(consent=consent, attributes={}, profile=profile, now_ms=now_ms)
    assert facts.segment("done").is_true is is_true


def test_one_event_is_never_two_steps(shop: Shop, agreed: Agreed) -> None:
    rules = Rules(shop(twice={"sequence": [{"event": "purchase"}, {"event": "purchase"}]}))
    consent, profile, verdicts = agreed(*Purpose), Profile(), []

    for _ in range(2):
        profile = rules.record(profile, "purchase", {}, at_ms=NOW, now_ms=NOW, consent=consent)
        facts = rules.facts(consent=consent, attributes={}, profile=profile, now_ms=NOW)
        verdicts.append(facts.segment("twice"))

    assert verdicts == [Verdict.FALSE, Verdict.TRUE]


def test_what_waits_for_late_events_is_bounded(shop: Shop, agreed: Agreed) -> None:
    rules = Rules(shop(done={"sequence": STEPS}))
    profile = Profile()
    for at_ms in range(NOW, NOW + 100):
        profile = rules.record(
            profile, "purchase", {}, at_ms=at_ms, now_ms=at_ms, consent=agreed(*Purpose)
        )

    [state] = profile.kept(Purpose.PERSONALISATION).values()

    assert len(state.times) == len(state.marks) == 32


def test_a_sequence_ends_with_the_ttl_of_its_events(shop: Shop, agreed: Agreed) -> None:
    rules = Rules(shop(done={"sequence": [{"event": "page_view"}, {"event": "purchase"}]}))
    consent, profile = agreed(*Purpose), Profile()
    for event in ("page_view", "purchase"):
        profile = rules.record(profile, event, {}, at_ms=NOW, now_ms=NOW, consent=consent)

    verdicts = [
        rules.facts(consent=consent, attributes={}, profile=profile, now_ms=NOW + age_ms).segment(
            "done"
        )
        for age_ms in (30 * 1440 * MINUTE, 30 * 1440 * MINUTE + 1)
    ]

    assert verdicts == [Verdict.TRUE, Verdict.FALSE]


def test_no_step_was_reached_before_an_event_is_settled(shop: Shop, agreed: Agreed) -> None:
    rules, consent = Rules(shop(done={"sequence": STEPS})), agreed(*Purpose)
    profile = rules.record(
        Profile(), "page_view", {"path": "/plans"}, at_ms=NOW, now_ms=NOW, consent=consent
    )
    settled = rules.record(
        profile, "purchase", {}, at_ms=NOW + 6 * MINUTE, now_ms=NOW + 6 * MINUTE, consent=consent
    )

    [first], [later] = (each.kept(Purpose.PERSONALISATION).values() for each in (profile, settled))

    assert first.reached == (0, 0, 0)
    assert later.reached == (NOW, 0, 0)
