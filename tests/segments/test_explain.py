from collections.abc import Callable
from typing import Any

import pytest

from byleave.segments import Consent, Profile, Purpose, Rules, Vocabulary
from byleave.segments.explain import Explanation

NOW = 1_700_000_000_000
Shop = Callable[..., Vocabulary]
Agreed = Callable[..., Consent]
TREE: dict[str, list[dict[str, Any]]] = {
    "all": [
        {
            "event": "page_view",
            "where": {"path": {"starts_with": "/pricing"}},
            "count": {"at_least": 2},
            "within": "7d",
        },
        {"none": [{"attribute": "is_customer", "equals": True}]},
    ]
}


def explained(
    words: Vocabulary, consent: Consent, views: int = 0, **attributes: Any
) -> Explanation:
    rules, profile = Rules(words), Profile()
    for at_ms in range(NOW, NOW + views):
        profile = rules.record(
            profile, "page_view", {"path": "/pricing"}, at_ms=at_ms, now_ms=at_ms, consent=consent
        )
    facts = rules.facts(consent=consent, attributes=attributes, profile=profile, now_ms=NOW + views)
    return facts.explain("asked")


def test_an_explanation_shows_the_tree_with_verdicts_and_values(shop: Shop, agreed: Agreed) -> None:
    found = explained(shop(asked=TREE), agreed(*Purpose), views=2)

    assert found.to_plain() == {
        "segment": "asked",
        "use": "personalisation",
        "verdict": "true",
        "sentence": found.sentence,
        "deciding": [
            "page view with path starts with /pricing 2 times in the last 7 days (at least 2)",
            "not (is customer is true)",
        ],
        "tree": {
            "text": "all",
            "verdict": "true",
            "inside": [
                {
                    "text": "page view with path starts with /pricing at least 2 times"
                    " in the last 7 days",
                    "verdict": "true",
                    "value": 2,
                    "observed_since_ms": NOW,
                },
                {
                    "text": "none",
                    "verdict": "true",
                    "inside": [{"text": "is customer is true", "verdict": "false", "value": False}],
                },
            ],
        },
    }


@pytest.mark.parametrize(
    ("when", "attributes", "sentence"),
    [
        (
            {"attribute": "industry", "equals": "education"},
            {"industry": "education"},
            "true because: industry is education",
        ),
        (
            {"attribute": "industry", "one_of": ["education", "health"]},
            {"industry": "retail"},
            "false because: not (industry is one of education, health)",
        ),
        (
            {"attribute": "industry", "equals": "education"},
            {},
            "undetermined because: nothing is known for: industry is education",
        ),
        (
            {"attribute": "industry", "equals": "education"},
            {"industry": 5},
            "undetermined because: the value does not fit: industry is education",
        ),
        (
            {"when": {"attribute": "age", "at_least": 18}, "use": "analytics"},
            {"age": 30},
            "undetermined because: analytics consent is needed for: age is at least 18",
        ),
        (
            {"none": [{"attribute": "is_customer", "equals": True}, {"event": "purchase"}]},
            {"is_customer": True},
            "false because: is customer is true",
        ),
        (
            {"none": [{"attribute": "industry", "exists": True}]},
            {},
            "true because: not (industry is known)",
        ),
        ({"all": []}, {}, "true because: always so"),
        ({"attribute": "industry", "exists": False}, {}, "true because: industry is not known"),
        (
            {"sequence": [{"event": "page_view"}, {"event": "purchase", "within": "1h"}]},
            {},
            "false because: not (page view, then purchase within 1 hour)",
        ),
        (
            {"event": "purchase", "where": {"gift": {"equals": True}}, "count": {"exactly": 0}},
            {},
            "true because: purchase with gift is true 0 times (exactly 0)",
        ),
    ],
)
def test_the_sentence_says_what_decided(
    shop: Shop, agreed: Agreed, when: object, attributes: dict[str, Any], sentence: str
) -> None:
    found = explained(shop(asked=when), agreed(*Purpose), **attributes)

    assert found.sentence == sentence


@pytest.mark.parametrize(
    ("views", "claim"),
    [
        (0, "page view with path starts with /pricing 0 times in the last 7 days (not at least 2)"),
        (1, "page view with path starts with /pricing once in the last 7 days (not at least 2)"),
        (2, "page view with path starts with /pricing 2 times in the last 7 days (at least 2)"),
        # No more is kept than the condition asks for, so that there may have been any number.
        (3, "page view with path starts with /pricing at least 2 times in the last 7 days"),
    ],
)
def test_the_sentence_names_the_number_that_was_counted(
    shop: Shop, agreed: Agreed, views: int, claim: str
) -> None:
    found = explained(shop(asked=TREE["all"][0]), agreed(*Purpose), views=views)

    assert found.deciding == (claim,)


def test_a_wider_condition_on_the_same_events_makes_the_number_known(
    shop: Shop, agreed: Agreed
) -> None:
    often = {**TREE["all"][0], "count": {"at_least": 9}}
    words = shop(asked=TREE["all"][0], often=often)

    found = explained(words, agreed(*Purpose), views=4)

    assert found.sentence == (
        "true because: page view with path starts with /pricing 4 times in the last 7 days "
        "(at least 2)"
    )


def test_a_named_segment_is_opened_up(shop: Shop, agreed: Agreed) -> None:
    words = shop(asked={"segment": "adult"}, adult={"attribute": "age", "at_least": 18})

    found = explained(words, agreed(*Purpose), age=30)

    assert found.sentence == "true because: age is at least 18"
    assert found.tree.inside[0].value == 30


def test_a_long_sentence_names_as_many_as_fit_and_counts_the_rest(
    shop: Shop, agreed: Agreed
) -> None:
    leaves = [{"attribute": "country", "not_equals": f"no-such-country-{n}"} for n in range(40)]

    found = explained(shop(asked={"all": leaves}), agreed(), country="DE")

    assert len(found.sentence) <= 200
    assert found.sentence.endswith("country is not no-such-country-3, and 36 more")
    assert len(found.deciding) == 40


def test_a_claim_that_is_too_long_is_cut(shop: Shop, agreed: Agreed) -> None:
    names = [f"country-{n}" for n in range(40)]
    leaf = {"attribute": "country", "not_one_of": names}

    found = explained(shop(asked={"all": [leaf, leaf]}), agreed(), country="DE")

    assert len(found.sentence) == 200
    assert found.sentence.endswith("…")


def test_the_sentence_leaves_out_what_did_not_decide_and_begins_with_the_doubt(
    shop: Shop, agreed: Agreed
) -> None:
    words = shop(
        asked={
            "all": [
                {"attribute": "country", "equals": "DE"},
                {"any": [{"attribute": "age", "at_least": 18}, {"event": "purchase"}]},
                {"none": [{"attribute": "plan", "equals": "free"}]},
            ]
        }
    )

    minor = explained(words, agreed(*Purpose), country="DE", age=9, plan="team")
    refused = explained(words, agreed(), country="FR")
    unknown = explained(words, agreed(*Purpose), country="DE", plan="team")

    assert minor.deciding == ("not (age is at least 18)", "purchase 0 times (not at least 1)")
    assert refused.deciding == ("not (country is DE)",)
    assert unknown.deciding == (
        "nothing is known for: age is at least 18",
        "country is DE",
        "purchase 0 times (not at least 1)",
        "not (plan is free)",
    )


def test_neither_a_sensitive_nor_a_withheld_value_is_shown(shop: Shop, agreed: Agreed) -> None:
    when = {
        "any": [
            {"attribute": "illness", "equals": "gout"},
            {"attribute": "industry", "equals": "education"},
        ]
    }
    words = shop(asked=when)

    granted = explained(words, agreed(*Purpose), illness="flu", industry="retail")
    refused = explained(words, agreed(), illness="flu", industry="retail")

    assert [leaf.value for leaf in granted.tree.inside] == [None, "retail"]
    assert [leaf.value for leaf in refused.tree.inside] == [None, None]
    assert [leaf.withheld_for for leaf in refused.tree.inside] == [Purpose.PERSONALISATION] * 2


DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("when", "wait_ms"),
    [
        ({"event": "page_view", "first": {"at_least": "14d"}}, 14 * DAY_MS),
        ({"event": "page_view", "last": {"at_least": "3d"}}, 3 * DAY_MS),
        ({"event": "page_view", "last": {"at_most": "3d"}}, None),
        (
            {"sequence": [{"event": "page_view"}, {"not": "purchase", "within": "1d"}]},
            DAY_MS + 1,
        ),
        ({"event": "page_view", "count": {"at_least": 3}}, None),
        ({"attribute": "age", "at_least": 18}, None),
    ],
)
def test_a_leaf_says_from_when_it_can_be_true(
    shop: Shop, agreed: Agreed, when: object, wait_ms: int | None
) -> None:
    words = shop(asked=when)

    begun = explained(words, agreed(*Purpose), views=1).tree
    unseen = explained(words, agreed(*Purpose)).tree
    refused = explained(words, agreed(), views=1).tree

    expected = None if wait_ms is None else NOW + wait_ms
    assert (begun.true_from_ms, unseen.true_from_ms) == (expected, expected)
    assert refused.true_from_ms is None


def test_once_events_were_observed_long_enough_nothing_is_to_come(
    shop: Shop, agreed: Agreed
) -> None:
    rules = Rules(shop(asked={"event": "page_view", "last": {"at_least": "3d"}}))
    consent = agreed(*Purpose)
    profile = rules.record(
        Profile(), "page_view", {"path": "/"}, at_ms=NOW, now_ms=NOW, consent=consent
    )

    facts = rules.facts(consent=consent, attributes={}, profile=profile, now_ms=NOW + 3 * DAY_MS)

    assert facts.explain("asked").verdict.is_true
    assert facts.explain("asked").tree.true_from_ms is None
