"""Escapes in definitions that stand for no character are faults, each at its place."""

from pathlib import Path

import pytest

from byleave.sdk.folder import load_folder
from byleave.segments import DefinitionError

HALF = "expected characters, and an escape stands here for half of one"


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (
            'title: "Zoë \\UFFFFFFFF"',
            ["byleave.yaml:2:13: expected a character, and an escape stands for none"],
        ),
        (
            'title: "\\U00110000"',
            ["byleave.yaml:2:9: expected a character, and an escape stands for none"],
        ),
        (
            'regions: {"\\ude00": a, DE: "\\ud83d"}',
            [f"byleave.yaml:2:{column}: {HALF}" for column in (11, 28)],
        ),
    ],
)
def test_an_escape_of_no_character_is_a_fault_at_its_place(
    tmp_path: Path, text: str, faults: list[str]
) -> None:
    (tmp_path / "byleave.yaml").write_text(f"site: shop\n{text}\n", encoding="utf-8")

    with pytest.raises(DefinitionError) as raised:
        load_folder(tmp_path)

    assert [str(fault) for fault in raised.value.faults if "escape" in str(fault)] == faults
