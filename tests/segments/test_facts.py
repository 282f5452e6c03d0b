from collections.abc import Callable

import pytest

from byleave.segments import (
    Condition,
    Consent,
    DefinitionError,
    Facts,
    Profile,
    Purpose,
    Rules,
    Verdict,
    Vocabulary,
)

MINUTE, DAY = 60_000, 86_400_000
NOW = 1_700_000_000_000
T, F = Verdict.TRUE, Verdict.FALSE
WITHHELD, MISSING, INVALID = Verdict.WITHHELD, Verdict.MISSING, Verdict.INVALID
Shop = Callable[..., Vocabulary]
Agreed = Callable[..., Consent]
When = Callable[[object], Condition]
PERSONAL = Purpose.PERSONALISATION


def asked(words: Vocabulary, consent: Consent, /, **attributes: object) -> Facts:
    return Rules(words).facts(consent=consent, attributes=attributes, now_ms=NOW)


@pytest.mark.parametrize(
    ("leaf", "attributes", "verdict"),
    [
        ({"attribute": "industry", "equals": "education"}, {"industry": "education"}, T),
        ({"attribute": "industry", "equals": "education"}, {"industry": "retail"}, F),
        ({"attribute": "industry", "equals": "education"}, {}, MISSING),
        ({"attribute": "industry", "equals": "education"}, {"industry": None}, MISSING),
        ({"attribute": "industry", "equals": "education"}, {"industry": 3}, INVALID),
        ({"attribute": "industry", "not_equals": "education"}, {}, MISSING),
        ({"attribute": "industry", "exists": True}, {}, F),
        ({"attribute": "industry", "exists": False}, {}, T),
        ({"attribute": "industry", "exists": True}, {"industry": 3}, T),
        ({"attribute": "is_customer", "equals": False}, {}, T),
        ({"attribute": "is_customer", "exists": True}, {}, F),
        ({"attribute": "is_customer", "equals": True}, {"is_customer": 1}, INVALID),
        ({"attribute": "plan", "equals": "team"}, {"plan": "team"}, T),
        ({"attribute": "plan", "not_equals": "team"}, {"plan": "gold"}, INVALID),
        ({"none": [{"attribute": "plan", "equals": "team"}]}, {"plan": "gold"}, INVALID),
        ({"none": [{"attribute": "age", "at_least": 18}]}, {"age": 12}, T),
        ({"any": [{"attribute": "age", "at_least": 18}]}, {"age": 12}, F),
        ({"attribute": "interests", "contains_any": ["tea"]}, {"interests": ["tea"]}, T),
        ({"attribute": "renews", "within_next": "14d"}, {"renews": NOW + 13 * DAY}, T),
        ({"attribute": "renews", "within_next": "14d"}, {"renews": "2030-01-01"}, F),
        ({"attribute": "age", "between": [18, 30]}, {"age": 18}, T),
        ({"attribute": "plan", "at_least": 5}, {"plan": "team"}, INVALID),
        ({"attribute": "plan", "at_least": 5}, {}, MISSING),
        ({"attribute": "plan", "contains": "ea"}, {"plan": "team"}, T),
        ({"attribute": "plan", "starts_with": "ea"}, {"plan": "team"}, F),
        ({"attribute": "plan", "matches": "t*", "ignore_case": True}, {"plan": "team"}, T),
        ({"now": {"exists": True}}, {}, T),
        ({"now": {"equals": 5}}, {}, INVALID),
        ({"now": {"after": "2023-11-14"}}, {}, T),
        ({"now": {"during": {"days": ["tue"]}}}, {}, T),
        ({"now": {"during": {"days": ["wed"]}}}, {}, F),
    ],
)
def test_what_may_be_read_is_true_false_missing_or_invalid(
    shop: Shop, agreed: Agreed, leaf: object, attributes: dict[str, object], verdict: Verdict
) -> None:
    words = shop(asked=leaf)
    facts = asked(words, agreed(PERSONAL), **attributes)

    assert facts.segment("asked") is verdict
    assert facts.verdict(words.segments["asked"].when, PERSONAL) is verdict


@pytest.mark.parametrize(
    "leaf",
    [
        {"attribute": "is_customer", "equals": False},
        {"attribute": "is_customer", "exists": True},
        {"none": [{"attribute": "is_customer", "equals": True}]},
        {"event": "page_view"},
        {"none": [{"event": "purchase"}]},
        {"sequence": [{"event": "page_view"}, {"event": "purchase"}]},
    ],
)
def test_what_may_not_be_read_is_withheld_whatever_is_there(
    shop: Shop, agreed: Agreed, leaf: object
) -> None:
    facts = asked(shop(asked=leaf), agreed(Purpose.ANALYTICS), is_customer=True)

    assert facts.segment("asked") is WITHHELD


def test_a_default_is_read_only_where_the_attribute_may_be(shop: Shop, agreed: Agreed) -> None:
    words = shop(guest={"attribute": "is_customer", "equals": False})

    assert asked(words, agreed(PERSONAL)).segment("guest") is T
    assert asked(words, agreed()).segment("guest") is WITHHELD


def test_one_readable_answer_can_decide_beside_a_withheld_one(shop: Shop, agreed: Agreed) -> None:
    leaves = [
        {"attribute": "country", "equals": "DE"},
        {"attribute": "industry", "equals": "education"},
    ]
    facts = asked(shop(both={"all": leaves}, either={"any": leaves}), agreed(), country="DE")

    assert facts.segment("both") is WITHHELD
    assert facts.segment("either") is T


def test_what_was_collected_for_another_use_is_withheld(shop: Shop, agreed: Agreed) -> None:
    rules = Rules(shop(asked={"attribute": "industry", "equals": "education"}))

    facts = rules.facts(
        consent=agreed(PERSONAL),
        attributes={"industry": "education"},
        now_ms=NOW,
        collected={"industry": [Purpose.ANALYTICS]},
    )

    assert facts.segment("asked") is WITHHELD


def test_a_segment_named_by_another_is_asked_for_the_outer_use(shop: Shop, agreed: Agreed) -> None:
    words = shop(
        adult={"when": {"attribute": "age", "at_least": 18}, "use": "analytics"},
        buyer={"segment": "adult"},
    )
    facts = asked(words, agreed(PERSONAL, Purpose.ANALYTICS), age=30)

    assert facts.segment("adult") is WITHHELD
    assert facts.segment("buyer") is T


def test_a_use_answers_its_own_segments_and_what_they_name_and_no_others(shop: Shop) -> None:
    rules = Rules(
        shop(
            german={"attribute": "country", "equals": "DE"},
            adult={"attribute": "age", "at_least": 18},
            measured={"when": {"segment": "german"}, "use": "analytics"},
        )
    )

    assert {use: sorted(plan.places) for use, plan in rules.plans.items()} == {
        PERSONAL: ["adult", "german"],
        Purpose.ANALYTICS: ["german", "measured"],
    }


def test_a_condition_outside_the_segments_is_answered_for_the_use_it_names(
    shop: Shop, agreed: Agreed, condition: When
) -> None:
    facts = asked(shop(), agreed(PERSONAL), age=30)
    adult = condition({"attribute": "age", "at_least": 18})

    assert facts.verdict(adult, PERSONAL) is T
    assert facts.verdict(adult, Purpose.ANALYTICS) is WITHHELD


@pytest.mark.parametrize(
    ("count", "ages_in_days", "verdict"),
    [
        ({"at_least": 2}, [1], F),
        ({"at_least": 2}, [1, 6], T),
        ({"at_least": 2}, [1, 8], F),
        ({"at_least": 2}, [1, 7], T),
        ({"at_most": 1}, [], T),
        ({"at_most": 1}, [1], T),
        ({"at_most": 1}, [1, 1, 1], F),
        ({"exactly": 2}, [1], F),
        ({"exactly": 2}, [1, 2], T),
        ({"exactly": 2}, [1, 2, 3], F),
        ({"exactly": 0}, [], T),
        ({"at_least": 1, "at_most": 2}, [1, 2, 3], F),
        ({"at_least": 1, "at_most": 2}, [1, 2], T),
        ({"at_least": 1, "at_most": 2}, [], F),
    ],
)
def test_events_are_counted_in_a_window_exactly(
    shop: Shop,
    agreed: Agreed,
    count: dict[str, int],
    ages_in_days: list[int],
    verdict: Verdict,
) -> None:
    rules = Rules(shop(asked={"event": "purchase", "count": count, "within": "7d"}))
    consent, profile = agreed(PERSONAL), Profile()

    for age in sorted(ages_in_days, reverse=True):
        at_ms = NOW - age * DAY
        profile = rules.record(profile, "purchase", {}, at_ms=at_ms, now_ms=at_ms, consent=consent)

    facts = rules.facts(consent=consent, attributes={}, profile=profile, now_ms=NOW)
    assert facts.segment("asked") is verdict


@pytest.mark.parametrize(
    ("where", "properties", "counts"),
    [
        ({"amount": {"at_least": 50}}, {"amount": 80}, True),
        ({"amount": {"at_least": 50}}, {"amount": 20}, False),
        ({"amount": {"at_least": 50}}, {"amount": "80"}, False),
        ({"amount": {"at_least": 50}}, {}, False),
        ({"amount": {"at_least": 50}, "gift": {"equals": True}}, {"amount": 80}, False),
    ],
)
def test_only_events_whose_declared_properties_match_are_counted(
    shop: Shop,
    agreed: Agreed,
    where: dict[str, object],
    properties: dict[str, object],
    counts: bool,
) -> None:
    rules, consent = Rules(shop(asked={"event": "purchase", "where": where})), agreed(PERSONAL)

    profile = rules.record(
        Profile(), "purchase", properties, at_ms=NOW, now_ms=NOW, consent=consent
    )

    facts = rules.facts(consent=consent, attributes={}, profile=profile, now_ms=NOW)
    assert facts.segment("asked").is_true is counts


def test_a_bound_raised_later_is_undetermined_where_older_events_were_let_go(
    shop: Shop, agreed: Agreed
) -> None:
    consent, profile = agreed(PERSONAL), Profile()
    before = Rules(shop(asked={"event": "purchase", "count": {"at_least": 2}}))
    for at_ms in range(NOW, NOW + 5):
        profile = before.record(profile, "purchase", {}, at_ms=at_ms, now_ms=at_ms, consent=consent)
    counts = {"two": {"at_least": 2}, "four": {"at_least": 4}, "few": {"at_most": 1}}
    after = Rules(
        shop(
            **{key: {"event": "purchase", "count": count} for key, count in counts.items()},
            lately={"event": "purchase", "count": {"at_least": 4}, "within": "1s"},
        )
    )

    facts = after.facts(consent=consent, attributes={}, profile=profile, now_ms=NOW + 5)
    later = after.facts(consent=consent, attributes={}, profile=profile, now_ms=NOW + 1004)

    assert [facts.segment(key) for key in counts] == [T, MISSING, F]
    assert facts.segment("lately") is MISSING
    assert later.segment("lately") is F


def test_an_event_leaf_that_nothing_tracks_is_missing(
    shop: Shop, agreed: Agreed, condition: When
) -> None:
    leaf = condition({"none": [{"event": "purchase"}]})
    untracked, tracked = Rules(shop()), Rules(shop(), tracked=[leaf])

    verdicts = [
        rules.facts(consent=agreed(PERSONAL), attributes={}, now_ms=NOW).verdict(leaf, PERSONAL)
        for rules in (untracked, tracked)
    ]

    assert verdicts == [MISSING, T]


def test_each_answer_is_worked_out_once(shop: Shop, agreed: Agreed) -> None:
    attributes = {"country": "DE"}
    rules = Rules(shop(german={"attribute": "country", "equals": "DE"}))
    facts = rules.facts(consent=agreed(), attributes=attributes, now_ms=NOW)

    first = facts.segment("german")
    attributes["country"] = "FR"

    assert first is facts.segment("german") is T
    assert facts.true_segments() == facts.true_segments() == ["german"]


def test_rules_refuse_what_they_could_not_answer(shop: Shop, condition: When) -> None:
    with pytest.raises(DefinitionError, match="unknown attribute 'height'"):
        Rules(shop(tall={"attribute": "height", "at_least": 2}))
    with pytest.raises(DefinitionError, match="unknown event 'jump'"):
        Rules(shop(), tracked=[condition({"event": "jump"})])
