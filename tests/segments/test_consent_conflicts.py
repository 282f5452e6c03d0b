"""How statements that disagree become one consent."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.segments.consent.conflicts import (
    OPT_OUTS,
    STANDING,
    for_minor,
    intersection,
    merge,
    succeed,
)
from byleave.segments.consent.purposes import CHOOSABLE, Choice, Consent, Purpose, Regime

ANALYTICS, MARKETING, SHARING = Purpose.ANALYTICS, Purpose.MARKETING, Purpose.SHARING
GRANTED, DENIED, UNSET = Choice.GRANTED, Choice.DENIED, Choice.UNSET

DAY_MS = 86_400_000

statements = st.builds(
    Consent,
    st.dictionaries(st.sampled_from(CHOOSABLE), st.sampled_from(Choice)),
    source=st.sampled_from(["cookie", "onetrust", "tcf", "gpc", "gpp", "dnt", "usprivacy"]),
    at_ms=st.none() | st.integers(1, 4),
    number=st.integers(0, 3),
    knowing=st.booleans(),
)


def said(choice: Choice, at_ms: int | None, source: str = "cookie") -> Consent:
    return Consent({ANALYTICS: choice}, source=source, at_ms=at_ms)


def merged(*consents: Consent) -> Consent:
    return merge(consents, regime=Regime.OPT_IN)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (said(GRANTED, 2), said(DENIED, 1), GRANTED),
        (said(GRANTED, 1), said(DENIED, 2), DENIED),
        (said(GRANTED, 1), said(DENIED, 1), DENIED),
        (said(GRANTED, None), said(DENIED, None), DENIED),
        (said(GRANTED, None), said(DENIED, 1), DENIED),
        (said(GRANTED, 1), said(DENIED, None), DENIED),
        (said(GRANTED, None), said(GRANTED, 1), GRANTED),
        (said(UNSET, 2), said(GRANTED, 1), GRANTED),
        (said(UNSET, 2), said(UNSET, None), UNSET),
    ],
)
def test_the_newest_choice_wins_and_a_refusal_where_no_time_decides(
    one: Consent, other: Consent, expected: Choice
) -> None:
    for consents in permutations([one, other]):
        assert merged(*consents).choice(ANALYTICS) is expected


@pytest.mark.parametrize(
    ("grant_ms", "expected"), [(0, DENIED), (1, DENIED), (DAY_MS - 1, DENIED), (DAY_MS, GRANTED)]
)
def test_a_refusal_that_only_tells_its_day_holds_to_the_end_of_it(
    grant_ms: int, expected: Choice
) -> None:
    consent = merged(said(DENIED, 0, "tcf"), said(GRANTED, grant_ms))

    assert consent.choice(ANALYTICS) is expected


def test_a_grant_that_only_tells_its_day_counts_from_its_beginning() -> None:
    assert not merged(said(GRANTED, 0, "tcf"), said(DENIED, 1)).allows(ANALYTICS)


def test_a_refusal_that_was_outdated_by_a_grant_does_not_come_back() -> None:
    consent = merged(said(DENIED, 1), said(GRANTED, 2, "onetrust"), said(GRANTED, None, "site"))

    assert consent.allows(ANALYTICS)


@pytest.mark.parametrize("source", sorted(STANDING | OPT_OUTS))
def test_a_signal_outweighs_a_later_grant(source: str) -> None:
    grant = Consent({SHARING: GRANTED, ANALYTICS: GRANTED}, source="cookie", at_ms=9)
    signal = Consent({SHARING: DENIED}, source=source)

    consent = merged(grant, signal)

    assert not consent.allows(SHARING)
    assert consent.allows(ANALYTICS)
    assert consent.source == f"cookie+{source}"
    assert consent.why == {SHARING: source, ANALYTICS: "cookie"}


@pytest.mark.parametrize("source", sorted(STANDING))
def test_a_grant_given_knowingly_outweighs_a_standing_signal(source: str) -> None:
    grant = Consent({SHARING: GRANTED}, source="cookie", at_ms=9, knowing=True)

    consent = merged(grant, Consent({SHARING: DENIED, MARKETING: DENIED}, source=source))

    assert consent.choices == {SHARING: GRANTED, MARKETING: DENIED}
    assert consent.knowing


def test_one_consent_is_knowing_only_if_every_choice_in_it_is() -> None:
    knowing = Consent({SHARING: GRANTED}, source="cookie", at_ms=9, knowing=True)

    assert not merged(knowing, said(GRANTED, 8, "onetrust")).knowing
    assert not merged(Consent({SHARING: DENIED}, source="gpc")).knowing


@pytest.mark.parametrize("source", sorted(OPT_OUTS))
def test_a_grant_given_knowingly_does_not_outweigh_an_opt_out_that_may_be_later(
    source: str,
) -> None:
    grant = Consent({SHARING: GRANTED}, source="cookie", at_ms=9, knowing=True)

    assert not merged(grant, Consent({SHARING: DENIED}, source=source)).allows(SHARING)


def test_a_knowing_grant_that_is_outdated_does_not_outweigh_a_signal() -> None:
    grant = Consent({SHARING: GRANTED}, source="cookie", at_ms=1, knowing=True)
    refusal = Consent({SHARING: DENIED}, source="site", at_ms=2, knowing=True)

    assert not merged(grant, refusal, Consent({SHARING: DENIED}, source="gpc")).allows(SHARING)


def test_a_signal_grants_nothing() -> None:
    assert merged(Consent({SHARING: GRANTED}, source="gpp")).choice(SHARING) is UNSET


def test_no_statement_leaves_what_the_region_says() -> None:
    assert merge([], regime=Regime.OPT_OUT) == Consent({}, Regime.OPT_OUT)


def test_of_two_grants_at_one_time_the_one_that_was_not_given_knowingly_counts() -> None:
    grants = [Consent({SHARING: GRANTED}, source="site", knowing=each) for each in (True, False)]
    signal = Consent({SHARING: DENIED}, source="gpc")

    for order in permutations([*grants, signal]):
        assert not merged(*order).allows(SHARING)


@given(st.lists(statements, max_size=4))
def test_the_order_of_statements_does_not_matter(consents: list[Consent]) -> None:
    expected = merged(*consents)

    for order in permutations(consents):
        other = merged(*order)
        assert other.choices == expected.choices
        assert other.at_ms == expected.at_ms
        assert other.number == expected.number


@given(st.lists(statements, max_size=4))
def test_a_refusal_without_a_time_never_allows_more(consents: list[Consent]) -> None:
    refusal = Consent(dict.fromkeys(CHOOSABLE, DENIED), source="site")

    assert not any(merged(*consents, refusal).allows(purpose) for purpose in CHOOSABLE)


@given(st.lists(statements, max_size=4))
def test_only_what_somebody_granted_is_granted(consents: list[Consent]) -> None:
    consent = merged(*consents)

    for purpose in CHOOSABLE:
        granted = any(one.choice(purpose) is GRANTED for one in consents)
        assert granted or not consent.allows(purpose)


@given(statements)
def test_a_statement_says_the_same_alone_and_beside_a_silent_one(said: Consent) -> None:
    silent = Consent({})

    for regime in Regime:
        assert merge([said], regime=regime) == merge([said, silent], regime=regime)


def test_an_intersection_grants_what_all_grant_and_refuses_what_one_refuses() -> None:
    one = Consent({ANALYTICS: GRANTED, MARKETING: GRANTED, SHARING: GRANTED}, at_ms=3)
    other = Consent({ANALYTICS: GRANTED, MARKETING: DENIED}, at_ms=5, why={MARKETING: "expired"})

    consent = intersection([one, other], source="tcf")

    assert consent.choices == {ANALYTICS: GRANTED, MARKETING: DENIED}
    assert consent.why == {ANALYTICS: "tcf", MARKETING: "expired"}
    assert consent.at_ms == 5
    assert intersection([one, replace(other, at_ms=None)], source="tcf").at_ms is None


def test_taking_consent_back_raises_the_number_and_nothing_else_does() -> None:
    first = Consent({ANALYTICS: GRANTED}, at_ms=1)
    more = succeed(first, Consent({ANALYTICS: GRANTED, MARKETING: GRANTED}, at_ms=2))
    less = succeed(more, Consent({ANALYTICS: DENIED, MARKETING: GRANTED}, at_ms=3))
    again = succeed(less, Consent({ANALYTICS: GRANTED, MARKETING: GRANTED}, at_ms=4))

    assert [one.number for one in (succeed(None, first), more, less, again)] == [0, 0, 1, 1]


@given(statements)
def test_a_child_is_never_personalised_whatever_was_granted(consent: Consent) -> None:
    child = for_minor(consent)

    protected = (Purpose.PERSONALISATION, MARKETING, SHARING)
    assert not any(child.allows(purpose) for purpose in protected)
    assert {child.why[purpose] for purpose in protected} == {"minor"}
    assert child.choice(ANALYTICS) is consent.choice(ANALYTICS)
