"""Every shared test vector: decoded alike, refused alike, and never granting too much."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from byleave.segments.consent.errors import ConsentStringError
from byleave.segments.consent.iab import Gpp, Tcf, UsPrivacy
from byleave.segments.consent.instants import from_iso
from byleave.segments.consent.lines import Format, decode_line
from byleave.segments.consent.purposes import CHOOSABLE, Choice, Purpose
from byleave.segments.consent.tcf import decode_tc
from byleave.segments.consent.tcf_rules import TcRules, problems

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / "tests" / "data" / "consent_vectors.json"
SHARED = ROOT.parent / "shared" / "data"
VECTORS: dict[str, Any] = json.loads(COPY.read_text(encoding="utf-8"))
JUDGED_MS = from_iso("2026-11-22T12:00:00Z")  # the day that `spec_problems` are for
DATED = {
    "older_than_13_months": "older_than_13_months_on_2026_11_22",
    "last_updated_after": "last_updated_after_2026_11_22",
}

TRUSTING = TcRules(vendors_speak_for_site=True, invalidating=frozenset())
"""Rules that refuse nothing but what cannot be read."""


def of(kind: str) -> pytest.MarkDecorator:
    """Run a test once per vector of one kind."""
    vectors = VECTORS[kind]
    return pytest.mark.parametrize("vector", vectors, ids=[vector["id"] for vector in vectors])


def check_tc(vector: dict[str, Any]) -> None:
    answer = decode_line("tc", vector["string"])

    assert answer == {"ok": True, "decoded": vector["decoded"]}
    found = problems(decode_tc(vector["string"]), JUDGED_MS)
    assert sorted(DATED.get(name, name) for name in found) == sorted(vector["spec_problems"])


def check_gpp(vector: dict[str, Any]) -> None:
    unsettled = vector.get("reference_differs_from_specification", [])
    sections = {
        name: fields for name, fields in vector["sections"].items() if name not in unsettled
    }

    answer = decode_line("gpp", vector["string"])

    expected = {"sectionIds": vector["sectionIds"], "sections": sections}
    assert answer == {"ok": True, "decoded": expected}


def check_tc_malformed(vector: dict[str, Any]) -> None:
    answer = decode_line("tc", vector["string"])

    reference = {"ok": True, "decoded": vector["reference"].get("decoded")}
    assert not answer["ok"] or answer == reference
    if vector["must_grant_nothing"]:
        for rules in (TcRules(), TRUSTING):
            said = Tcf(rules=rules).read({"euconsent-v2": vector["string"]}, JUDGED_MS)
            assert said is not None
            assert not any(said.allows(purpose) for purpose in CHOOSABLE)


def check_gpp_malformed(vector: dict[str, Any]) -> None:
    answer = decode_line("gpp", vector["string"])

    readable = vector["reference"]["accepts"] and vector["string"] != ""
    assert not answer["ok"] or readable
    # Whatever cannot be read for sure counts as an opt-out.
    said = Gpp().read({"__gpp": vector["string"]}, JUDGED_MS)
    assert said is not None
    assert said.choice(Purpose.SHARING) is Choice.DENIED
    assert said.choice(Purpose.MARKETING) is Choice.DENIED


def check_tc_stress(vector: dict[str, Any]) -> None:
    calls = count_calls(lambda: decode_line("tc", vector["string"]))

    decoded = decode_line("tc", vector["string"])["decoded"]
    decoded["publisherRestrictionPurposes"] = sorted(
        {restriction["purposeId"] for restriction in decoded["publisherRestrictions"]}
    )
    for name, value in vector["expect"].items():
        assert decoded[name] == value
    assert calls < 8 * len(vector["string"])


CHECKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "tc_strings": check_tc,
    "tc_malformed": check_tc_malformed,
    "tc_stress": check_tc_stress,
    "gpp_strings": check_gpp,
    "gpp_malformed": check_gpp_malformed,
}


def count_calls(run: Callable[[], object]) -> int:
    """Count the functions that a run calls, those written in C included."""
    calls = 0

    def profile(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        run()
    finally:
        sys.setprofile(before)
    return calls


@of("tc_strings")
def test_a_valid_tc_string_decodes_as_in_the_reference(vector: dict[str, Any]) -> None:
    check_tc(vector)


@of("gpp_strings")
def test_a_valid_gpp_string_decodes_as_in_the_reference(vector: dict[str, Any]) -> None:
    check_gpp(vector)


@of("tc_malformed")
def test_a_malformed_tc_string_grants_nothing(vector: dict[str, Any]) -> None:
    check_tc_malformed(vector)


@of("gpp_malformed")
def test_a_malformed_gpp_string_never_counts_as_not_opted_out(vector: dict[str, Any]) -> None:
    check_gpp_malformed(vector)


@of("tc_stress")
def test_a_string_that_names_huge_ranges_takes_steps_in_its_length(vector: dict[str, Any]) -> None:
    check_tc_stress(vector)


@of("gpp_strings")
def test_an_opt_out_in_a_valid_gpp_string_is_honoured(vector: dict[str, Any]) -> None:
    derived = vector["derived"]
    opted_out = (
        derived["any_opt_out_of_sale_sharing_or_targeted_advertising"] or derived["any_gpc_true"]
    )

    said = Gpp().read({"__gpp": vector["string"]}, JUDGED_MS)

    assert said is not None or not opted_out
    if said is not None:  # opt-outs that `derived` does not count: children, unsettled sections
        assert said.choices == {Purpose.MARKETING: Choice.DENIED, Purpose.SHARING: Choice.DENIED}


@of("tc_strings")
def test_only_the_publisher_segment_of_a_faultless_string_grants(vector: dict[str, Any]) -> None:
    rules = TcRules()
    publisher = vector["decoded"]["publisherTC"]["purposesConsent"]
    void = {problem for problem in vector["spec_problems"] if not problem.startswith("li_")} - {
        "allowed_vendors_segment_deprecated",
        "created_differs_from_last_updated",
        "no_disclosed_vendors_segment_before_2026_03_01",
        "purpose_without_definition",
        "timestamp_not_day_level",
    }

    said = Tcf().read({"euconsent-v2": vector["string"]}, JUDGED_MS)

    assert said is not None
    granted = {purpose for purpose in CHOOSABLE if said.allows(purpose)}
    assert granted == {
        purpose
        for purpose, needed in rules.purposes.items()
        if not void and needed <= set(publisher)
    }


def test_every_shared_file_of_vectors_holds() -> None:
    paths = sorted(SHARED.glob("consent_vectors*.json"))
    if not paths:
        pytest.skip("no consent_vectors*.json in ../shared/data: only the committed copy was run")

    for path in paths:
        vectors = json.loads(path.read_text(encoding="utf-8"))
        for kind, check in CHECKS.items():
            for vector in vectors[kind]:
                check(vector)


@pytest.mark.parametrize("format", ["tc", "gpp"])
def test_a_string_longer_than_a_cookie_is_refused_at_once(format: Format) -> None:
    text = "C" * 1_000_000

    answer = decode_line(format, text)

    assert answer == {"ok": False, "error": "expected at most 4096 characters, got 1000000"}
    assert count_calls(lambda: decode_line(format, text)) < 20


@pytest.mark.parametrize("text", ["1YNN", "1---", "1NYY"])
def test_a_us_privacy_string_decodes_into_its_letters(text: str) -> None:
    answer = decode_line("usp", text)

    fields = dict(zip(("Notice", "OptOutSale", "LspaCovered"), text[1:], strict=True))
    assert answer == {"ok": True, "decoded": {"Version": 1, **fields}}


@pytest.mark.parametrize("text", ["", "1YN", "1YNNN", "2YNN", "1yny", "1YNN\n", " 1YNN", "1Y N"])
def test_another_text_is_no_us_privacy_string_and_refuses_everything(text: str) -> None:
    answer = decode_line("usp", text)

    said = UsPrivacy().read({"us_privacy": text}, JUDGED_MS)

    assert answer["ok"] is False
    assert said is not None
    assert not any(said.allows(purpose) for purpose in CHOOSABLE)


def test_an_error_never_repeats_the_string() -> None:
    with pytest.raises(ConsentStringError) as caught:
        decode_tc("visitor@example.com")

    assert "visitor" not in str(caught.value)
