"""The first-party consent cookie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.segments.consent.cookie import (
    COOKIE_NAME,
    ConsentCookie,
    decode_cookie,
    encode_cookie,
)
from byleave.segments.consent.errors import ConsentStringError
from byleave.segments.consent.instants import from_iso
from byleave.segments.consent.purposes import CHOOSABLE, Choice, Consent, Purpose

NOW_MS = from_iso("2026-11-22T12:00:00Z")

choices = st.builds(
    Consent,
    st.dictionaries(st.sampled_from(CHOOSABLE), st.sampled_from([Choice.GRANTED, Choice.DENIED])),
    source=st.just("cookie"),
    at_ms=st.integers(0, 9_999_999_999).map(lambda seconds: seconds * 1000),
    number=st.integers(0, 999_999),
    knowing=st.booleans(),
)


def read(text: str) -> Consent:
    consent = ConsentCookie().read({COOKIE_NAME: text}, NOW_MS)
    assert consent is not None
    return consent


def test_the_cookie_can_be_read_by_eye() -> None:
    consent = Consent(
        {
            Purpose.PREFERENCES: Choice.GRANTED,
            Purpose.ANALYTICS: Choice.GRANTED,
            Purpose.PERSONALISATION: Choice.DENIED,
            Purpose.MARKETING: Choice.DENIED,
            Purpose.SHARING: Choice.UNSET,
        },
        at_ms=from_iso("2026-01-01T00:00:00.789Z"),
        number=2,
        knowing=True,
    )

    assert encode_cookie(consent) == "v1.1767225600.2.pr+an+pe-ma-!"


@given(choices)
def test_what_is_written_reads_back(consent: Consent) -> None:
    text = encode_cookie(consent)

    assert decode_cookie(text) == consent
    assert set(text) <= set("!+-.0123456789aehmnprsv")


@given(
    st.text(max_size=40) | st.from_regex(r"v1\.[0-9]{1,3}\.0\.[a-z+-]{0,9}!?\n?", fullmatch=True)
)
def test_any_other_text_refuses_everything(text: str) -> None:
    try:
        written = encode_cookie(decode_cookie(text))
    except ConsentStringError:
        assert not any(read(text).allows(purpose) for purpose in CHOOSABLE)
    else:
        seconds = text.split(".")[1]
        assert written == text.replace(seconds, str(int(seconds)), 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v2.1767225600.0.an+",
        "v1.1767225600.0.an+an+",
        "v1.1767225600.0.an+pr+",
        "v1.1767225600.0.an",
        "v1.1767225600.0.an+ ",
        "v1.1767225600.0.an+\n",
        "v1.1767225600.an+",
        "v1..0.an+",
        "v1.-1.0.an+",
        "v1.\u0661.0.an+",
        "v1.1767225600.0.AN+",
        "v1.1767225600.0.an%2B",
        "v1.17672256000.0.an+",
    ],
)
def test_a_damaged_cookie_refuses_everything_and_says_why(text: str) -> None:
    consent = read(text)

    assert not any(consent.allows(purpose) for purpose in CHOOSABLE)
    assert consent.why[Purpose.ANALYTICS].startswith("unreadable: ")


def test_without_the_cookie_nothing_is_said() -> None:
    assert ConsentCookie().read({"other": "v1.1767225600.0.an+"}, NOW_MS) is None


def test_a_choice_keeps_its_number_and_its_time() -> None:
    consent = read("v1.1767225600.3.an+sh-!")

    assert consent.allows(Purpose.ANALYTICS)
    assert consent.at_ms == 1_767_225_600_000
    assert (consent.number, consent.knowing) == (3, True)


def test_after_thirteen_months_a_grant_has_lapsed_and_a_refusal_stays() -> None:
    older = from_iso("2025-10-22T11:59:59Z") // 1000
    newer = from_iso("2025-10-22T12:00:00Z") // 1000

    assert read(f"v1.{older}.4.an+ma-").choices == {Purpose.MARKETING: Choice.DENIED}
    assert read(f"v1.{older}.4.an+ma-").number == 4
    assert read(f"v1.{newer}.4.an+ma-").allows(Purpose.ANALYTICS)


def test_a_choice_from_the_future_has_no_time() -> None:
    assert read(f"v1.{NOW_MS // 1000 + 1}.0.an+").at_ms is None


def test_a_consent_that_nobody_gave_is_not_written() -> None:
    with pytest.raises(ValueError, match="at_ms"):
        encode_cookie(Consent({}))
