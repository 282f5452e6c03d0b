import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from byleave.server.commands.program import program

DATA = Path(__file__).resolve().parents[1] / "data"
VECTORS = json.loads((DATA / "consent_vectors.json").read_text(encoding="utf-8"))


def decode(specification: str, text: str | bytes) -> Result:
    return CliRunner().invoke(program, ["consent", "decode", "--format", specification], input=text)


def answers(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0
    assert result.stderr == ""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_transparency_and_consent_strings_are_decoded_in_their_order() -> None:
    vectors = VECTORS["tc_strings"]

    result = decode("tc", "".join(f"{vector['string']}\n" for vector in vectors))

    assert answers(result) == [{"ok": True, "decoded": vector["decoded"]} for vector in vectors]


def test_global_privacy_platform_strings_name_their_sections() -> None:
    vectors = VECTORS["gpp_strings"]

    result = decode("gpp", "".join(f"{vector['string']}\n" for vector in vectors))

    found = answers(result)
    assert [answer["decoded"]["sectionIds"] for answer in found] == [
        vector["sectionIds"] for vector in vectors
    ]
    assert all(set(answer["decoded"]) == {"sectionIds", "sections"} for answer in found)


def test_a_us_privacy_string_is_decoded_with_or_without_an_end_of_line() -> None:
    said = {"Version": 1, "Notice": "Y", "OptOutSale": "N", "LspaCovered": "-"}

    result = decode("usp", "1YN-\r\n1YN-")

    assert answers(result) == [{"ok": True, "decoded": said}] * 2


def test_what_is_no_consent_string_is_answered_and_the_next_line_is_read() -> None:
    first, empty, last = answers(decode("usp", "no such string\n\n1---\n"))

    assert (first["ok"], empty["ok"], last["ok"]) == (False, False, True)
    assert first["error"] == "expected 1 and three of Y, N and -, as in 1YNN"


@pytest.mark.parametrize("length", [4_097, 8_191, 8_192, 8_193, 1_000_000])
def test_a_line_of_any_length_has_one_answer(length: int) -> None:
    too_long, good = answers(decode("usp", "1" * length + "\n1YNN\n"))

    assert not too_long["ok"]
    assert good["ok"]


@pytest.mark.parametrize("specification", ["tc", "gpp", "usp"])
@settings(max_examples=50)
@given(text=st.binary(max_size=200))
def test_any_bytes_have_one_answer_a_line(specification: str, text: bytes) -> None:
    found = answers(decode(specification, text))

    assert len(found) == text.count(b"\n") + (not text.endswith(b"\n") and text != b"")
    assert all(set(answer) in ({"ok", "decoded"}, {"ok", "error"}) for answer in found)


def test_no_line_no_answer() -> None:
    assert answers(decode("tc", "")) == []


def test_the_format_must_be_named() -> None:
    result = CliRunner().invoke(program, ["consent", "decode"], input="1YNN\n")

    assert result.exit_code == 2
