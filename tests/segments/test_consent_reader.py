"""The consent behind a request: browser signals, tools and what the site says."""

import pytest

from byleave.segments.consent.cookie import ConsentCookie
from byleave.segments.consent.gpc import Headers, dnt, gpc
from byleave.segments.consent.iab import Gpp
from byleave.segments.consent.instants import from_iso
from byleave.segments.consent.purposes import CHOOSABLE, Choice, Consent, Purpose, Regime
from byleave.segments.consent.reader import read_consent

NOW_MS = from_iso("2026-11-22T12:00:00Z")
EVERYTHING = "v1.1790000000.0.pr+an+pe+ma+sh+"


def read(
    *cookies: str, headers: Headers = (), regime: Regime = Regime.OPT_IN, strict: bool = False
) -> Consent:
    return read_consent(
        cookies=dict(cookie.split("=", 1) for cookie in cookies),
        headers=headers,
        now_ms=NOW_MS,
        regime=regime,
        adapters=[ConsentCookie(), Gpp()],
        gpc_strict=strict,
    )


def granted(consent: Consent) -> set[Purpose]:
    return {purpose for purpose in CHOOSABLE if consent.allows(purpose)}


@pytest.mark.parametrize(
    "headers",
    [
        [("Sec-GPC", "1")],
        [("sec-gpc", " 1 ")],
        [("sec-gpc", "0"), ("SEC-GPC", "1")],
        [("sec-gpc", "0, 1")],
        [("accept", "*/*"), ("sec-gpc", "1")],
    ],
)
def test_one_signal_refuses_marketing_and_sharing(headers: Headers) -> None:
    consent = gpc(headers)

    assert consent is not None
    assert consent.choices == {Purpose.MARKETING: Choice.DENIED, Purpose.SHARING: Choice.DENIED}


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("sec-gpc", "0")],
        [("sec-gpc", "")],
        [("sec-gpc", "true")],
        [("sec-gpc", "?1")],
        [("sec-gpc", "11")],
        [("sec-gpc", "1;q=1")],
        [("sec-gpc", '"1"')],
        [("x-sec-gpc", "1")],
        [("dnt", "1")],
    ],
)
def test_no_other_value_is_a_signal(headers: Headers) -> None:
    assert gpc(headers) is None


def test_do_not_track_refuses_marketing_and_sharing() -> None:
    consent = dnt([("DNT", "1")])

    assert consent is not None
    assert consent.choices == {Purpose.MARKETING: Choice.DENIED, Purpose.SHARING: Choice.DENIED}


def test_a_strict_site_takes_the_signal_as_a_refusal_of_personalisation() -> None:
    for signal in (gpc([("Sec-GPC", "1")], strict=True), dnt([("DNT", "1")], strict=True)):
        assert signal is not None
        assert signal.choice(Purpose.PERSONALISATION) is Choice.DENIED


def test_a_first_visit_allows_what_the_region_allows() -> None:
    assert granted(read()) == set()
    assert granted(read(regime=Regime.OPT_OUT)) == {
        Purpose.PREFERENCES,
        Purpose.ANALYTICS,
        Purpose.PERSONALISATION,
    }


def test_a_recorded_choice_holds_and_a_damaged_one_refuses_in_every_region() -> None:
    for regime in Regime:
        assert granted(read(f"byleave_consent={EVERYTHING}", regime=regime)) == set(CHOOSABLE)
        assert granted(read("byleave_consent=v1.", regime=regime)) == set()


def test_the_signal_of_the_browser_outweighs_what_was_saved_for_others_but_not_for_us() -> None:
    consent = read(f"byleave_consent={EVERYTHING}", headers=iter([("Sec-GPC", "1")]))

    assert granted(consent) == {Purpose.PREFERENCES, Purpose.ANALYTICS, Purpose.PERSONALISATION}
    assert consent.why[Purpose.SHARING] == "gpc"


def test_a_strict_site_extends_the_signal_to_personalisation() -> None:
    consent = read(f"byleave_consent={EVERYTHING}", headers=[("Sec-GPC", "1")], strict=True)

    assert granted(consent) == {Purpose.PREFERENCES, Purpose.ANALYTICS}


def test_a_grant_given_against_the_signal_and_knowing_it_holds() -> None:
    consent = read(f"byleave_consent={EVERYTHING}!", headers=[("Sec-GPC", "1")])

    assert granted(consent) == set(CHOOSABLE)


def test_do_not_track_is_an_objection_only_where_consent_is_opt_in() -> None:
    for regime, allowed in ((Regime.OPT_IN, False), (Regime.OPT_OUT, True)):
        consent = read(f"byleave_consent={EVERYTHING}", headers=[("DNT", "1")], regime=regime)

        assert consent.allows(Purpose.MARKETING) is allowed


def test_what_the_site_states_counts_like_any_other_choice() -> None:
    refusal = Consent({Purpose.ANALYTICS: Choice.DENIED}, source="site", at_ms=NOW_MS)

    consent = read_consent(
        cookies={"byleave_consent": EVERYTHING},
        headers=(),
        now_ms=NOW_MS,
        regime=Regime.OPT_IN,
        adapters=[ConsentCookie()],
        stated=[refusal],
    )

    assert granted(consent) == set(CHOOSABLE) - {Purpose.ANALYTICS}
