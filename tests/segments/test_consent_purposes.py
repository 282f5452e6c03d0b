"""What a consent allows."""

import pytest

from byleave.segments.consent import Choice, Consent, Purpose, Regime
from byleave.segments.consent.purposes import CHOOSABLE, refused

FIRST_PARTY = {Purpose.PREFERENCES, Purpose.ANALYTICS, Purpose.PERSONALISATION}


def allowed(consent: Consent) -> set[Purpose]:
    return {purpose for purpose in Purpose if consent.allows(purpose)}


def test_without_any_choice_opt_in_allows_only_what_is_necessary() -> None:
    assert allowed(Consent({})) == {Purpose.NECESSARY}


def test_without_any_choice_opt_out_allows_first_party_use_but_no_marketing_or_sharing() -> None:
    consent = Consent({}, Regime.OPT_OUT)

    assert allowed(consent) == {Purpose.NECESSARY, *FIRST_PARTY}


@pytest.mark.parametrize("regime", Regime)
@pytest.mark.parametrize("purpose", CHOOSABLE)
def test_a_choice_decides_its_own_purpose_and_no_other(purpose: Purpose, regime: Regime) -> None:
    unset = allowed(Consent({}, regime))

    assert allowed(Consent({purpose: Choice.GRANTED}, regime)) == unset | {purpose}
    assert allowed(Consent({purpose: Choice.DENIED}, regime)) == unset - {purpose}
    assert allowed(Consent({purpose: Choice.UNSET}, regime)) == unset


def test_what_is_necessary_cannot_be_refused() -> None:
    assert Consent({Purpose.NECESSARY: Choice.DENIED}).allows(Purpose.NECESSARY)


def test_an_absent_choice_is_unset() -> None:
    assert Consent({}).choice(Purpose.MARKETING) is Choice.UNSET


def test_a_refusal_of_everything_says_why_for_each_purpose() -> None:
    consent = refused("tcf", "unreadable", at_ms=5)

    assert allowed(consent) == {Purpose.NECESSARY}
    assert consent.why == dict.fromkeys(CHOOSABLE, "unreadable")
    assert (consent.source, consent.at_ms) == ("tcf", 5)
