"""What is said of the visitors whom an audience leaves out because of what it asks."""

from collections.abc import Callable, Mapping

import pytest

from byleave.segments import Attribute, Purpose, Source, ValueType, Vocabulary
from byleave.segments.advice import NOT_MEASURED, Severity, advise

Shop = Callable[..., Vocabulary]

FREE = {"attribute": "plan", "equals": "free"}
ADULT = {"attribute": "age", "at_least": 18}
BOUGHT = {"event": "purchase"}


def notes(words: Vocabulary, granted: Mapping[Purpose, float] = NOT_MEASURED) -> list[str]:
    found = advise(words, audiences=["asked"], granted=granted)
    return [str(advice) for advice in found if advice.severity is Severity.NOTE]


@pytest.mark.parametrize(
    ("when", "note"),
    [
        (
            {"any": [BOUGHT, {"journey": "buy", "reached": "pay"}]},
            "where consent is opt-in, reaches nobody who has not agreed to personalisation: it "
            "needs purchase or journey buy",
        ),
        (
            {"attribute": "illness", "equals": "gout"},
            "reaches nobody, in any region, who has not agreed to personalisation: it needs "
            "illness, which is sensitive",
        ),
        (
            {"attribute": "industry", "equals": "education"},
            "reaches nobody of whom the server has no record: it needs industry. A default, or a "
            "way without it, would reach others too.",
        ),
        (
            {"all": [ADULT, {"attribute": "industry", "exists": True}]},
            "reaches nobody of whom the server has no record: it needs industry.",
        ),
    ],
)
def test_a_note_says_whom_an_audience_cannot_reach(shop: Shop, when: object, note: str) -> None:
    words = shop(
        journeys={"buy": {"steps": [{"key": "pay", "done": "paid"}]}}, paid=BOUGHT, asked=when
    )

    assert any(note in said for said in notes(words)), notes(words)


def test_what_an_audience_costs_is_said_where_consent_was_counted(shop: Shop) -> None:
    words = shop(asked=BOUGHT)

    said = notes(words, {Purpose.PERSONALISATION: 0.61})

    assert any("; that was 39% of page views" in note for note in said)
    assert not any("of page views" in note for note in notes(words, {Purpose.ANALYTICS: 0.61}))


@pytest.mark.parametrize(
    "when",
    [
        {"attribute": "country", "equals": "NO"},
        {"any": [BOUGHT, {"attribute": "path", "equals": "/"}]},
        {"now": {"after": "2026-01-01"}},
    ],
)
def test_an_audience_that_asks_only_the_request_reaches_everybody(shop: Shop, when: object) -> None:
    assert notes(shop(asked=when)) == []


@pytest.mark.parametrize("when", [BOUGHT, FREE, {"journey": "buy", "reached": "pay"}])
def test_only_what_the_server_keeps_needs_a_record(shop: Shop, when: object) -> None:
    words = shop(
        journeys={"buy": {"steps": [{"key": "pay", "done": "paid"}]}}, paid=BOUGHT, asked=when
    )

    assert not any("no record" in note for note in notes(words))


@pytest.mark.parametrize(
    ("test", "is_needed"),
    [
        ({"equals": "low"}, False),
        ({"equals": "high"}, True),
        ({"exists": False}, False),
        ({"exists": True}, True),
    ],
)
def test_a_default_stands_in_for_a_record(
    shop: Shop, test: dict[str, object], is_needed: bool
) -> None:
    words = shop(asked={"attribute": "risk", **test})
    risk = Attribute(
        type=ValueType.STRING,
        source=Source.SERVER,
        purposes=(Purpose.PERSONALISATION,),
        ttl="session",
        default="low",
    )
    words = Vocabulary(attributes={"risk": risk}, segments=words.segments)

    assert any("record" in note for note in notes(words)) is is_needed


def test_a_default_that_the_attribute_may_not_take_stands_in_for_nothing(shop: Shop) -> None:
    words = shop(asked={"attribute": "risk", "not_equals": "high"})
    risk = Attribute(
        type=ValueType.STRING, source=Source.SERVER, default="low", one_of=("middle", "high")
    )
    words = Vocabulary(attributes={"risk": risk}, segments=words.segments)

    assert any("record" in note for note in notes(words))
