"""The proof of a choice, and the times in it."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.segments.consent.errors import ConsentStringError
from byleave.segments.consent.instants import from_iso, iso
from byleave.segments.consent.purposes import CHOOSABLE, Choice, Consent, Purpose
from byleave.segments.consent.record import DPV_PURPOSES, ConsentRecord, Notice

CHOSEN_MS = from_iso("2026-03-05T10:20:30.123Z")
RECORD = ConsentRecord(
    record_id="r-1",
    principal="p-9",
    controller="harbour-books",
    consent=Consent(
        {Purpose.ANALYTICS: Choice.GRANTED, Purpose.MARKETING: Choice.DENIED},
        source="cookie",
        at_ms=CHOSEN_MS,
        why={Purpose.MARKETING: "gpc"},
        number=1,
    ),
    previous=Consent({Purpose.MARKETING: Choice.GRANTED, Purpose.SHARING: Choice.GRANTED}),
    notice=Notice(address="https://books.example/privacy", version="7", language="en"),
    place="DE",
    method="banner",
    signals={"Sec-GPC": "1"},
    recorded_ms=CHOSEN_MS + 5,
)


def test_a_record_has_the_sections_of_the_standard_and_is_plain_json() -> None:
    plain = RECORD.plain()

    assert json.loads(json.dumps(plain)) == plain
    assert plain["schema_version"] == "ISO/IEC TS 27560:2023"
    assert (plain["record_id"], plain["pii_principal_id"]) == ("r-1", "p-9")
    assert plain["recorded_at"] == "2026-03-05T10:20:30.128Z"
    assert plain["party_identification"] == [
        {"party_id": "harbour-books", "party_role": "dpv:DataController"}
    ]
    assert plain["event"] == {
        "event_time": "2026-03-05T10:20:30.123Z",
        "entity_id": "p-9",
        "method": "banner",
        "source": "cookie",
        "number": 1,
        "signals": {"Sec-GPC": "1"},
    }


def test_a_record_says_what_was_shown_and_where() -> None:
    processing = RECORD.plain()["pii_processing"]

    assert processing["privacy_notice"] == {"url": "https://books.example/privacy", "version": "7"}
    assert processing["withdrawal_method"] == "https://books.example/privacy"
    assert (processing["language"], processing["jurisdiction"]) == ("en", "DE")
    assert processing["regime"] == "opt-in"


def test_each_purpose_has_its_own_state() -> None:
    states = {
        entry["purpose"]: entry["event_state"]
        for entry in RECORD.plain()["pii_processing"]["purposes"]
    }

    assert states == {
        "preferences": "dpv:ConsentUnknown",
        "analytics": "dpv:ConsentGiven",
        "personalisation": "dpv:ConsentUnknown",
        "marketing": "dpv:ConsentWithdrawn",
        "sharing": "dpv:ConsentWithdrawn",
    }


def test_a_purpose_stands_beside_its_term_and_its_reason() -> None:
    marketing = RECORD.plain()["pii_processing"]["purposes"][CHOOSABLE.index(Purpose.MARKETING)]

    assert marketing == {
        "purpose": "marketing",
        "purpose_type": "dpv:TargetedAdvertising",
        "lawful_basis": "dpv:Consent",
        "choice": "denied",
        "allowed": False,
        "event_state": "dpv:ConsentWithdrawn",
        "reason": "gpc",
    }
    assert set(DPV_PURPOSES) == set(Purpose)


def test_a_first_refusal_is_no_withdrawal_and_silence_has_no_lawful_basis() -> None:
    first = replace(RECORD, previous=None).plain()["pii_processing"]["purposes"]

    states = {entry["purpose"]: entry["event_state"] for entry in first}
    bases = {entry["purpose"]: entry["lawful_basis"] for entry in first}
    assert states["marketing"] == "dpv:ConsentRefused"
    assert bases["sharing"] is None


def test_a_signal_of_the_browser_alone_has_no_notice_and_the_time_of_its_record() -> None:
    signal = replace(RECORD, notice=None, consent=Consent({}, source="gpc"))

    plain = signal.plain()

    assert plain["pii_processing"]["privacy_notice"] is None
    assert plain["pii_processing"]["language"] is None
    assert plain["pii_processing"]["withdrawal_method"] is None
    assert plain["event"]["event_time"] == plain["recorded_at"]


@given(st.integers(0, 253_402_300_799_999))
def test_a_time_that_is_written_reads_back(at_ms: int) -> None:
    assert from_iso(iso(at_ms)) == at_ms


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-03-01T00:00:00.1Z", 1_772_323_200_100),
        ("2026-03-01T00:00:00.123456Z", 1_772_323_200_123),
    ],
)
def test_digits_of_a_second_may_be_few_or_many(text: str, at_ms: int) -> None:
    assert from_iso(text) == at_ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-03-01",
        "2026-03-01T00:00:00",
        "2026-03-01T00:00:00+01:00",
        "2026-03-01 00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-03-01T24:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-03-01T00:00:00Z\n",
    ],
)
def test_another_text_is_no_time(text: str) -> None:
    with pytest.raises(ConsentStringError):
        from_iso(text)
