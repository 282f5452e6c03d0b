"""Which TC strings count for the site, and for which purposes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from byleave.segments.consent.gpp_canada import decode_canada
from byleave.segments.consent.instants import from_iso
from byleave.segments.consent.purposes import CHOOSABLE, Choice, Consent, Purpose
from byleave.segments.consent.tcf import (
    CORE,
    DISCLOSED,
    PUBLISHER,
    PublisherTc,
    Restriction,
    TcString,
    decode_tc,
)
from byleave.segments.consent.tcf_rules import (
    INVALIDATING,
    TcRules,
    canada_consent,
    problems,
    tc_consent,
)

VECTORS = json.loads(
    (Path(__file__).resolve().parents[1] / "data" / "consent_vectors.json").read_text("utf-8")
)
STRINGS = {
    vector["id"]: vector["string"]
    for kind in VECTORS
    if kind != "about"
    for vector in VECTORS[kind]
}
NOW_MS = from_iso("2026-11-22T12:00:00Z")

FAULTLESS = decode_tc(STRINGS["tc-001"])
ALL = tuple(range(1, 12))
CANADIAN = decode_canada(STRINGS["gpp-037"].partition("~")[2])


def publisher(*purposes: int) -> TcString:
    return replace(FAULTLESS, publisher=PublisherTc(consent=purposes))


def vendors(consent: tuple[int, ...], **changes: object) -> TcString:
    """Return a string without a Publisher TC that speaks for vendor 7."""
    base = replace(FAULTLESS, publisher=None, segments=(CORE, DISCLOSED), consent=consent)
    seen = replace(base, vendor_consent=((5, 9),), disclosed=((1, 9),))
    return replace(seen, **changes)  # type: ignore[arg-type]  # fields of any type


def granted(consent: Consent) -> set[Purpose]:
    return {purpose for purpose in CHOOSABLE if consent.allows(purpose)}


@pytest.mark.parametrize(
    ("purposes", "expected"),
    [
        ((), set()),
        ((1,), {Purpose.PREFERENCES}),
        ((8, 9, 10), set()),
        ((1, 8), {Purpose.PREFERENCES, Purpose.ANALYTICS}),
        ((1, 7, 9, 10), {Purpose.PREFERENCES}),
        ((1, 5), {Purpose.PREFERENCES}),
        ((1, 6), {Purpose.PREFERENCES}),
        ((5, 6), set()),
        ((1, 5, 6), {Purpose.PREFERENCES, Purpose.PERSONALISATION}),
        ((1, 2, 3, 4), {Purpose.PREFERENCES}),
        ((1, 2, 3, 4, 7), {Purpose.PREFERENCES, Purpose.MARKETING}),
        (ALL, {*CHOOSABLE} - {Purpose.SHARING}),
    ],
)
def test_purposes_of_the_framework_add_up_to_ours(
    purposes: tuple[int, ...], expected: set[Purpose]
) -> None:
    consent = tc_consent(publisher(*purposes), NOW_MS, TcRules())

    assert granted(consent) == expected
    assert consent.choice(Purpose.SHARING) is Choice.UNSET
    assert (consent.source, consent.at_ms) == ("tcf", FAULTLESS.last_updated_ms)


def test_a_site_may_ask_for_other_purposes_but_never_for_none() -> None:
    rules = TcRules(purposes={Purpose.ANALYTICS: frozenset({9}), Purpose.MARKETING: frozenset()})

    consent = tc_consent(publisher(9), NOW_MS, rules)

    assert consent.choices == {Purpose.ANALYTICS: Choice.GRANTED, Purpose.MARKETING: Choice.DENIED}


def test_legitimate_interest_is_no_consent() -> None:
    tc = replace(
        FAULTLESS,
        legitimate_interest=ALL,
        publisher=PublisherTc(legitimate_interest=ALL),
    )

    assert granted(tc_consent(tc, NOW_MS, TcRules())) == set()


def test_what_vendors_may_do_says_nothing_of_the_site() -> None:
    assert tc_consent(vendors(ALL), NOW_MS, TcRules()).choices == {}


def test_a_site_may_take_what_vendors_may_do_for_itself_where_it_is_not_asked_for() -> None:
    rules = TcRules(vendors_speak_for_site=True)

    assert Purpose.PERSONALISATION in granted(tc_consent(vendors(ALL), NOW_MS, rules))
    assert granted(tc_consent(replace(publisher(1), consent=ALL), NOW_MS, rules)) == {
        Purpose.PREFERENCES
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {Purpose.PREFERENCES, Purpose.PERSONALISATION}),
        ({"vendor_consent": ((8, 9),)}, set()),
        ({"disclosed": ((8, 9),)}, set()),
        ({"restrictions": (Restriction(6, 0, ((7, 7),)),)}, {Purpose.PREFERENCES}),
        ({"restrictions": (Restriction(6, 2, ((1, 99),)),)}, {Purpose.PREFERENCES}),
        ({"restrictions": (Restriction(1, 3, ((7, 7),)),)}, set()),
        (
            {"restrictions": (Restriction(6, 1, ((7, 7),)), Restriction(5, 0, ((8, 8),)))},
            {Purpose.PREFERENCES, Purpose.PERSONALISATION},
        ),
    ],
)
def test_a_site_that_is_a_vendor_needs_consent_disclosure_and_no_restriction(
    changes: dict[str, object], expected: set[Purpose]
) -> None:
    consent = tc_consent(vendors((1, 5, 6), **changes), NOW_MS, TcRules(vendor=7))

    assert granted(consent) == expected


def test_a_vendor_of_a_string_from_before_disclosure_was_due_needs_none() -> None:
    old_ms = from_iso("2026-02-01T00:00:00Z")
    tc = vendors((1,), segments=(CORE,), disclosed=(), last_updated_ms=old_ms)

    assert granted(tc_consent(tc, NOW_MS, TcRules(vendor=7))) == {Purpose.PREFERENCES}


BROKEN: dict[str, dict[str, object]] = {
    "not_service_specific": {"is_service_specific": False},
    "policy_version_below_4": {"policy_version": 3},
    "no_disclosed_vendors_segment": {"segments": (CORE, PUBLISHER)},
    "repeated_segment": {"segments": (CORE, DISCLOSED, DISCLOSED)},
    "older_than_13_months": {
        "last_updated_ms": from_iso("2025-10-22T00:00:00Z"),
        "segments": (CORE, DISCLOSED, PUBLISHER),
    },
    "last_updated_after": {"last_updated_ms": NOW_MS + 1},
}


def test_every_invalidating_problem_has_an_example() -> None:
    assert set(BROKEN) == INVALIDATING


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_string_with_an_invalidating_problem_refuses_unless_the_site_takes_it(name: str) -> None:
    tc = replace(publisher(*ALL), **BROKEN[name])  # type: ignore[arg-type]  # fields of any type
    lenient = TcRules(invalidating=INVALIDATING - {name})

    refused = tc_consent(tc, NOW_MS, TcRules())

    assert name in problems(tc, NOW_MS)
    assert all(refused.choice(purpose) is Choice.DENIED for purpose in CHOOSABLE)
    assert refused.why[Purpose.ANALYTICS] == f"TC string refused: {name}"
    assert granted(tc_consent(tc, NOW_MS, lenient)) == {*CHOOSABLE} - {Purpose.SHARING}


@pytest.mark.parametrize("purpose", ALL)
def test_legitimate_interest_is_objected_to_for_storage_and_for_profiles(purpose: int) -> None:
    tc = replace(FAULTLESS, legitimate_interest=(purpose,))

    found = {name for name in problems(tc, NOW_MS) if name.startswith("li_set")}

    assert found == ({"li_set_for_1"} if purpose == 1 else set()) | (
        {"li_set_for_3_to_6"} if 3 <= purpose <= 6 else set()
    )


def test_a_refusal_from_the_future_has_no_time_so_that_nothing_is_newer() -> None:
    tc = replace(publisher(*ALL), last_updated_ms=NOW_MS + 1)

    assert tc_consent(tc, NOW_MS, TcRules()).at_ms is None


def test_thirteen_months_are_counted_by_the_calendar() -> None:
    last_day = replace(publisher(*ALL), last_updated_ms=from_iso("2025-10-22T12:00:00Z"))

    assert "older_than_13_months" not in problems(last_day, NOW_MS)
    assert "older_than_13_months" in problems(last_day, NOW_MS + 1)


def test_only_express_consent_of_a_canadian_section_counts() -> None:
    section = replace(
        CANADIAN,
        express_consent=ALL,
        implied_consent=ALL,
        publisher=PublisherTc(consent=(5, 6), legitimate_interest=(2, 3, 4, 7, 8)),
    )

    consent = canada_consent(section, NOW_MS, TcRules())

    assert consent.choices == {
        Purpose.ANALYTICS: Choice.DENIED,
        Purpose.PERSONALISATION: Choice.GRANTED,
        Purpose.MARKETING: Choice.DENIED,
    }


def test_a_canadian_section_without_publisher_purposes_says_nothing() -> None:
    assert canada_consent(replace(CANADIAN, publisher=None), NOW_MS, TcRules()).choices == {}


@pytest.mark.parametrize("at_ms", [from_iso("2025-01-01T00:00:00Z"), NOW_MS + 1])
def test_a_canadian_section_out_of_its_time_refuses(at_ms: int) -> None:
    section = replace(CANADIAN, last_updated_ms=at_ms, publisher=PublisherTc(consent=ALL))

    assert granted(canada_consent(section, NOW_MS, TcRules())) == set()
    assert canada_consent(section, NOW_MS, TcRules()).choice(Purpose.SHARING) is Choice.DENIED
    lenient = TcRules(invalidating=frozenset())
    assert Purpose.ANALYTICS in granted(canada_consent(section, NOW_MS, lenient))
