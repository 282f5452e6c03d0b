"""Damaged strings are refused or read as a second reading of the bit layouts reads them.

The second reading is as plain as it can be: a string of zeros and ones, cut from the left, with
ids in sets and no ranges. It is written from the specifications, not from the package.
"""

import json
import random
import string
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.segments.consent.iab import Tcf
from byleave.segments.consent.instants import from_iso, iso
from byleave.segments.consent.lines import decode_line
from byleave.segments.consent.purposes import CHOOSABLE
from byleave.segments.consent.tcf_rules import TcRules

VECTORS = json.loads(
    (Path(__file__).resolve().parents[1] / "data" / "consent_vectors.json").read_text("utf-8")
)
TC_STRINGS: list[str] = [vector["string"] for vector in VECTORS["tc_strings"]]
GPP_STRINGS: list[str] = [vector["string"] for vector in VECTORS["gpp_strings"]]
REJECT_ALL = TC_STRINGS[0]

ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
STATE_SECTIONS = range(7, 24)
ROUNDS = [pytest.param(3_000), pytest.param(100_000, marks=pytest.mark.long)]


class CutOff(Exception):
    """The text ends inside a field, or holds what the field cannot hold."""


class Tape:
    """Zeros and ones that are torn off from the left."""

    def __init__(self, text: str) -> None:
        if not text or any(character not in ALPHABET for character in text):
            raise CutOff
        self.rest = "".join(f"{ALPHABET.index(character):06b}" for character in text)

    def tear(self, width: int) -> str:
        if len(self.rest) < width:
            raise CutOff
        torn, self.rest = self.rest[:width], self.rest[width:]
        return torn

    def number(self, width: int) -> int:
        return int("0" + self.tear(width), 2)

    def marks(self, width: int) -> list[int]:
        return [at + 1 for at, bit in enumerate(self.tear(width)) if bit == "1"]

    def time(self) -> str:
        return iso(self.number(36) * 100)

    def word(self) -> str:
        codes = [self.number(6), self.number(6)]
        if any(code > 25 for code in codes):
            raise CutOff
        return "".join(string.ascii_uppercase[code] for code in codes)

    def listed(self) -> set[int]:
        ids: set[int] = set()
        for _ in range(self.number(12)):
            group = self.number(1)
            first = self.number(16)
            last = self.number(16) if group else first
            if first == 0 or last < first:
                raise CutOff
            ids |= set(range(first, last + 1))
        return ids

    def vendors(self) -> set[int]:
        highest = self.number(16)
        return self.listed() if self.number(1) else set(self.marks(highest))


def spans(ids: set[int]) -> list[list[int]]:
    """Spell a set of ids as the vectors do."""
    firsts = sorted(number for number in ids if number - 1 not in ids)
    lasts = sorted(number for number in ids if number + 1 not in ids)
    return [list(pair) for pair in zip(firsts, lasts, strict=True)]


def second_tc(text: str) -> dict[str, Any]:
    if len(text) > 4096:
        raise CutOff
    first, *others = text.split(".")
    tape = Tape(first)
    fields: dict[str, Any] = {"version": tape.number(6)}
    if fields["version"] != 2:
        raise CutOff
    fields["created"], fields["lastUpdated"] = tape.time(), tape.time()
    fields["cmpId"] = tape.number(12)
    if fields["cmpId"] in (0, 1):
        raise CutOff
    fields["cmpVersion"], fields["consentScreen"] = tape.number(12), tape.number(6)
    fields["consentLanguage"] = tape.word()
    fields["vendorListVersion"], fields["tcfPolicyVersion"] = tape.number(12), tape.number(6)
    fields["isServiceSpecific"] = tape.tear(1) == "1"
    fields["useNonStandardTexts"] = tape.tear(1) == "1"
    fields["specialFeatureOptins"] = tape.marks(12)
    fields["purposesConsent"], fields["purposesLITransparency"] = tape.marks(24), tape.marks(24)
    fields["purposeOneTreatment"] = tape.tear(1) == "1"
    fields["publisherCC"] = tape.word()
    fields["vendorConsents"] = spans(tape.vendors())
    fields["vendorLegitimateInterests"] = spans(tape.vendors())
    restrictions: dict[tuple[int, int], set[int]] = {}
    for _ in range(tape.number(12)):
        key = (tape.number(6), tape.number(2))
        restrictions[key] = restrictions.get(key, set()) | tape.listed()
    fields["publisherRestrictions"] = [
        {"purposeId": purpose, "restrictionType": kind, "vendors": spans(ids)}
        for (purpose, kind), ids in sorted(restrictions.items())
        if ids
    ]
    fields["vendorsDisclosed"], fields["vendorsAllowed"] = [], []
    fields["publisherTC"] = {
        "purposesConsent": [],
        "purposesLITransparency": [],
        "numCustomPurposes": 0,
        "customPurposesConsent": [],
        "customPurposesLITransparency": [],
    }
    fields["segmentTypes"] = [0]
    for other in others:
        tape = Tape(other)
        kind = tape.number(3)
        if kind not in (1, 2, 3):
            raise CutOff
        fields["segmentTypes"].append(kind)
        if kind == 3:
            publisher = {
                "purposesConsent": tape.marks(24),
                "purposesLITransparency": tape.marks(24),
                "numCustomPurposes": tape.number(6),
            }
            custom = publisher["numCustomPurposes"]
            assert isinstance(custom, int)
            publisher["customPurposesConsent"] = tape.marks(custom)
            publisher["customPurposesLITransparency"] = tape.marks(custom)
            fields["publisherTC"] = publisher
        else:
            fields["vendorsDisclosed" if kind == 1 else "vendorsAllowed"] = spans(tape.vendors())
    return fields


def us_sections(vector: dict[str, Any]) -> dict[str, str]:
    """Return the texts of a vector's state sections and of the national one, by name."""
    texts = vector["string"].split("~")[1:]
    sections = zip(vector["sectionIds"], vector["sections"], texts, strict=True)
    return {name: text for number, name, text in sections if number in STATE_SECTIONS}


def header(numbers: list[int]) -> str:
    """Write the header of a GPP string: each section number as its distance from the last."""
    bits = f"000011000001{len(numbers):012b}"
    for last, number in pairwise([0, *numbers]):
        bits += "0" + fibonacci(number - last)
    bits += "0" * (-len(bits) % 6)
    return "".join(ALPHABET[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))


def fibonacci(number: int) -> str:
    numbers = [1, 2]
    while numbers[-1] <= number:
        numbers.append(numbers[-1] + numbers[-2])
    code = ""
    for step in reversed(numbers[:-1]):
        code = ("1" if step <= number else "0") + code
        number -= step * (step <= number)
    return code + "1"


def layouts() -> dict[tuple[str, int], list[tuple[str, int]]]:
    """Take the fields of the US sections, in order, from the vectors themselves."""
    found = {}
    for vector in VECTORS["gpp_strings"]:
        for name, fields in vector["sections"].items():
            if "Version" in fields and name.startswith("us") and name != "uspv1":
                found[name, fields["Version"]] = [
                    (field, len(value) if isinstance(value, list) else 1)
                    for field, value in fields.items()
                    if field not in ("Version", "GpcSegmentType", "Gpc")
                ]
    return found


LAYOUTS = layouts()
US_NUMBERS = {
    name: number
    for vector in VECTORS["gpp_strings"]
    for number, name in zip(vector["sectionIds"], vector["sections"], strict=True)
    if number in STATE_SECTIONS
}
WITH_GPC = {
    name
    for vector in VECTORS["gpp_strings"]
    for name, fields in vector["sections"].items()
    if "Gpc" in fields
}


def second_us(name: str, text: str) -> dict[str, Any] | None:
    head, *tail = text.split(".")
    tape = Tape(head)
    version = tape.number(6)
    if (name, version) not in LAYOUTS:
        return None
    fields: dict[str, Any] = {"Version": version}
    for field, count in LAYOUTS[name, version]:
        values = [tape.number(2) for _ in range(count)]
        if 3 in values:
            raise CutOff
        fields[field] = values if count > 1 else values[0]
    if "1" in tape.rest or len(tail) > (name in WITH_GPC):
        raise CutOff
    if name in WITH_GPC:
        fields["GpcSegmentType"], fields["Gpc"] = 1, False
    for part in tail:
        tape = Tape(part)
        if tape.number(2) != 1:
            raise CutOff
        fields["Gpc"] = tape.tear(1) == "1"
        if "1" in tape.rest:
            raise CutOff
    return fields


def damaged(texts: list[str], rounds: int, seed: int) -> Iterator[str]:
    """Yield strings with one to four random changes."""
    chance = random.Random(seed)
    for _ in range(rounds):
        text = chance.choice(texts)
        for _ in range(chance.choice((1, 1, 2, 4))):
            at = chance.randrange(len(text) + 1)
            change = chance.choice(("put", "put", "put", "cut", "insert", "drop"))
            new = chance.choice(ALPHABET + ".~=+\n") if change != "put" else chance.choice(ALPHABET)
            text = {
                "put": text[:at] + new + text[at + 1 :],
                "cut": text[:at],
                "insert": text[:at] + new + text[at:],
                "drop": text[:at] + text[at + 1 :],
            }[change]
        yield text


@pytest.mark.parametrize("text", TC_STRINGS)
def test_the_second_reading_itself_reads_the_vectors(text: str) -> None:
    assert decode_line("tc", text) == {"ok": True, "decoded": second_tc(text)}


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_damaged_tc_string_is_refused_or_read_as_it_stands(rounds: int) -> None:
    refused = 0
    for text in damaged(TC_STRINGS, rounds, seed=11):
        try:
            expected: dict[str, Any] | None = second_tc(text)
        except CutOff:
            expected = None

        answer = decode_line("tc", text)

        assert answer.get("decoded") == expected, text
        refused += not answer["ok"]
    assert 0 < refused < rounds


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_damaged_us_section_is_refused_or_read_as_it_stands(rounds: int) -> None:
    texts = [text for vector in VECTORS["gpp_strings"] for text in us_sections(vector).values()]
    names = sorted(US_NUMBERS)
    chance = random.Random(17)
    refused = 0
    for text in damaged(texts, rounds, seed=13):
        name = chance.choice(names)
        expected: dict[str, Any] | None = None
        if "~" not in text and text:
            try:
                fields = second_us(name, text)
                expected = {} if fields is None else {name: fields}
            except CutOff:
                expected = None

        answer = decode_line("gpp", f"{header([US_NUMBERS[name]])}~{text}")

        assert answer.get("decoded", {}).get("sections") == expected, (name, text)
        refused += not answer["ok"]
    assert 0 < refused < rounds


@given(st.lists(st.integers(1, 400), unique=True, min_size=1, max_size=12).map(sorted))
def test_a_header_names_its_sections_in_order(numbers: list[int]) -> None:
    # Sections above 27 have no layout here: any text will do for them.
    numbers = [number + 27 for number in numbers]

    answer = decode_line("gpp", "~".join([header(numbers), *("x" for _ in numbers)]))

    assert answer == {"ok": True, "decoded": {"sectionIds": numbers, "sections": {}}}


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_damaged_gpp_string_never_crashes_the_reader(rounds: int) -> None:
    for text in damaged(GPP_STRINGS, rounds, seed=19):
        answer = decode_line("gpp", text)

        assert set(answer) == ({"ok", "decoded"} if answer["ok"] else {"ok", "error"})


@pytest.mark.parametrize("rules", [TcRules(), TcRules(vendors_speak_for_site=True)])
def test_no_prefix_of_a_refusal_grants_anything(rules: TcRules) -> None:
    now_ms = from_iso("2026-11-22T12:00:00Z")
    for length in range(len(REJECT_ALL)):
        for cookie in ("euconsent-v2", "__gpp"):
            said = Tcf(rules=rules).read({cookie: REJECT_ALL[:length]}, now_ms)

            assert said is not None
            assert not any(said.allows(purpose) for purpose in CHOOSABLE)
