from collections.abc import Callable

import pytest

from byleave.segments import Consent, Purpose, Regime, Vocabulary
from byleave.segments.access import may_read_attribute, may_read_event, may_read_for_something

SILENT = Consent({})
PERSONALISATION, ANALYTICS = Purpose.PERSONALISATION, Purpose.ANALYTICS


@pytest.mark.parametrize(
    ("attribute", "use", "readable"),
    [
        ("country", PERSONALISATION, True),
        ("country", Purpose.MARKETING, True),
        ("path", PERSONALISATION, True),
        ("path", ANALYTICS, False),
        ("faith", PERSONALISATION, False),
        ("industry", PERSONALISATION, False),
    ],
)
def test_without_a_choice_only_what_the_request_says_is_readable(
    words: Vocabulary, attribute: str, use: Purpose, readable: bool
) -> None:
    declared = words.attributes[attribute]

    assert may_read_attribute(declared, use, consent=SILENT) is readable


@pytest.mark.parametrize(
    ("attribute", "use", "readable"),
    [
        ("industry", PERSONALISATION, True),
        ("industry", ANALYTICS, False),
        ("industry", Purpose.MARKETING, False),
        ("age", ANALYTICS, False),
        ("illness", PERSONALISATION, True),
        ("faith", PERSONALISATION, True),
    ],
)
def test_a_grant_opens_what_is_declared_for_that_purpose_and_nothing_else(
    words: Vocabulary,
    agreed: Callable[..., Consent],
    attribute: str,
    use: Purpose,
    readable: bool,
) -> None:
    consent = agreed(PERSONALISATION)

    assert may_read_attribute(words.attributes[attribute], use, consent=consent) is readable


@pytest.mark.parametrize(
    ("attribute", "without", "after"),
    [("country", True, True), ("path", True, True), ("industry", False, True)],
)
def test_what_may_be_read_for_nothing_is_told_from_what_may_be_for_something(
    words: Vocabulary, agreed: Callable[..., Consent], attribute: str, without: bool, after: bool
) -> None:
    declared = words.attributes[attribute]

    assert may_read_for_something(declared, consent=SILENT) is without
    assert may_read_for_something(declared, consent=agreed(PERSONALISATION)) is after


def test_where_silence_means_yes_a_sensitive_attribute_still_waits_for_a_choice(
    words: Vocabulary,
) -> None:
    consent = Consent({}, Regime.OPT_OUT)

    assert may_read_attribute(words.attributes["age"], PERSONALISATION, consent=consent)
    assert not may_read_attribute(words.attributes["illness"], PERSONALISATION, consent=consent)


def test_what_was_collected_under_another_grant_stays_withheld(
    words: Vocabulary, agreed: Callable[..., Consent]
) -> None:
    consent = agreed(PERSONALISATION, ANALYTICS)
    readable = [
        may_read_attribute(
            words.attributes["industry"], use, consent=consent, collected=[ANALYTICS]
        )
        for use in (PERSONALISATION, ANALYTICS)
    ]

    assert readable == [False, True]


def test_events_need_the_purpose_and_the_grant(
    words: Vocabulary, agreed: Callable[..., Consent]
) -> None:
    consent = agreed(PERSONALISATION)

    assert may_read_event(words.events["page_view"], PERSONALISATION, consent=consent)
    assert not may_read_event(words.events["page_view"], ANALYTICS, consent=consent)
    assert not may_read_event(words.events["support_contact"], PERSONALISATION, consent=consent)
