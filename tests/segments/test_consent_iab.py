"""The cookies of the IAB's frameworks."""

import json
from pathlib import Path

import pytest

from byleave.segments.consent.errors import ConsentStringError
from byleave.segments.consent.gpp import CANADA, decode_gpp
from byleave.segments.consent.iab import Gpp, Tcf, UsPrivacy
from byleave.segments.consent.instants import from_iso
from byleave.segments.consent.lines import decode_line
from byleave.segments.consent.purposes import CHOOSABLE, Choice, Consent, Purpose

VECTORS = json.loads(
    (Path(__file__).resolve().parents[1] / "data" / "consent_vectors.json").read_text("utf-8")
)
STRINGS: dict[str, str] = {
    vector["id"]: vector["string"]
    for kind in VECTORS
    if kind != "about"
    for vector in VECTORS[kind]
}
NOW_MS = from_iso("2026-11-22T12:00:00Z")

REFUSAL = STRINGS["tc-001"]
GRANT = STRINGS["tc-044"]  # purposes 1, 5 and 6 for the site
EXPIRED = STRINGS["tc-046"]
EUROPE = "DBABMA~"
OPTED_OUT = {Purpose.MARKETING: Choice.DENIED, Purpose.SHARING: Choice.DENIED}


def tcf(**cookies: str) -> Consent:
    named = {{"tc": "euconsent-v2", "gpp": "__gpp"}[key]: text for key, text in cookies.items()}
    consent = Tcf().read(named, NOW_MS)
    assert consent is not None
    return consent


def granted(consent: Consent) -> set[Purpose]:
    return {purpose for purpose in CHOOSABLE if consent.allows(purpose)}


def reason(text: str) -> str:
    consent = Gpp().read({"__gpp": text}, NOW_MS)
    assert consent is not None
    assert consent.choices == OPTED_OUT
    return consent.why[Purpose.SHARING]


def test_without_a_string_the_frameworks_say_nothing() -> None:
    assert Tcf().read({}, NOW_MS) is None
    assert Gpp().read({}, NOW_MS) is None
    assert UsPrivacy().read({}, NOW_MS) is None


def test_a_gpp_string_without_a_consent_section_says_nothing_to_the_tcf_adapter() -> None:
    assert Tcf().read({"__gpp": STRINGS["gpp-003"]}, NOW_MS) is None


@pytest.mark.parametrize(
    "cookies",
    [{"tc": GRANT}, {"gpp": EUROPE + GRANT}, {"gpp": GRANT}, {"tc": GRANT, "gpp": EUROPE + GRANT}],
)
def test_a_tc_string_is_read_wherever_it_stands(cookies: dict[str, str]) -> None:
    assert granted(tcf(**cookies)) == {Purpose.PREFERENCES, Purpose.PERSONALISATION}


@pytest.mark.parametrize("other", [REFUSAL, EXPIRED, STRINGS["tcm-012"], ""])
def test_of_two_strings_that_differ_only_what_both_grant_is_granted(other: str) -> None:
    assert granted(tcf(tc=GRANT, gpp=EUROPE + other)) == set()
    assert granted(tcf(tc=other, gpp=EUROPE + GRANT)) == set()


def test_an_expired_string_is_not_revived_by_the_other_cookie() -> None:
    consent = tcf(tc=EXPIRED, gpp=EUROPE + GRANT)

    assert consent.why[Purpose.PERSONALISATION] == "TC string refused: older_than_13_months"


def test_europe_and_canada_in_one_string_must_agree() -> None:
    canada = STRINGS["gpp-037"].partition("~")[2]
    both = f"DBACMY~{GRANT}~{canada}"
    assert decode_gpp(both).section_ids == (2, CANADA)

    consent = tcf(gpp=both)

    assert granted(consent) == set()
    assert consent.choice(Purpose.PERSONALISATION) is Choice.DENIED


def test_a_canadian_string_alone_is_read() -> None:
    consent = tcf(gpp=STRINGS["gpp-037"])

    assert consent.choice(Purpose.PERSONALISATION) is Choice.DENIED
    assert consent.choice(Purpose.PREFERENCES) is Choice.UNSET


@pytest.mark.parametrize("name", ["gpp-001", "gpp-002", "gpp-034", "gpp-037", "gpp-039"])
def test_a_string_without_an_opt_out_is_not_a_grant(name: str) -> None:
    assert Gpp().read({"__gpp": STRINGS[name]}, NOW_MS) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (STRINGS["gpp-003"], "usnat SaleOptOut"),
        (STRINGS["gpp-004"], "usnat SharingOptOut"),
        (STRINGS["gpp-015"], "usva TargetedAdvertisingOptOut"),
        (STRINGS["gpp-022"], "ustx KnownChildSensitiveDataConsents, ustx Gpc"),
        (STRINGS["gpp-013"], "usca KnownChildSensitiveDataConsents"),
        (STRINGS["gpp-031"], "unreadable section 25"),
        (STRINGS["gppm-013"], "unreadable section 8"),
        ("DBABTA~1YYN", "uspv1 OptOutSale"),
    ],
)
def test_an_opt_out_is_honoured_and_named(text: str, expected: str) -> None:
    assert reason(text) == f"opted out: {expected}"


@pytest.mark.parametrize("text", ["", "D", "1YNN", "DBABLA~", STRINGS["gppm-017"], "DBAA~x"])
def test_a_damaged_gpp_string_refuses_everything(text: str) -> None:
    for adapter in (Gpp(), Tcf()):
        consent = adapter.read({"__gpp": text}, NOW_MS)

        assert consent is not None
        assert all(consent.choice(purpose) is Choice.DENIED for purpose in CHOOSABLE)


@pytest.mark.parametrize(
    "text",
    [
        "DBABLA~CVQVAAAAAABA.YA.YA",  # a second part of one kind
        "DBABLA~CVQVAAAAAABA.AA",  # a part of another kind
        "DBABLA~CVQVAAAAAABA.YB",  # bits after the signal
        "DBABLA~CVQVAAAAAABB",  # bits after the last field
        "DBABRg~BRmGVKo.YA",  # Virginia has no such part
        "DBABLB~CVQVAAAAAABA",  # bits after the header
        "DBABDA~CQgYw8AQgYw8AAyACBENAoCAARgAAAYAAABhADVqxGAAbgAA",  # Canada of version 2
        f"{STRINGS['gpp-037']}.QA",  # a part that Canada does not have
    ],
)
def test_a_section_that_does_not_follow_its_layout_is_refused(text: str) -> None:
    with pytest.raises(ConsentStringError):
        decode_gpp(text)


def test_a_header_without_sections_is_read_and_says_nothing() -> None:
    assert decode_line("gpp", "DBAA") == {
        "ok": True,
        "decoded": {"sectionIds": [], "sections": {}},
    }
    assert Gpp().read({"__gpp": "DBAA"}, NOW_MS) is None


def test_a_canadian_section_lists_its_disclosed_vendors() -> None:
    answer = decode_line("gpp", STRINGS["gpp-037"] + ".IABm")

    assert answer["decoded"]["sections"]["tcfcav1"]["DisclosedVendors"] == [2, 3]


def test_restrictions_of_a_gpp_section_spell_out_their_ids() -> None:
    answer = decode_line("gpp", EUROPE + STRINGS["tc-038"])

    assert answer["decoded"]["sections"]["tcfeuv2"]["PublisherRestrictions"] == [
        {"key": 6, "type": 0, "ids": [12]},
        {"key": 6, "type": 1, "ids": [10, 11, 12, 13, 14]},
    ]


def test_restrictions_that_name_too_many_ids_are_not_spelt_out() -> None:
    answer = decode_line("gpp", EUROPE + STRINGS["tcs-003"])

    assert answer == {"ok": False, "error": "expected restrictions of at most 200000 ids in all"}


@pytest.mark.parametrize("name", ["usprivacy", "us_privacy"])
def test_a_us_privacy_opt_out_refuses_marketing_and_sharing(name: str) -> None:
    consent = UsPrivacy().read({name: "1YYN"}, NOW_MS)

    assert consent is not None
    assert (consent.source, consent.choices) == ("usprivacy", OPTED_OUT)
    assert UsPrivacy().read({name: "1YNN"}, NOW_MS) is None
    assert UsPrivacy().read({name: "1---"}, NOW_MS) is None


def test_one_of_two_us_privacy_cookies_is_enough_to_opt_out() -> None:
    assert UsPrivacy().read({"usprivacy": "1YNN", "us_privacy": "1YYN"}, NOW_MS) is not None
