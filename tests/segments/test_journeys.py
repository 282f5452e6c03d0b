from collections.abc import Callable

import pytest

from byleave.segments import (
    Consent,
    Facts,
    Profile,
    Purpose,
    Rules,
    StepReached,
    Verdict,
    Vocabulary,
)

DAY = 86_400_000
NOW = 1_700_000_000_000
T, F, WITHHELD, MISSING = Verdict.TRUE, Verdict.FALSE, Verdict.WITHHELD, Verdict.MISSING
Shop = Callable[..., Vocabulary]
Agreed = Callable[..., Consent]
BUY = {
    "buy": {
        "ttl": "90d",
        "steps": [
            {"key": "look", "done": "looked"},
            {"key": "choose", "done": "chose", "link": "/plans", "label": "See the plans"},
            {"key": "pay", "done": "paid"},
        ],
    }
}
DONE = {
    "looked": {"attribute": "age", "at_least": 1},
    "chose": {"attribute": "plan", "exists": True},
    "paid": {"attribute": "is_customer", "equals": True},
}


def facts(
    words: Vocabulary,
    consent: Consent,
    profile: Profile | None = None,
    now_ms: int = NOW,
    **attributes: object,
) -> Facts:
    return Rules(words).facts(
        consent=consent, attributes=attributes, profile=profile or Profile(), now_ms=now_ms
    )


def test_the_order_of_the_steps_guides_and_never_forces(shop: Shop, agreed: Agreed) -> None:
    words, consent = shop(journeys=BUY, **DONE), agreed(*Purpose)

    before = facts(words, consent).journey("buy")
    skipping = facts(words, consent, is_customer=True).journey("buy")
    between = facts(words, consent, age=1).journey("buy")
    done = facts(words, consent, age=1, plan="team", is_customer=True).journey("buy")

    assert (before.current, before.next, before.share) == (None, "look", 0)
    assert before.time_in_step_ms is None
    assert (skipping.current, skipping.next) == ("pay", "look")
    assert (between.current, between.next, between.share) == ("look", "choose", 1 / 3)
    assert (done.current, done.next, done.share) == ("pay", None, 1)


def test_a_reached_step_is_told_once_and_remembered(shop: Shop, agreed: Agreed) -> None:
    words, consent = shop(journeys=BUY, **DONE), agreed(*Purpose)

    profile, told = facts(words, consent, age=1).advance()
    again, nothing = facts(words, consent, profile, NOW + DAY, age=1).advance()
    further, more = facts(words, consent, profile, NOW + DAY, plan="team").advance()
    found = facts(words, consent, further, NOW + 3 * DAY).journey("buy")

    assert told == (StepReached(journey="buy", step="look", at_ms=NOW),)
    assert (again, nothing) == (profile, ())
    assert more == (StepReached(journey="buy", step="choose", at_ms=NOW + DAY),)
    assert found.reached == {"look": NOW, "choose": NOW + DAY}
    assert found.time_in_step_ms == 2 * DAY


def test_a_reached_step_is_forgotten_after_the_ttl(shop: Shop, agreed: Agreed) -> None:
    words, consent = shop(journeys=BUY, **DONE), agreed(*Purpose)
    profile, _ = facts(words, consent, age=1).advance()

    kept = Rules(words).expire(profile, now_ms=NOW + 90 * DAY)
    gone = Rules(words).expire(profile, now_ms=NOW + 90 * DAY + 1)

    assert kept == profile
    assert gone == Profile({Purpose.PERSONALISATION: {}})
    assert facts(words, consent, profile, NOW + 91 * DAY).journey("buy").current is None


def test_a_reached_step_is_never_forgotten_for_want_of_room(shop: Shop, agreed: Agreed) -> None:
    many = {
        f"s{number}": {"event": "page_view", "where": {"path": {"contains": f"({number})"}}}
        for number in range(200)
    }
    words, consent = shop(journeys=BUY, **DONE, **many), agreed(*Purpose)
    rules, path = Rules(words), "".join(f"({number})" for number in range(200))
    profile, _ = facts(words, consent, age=1).advance()

    full = rules.record(
        profile, "page_view", {"path": path}, at_ms=NOW + 1, now_ms=NOW + 1, consent=consent
    )

    assert facts(words, consent, full, NOW + 2).journey("buy").reached == {"look": NOW}
    assert facts(words, consent, full, NOW + 2, age=1).advance() == (full, ())


def test_nothing_is_reached_without_the_grant(shop: Shop, agreed: Agreed) -> None:
    here = {"attribute": "country", "equals": "DE"}
    words = shop(journeys=BUY, **{**DONE, "looked": here}, asked={"journey": "buy", "at": "look"})
    refused = facts(words, agreed(Purpose.ANALYTICS), country="DE")

    assert refused.advance() == (Profile(), ())
    assert refused.journey("buy").current is None
    assert refused.segment("asked") is WITHHELD


@pytest.mark.parametrize(
    ("leaf", "attributes", "verdict"),
    [
        ({"reached": "look"}, {"age": 1}, T),
        ({"reached": "look"}, {"age": 0}, F),
        ({"reached": "look"}, {}, MISSING),
        ({"at": "look"}, {"age": 1}, T),
        ({"at": "look"}, {"age": 1, "plan": "team"}, F),
        ({"at": "choose"}, {"age": 1}, F),
        ({"at": "pay"}, {"is_customer": True}, T),
    ],
)
def test_a_condition_asks_where_a_visitor_is(
    shop: Shop,
    agreed: Agreed,
    leaf: dict[str, str],
    attributes: dict[str, object],
    verdict: Verdict,
) -> None:
    words = shop(journeys=BUY, **DONE, asked={"journey": "buy", **leaf})

    found = facts(words, agreed(*Purpose), None, NOW, **attributes)

    assert found.segment("asked") is verdict
    assert found.verdict(words.segments["asked"].when, Purpose.PERSONALISATION) is verdict


def test_steps_are_remembered_for_each_use_that_asks(shop: Shop, agreed: Agreed) -> None:
    asked = {"when": {"journey": "buy", "reached": "pay"}, "use": "analytics"}
    words, consent = shop(journeys=BUY, **DONE, asked=asked), agreed(*Purpose)

    profile, told = facts(words, consent, age=1, is_customer=True).advance()

    assert [step.step for step in told] == ["look", "pay"]
    assert len(profile.kept(Purpose.PERSONALISATION)) == 2
    assert len(profile.kept(Purpose.ANALYTICS)) == 1
    assert facts(words, consent, profile).segment("asked") is T


def test_a_step_that_nothing_remembers_for_a_use_may_have_been_reached(
    shop: Shop, agreed: Agreed
) -> None:
    words = shop(journeys=BUY, **DONE, asked={"journey": "buy", "reached": "pay"})
    leaf = words.segments["asked"].when
    found = facts(words, agreed(*Purpose))

    assert found.verdict(leaf, Purpose.PERSONALISATION) is F
    assert found.verdict(leaf, Purpose.ANALYTICS) is MISSING
