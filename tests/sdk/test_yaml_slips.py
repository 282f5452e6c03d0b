"""What is no YAML is told with its place and what to do about it."""

from pathlib import Path

import pytest

from byleave.sdk.folder import load_folder
from byleave.segments import DefinitionError


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ("slots:\n\thero: {kind: content}\n", "3:1", "indent by spaces, not by tabs"),
        ("slots:\n  a: {}\n   b: {}\n", "4:4", "begin what belongs together in one column"),
        ("slots:\n  a: {}\n b: {}\n", "4:2", "begin what belongs together in one column"),
        (" holdout: 5%\n", "2:9", "and begin keys that belong together in one column"),
        ('title: "Gold" members\n', "2:15", "put the whole text between quotes"),
        ("title: @gold\n", "2:8", "put text that begins with it between quotes"),
        ("title: %gold\n", "2:8", "put text that begins with it between quotes"),
        ("title: Gold: members\n", "2:12", "and begin keys that belong together in one column"),
        ("title:Gold\nuse: personalisation\n", "3:1", "a key ends with a colon and a space"),
        ("regions: {default: opt-in\n", "3:1", "put text with , or : between quotes"),
    ],
)
def test_a_slip_says_what_to_do(tmp_path: Path, text: str, place: str, remedy: str) -> None:
    (tmp_path / "byleave.yaml").write_text(f"site: shop\n{text}")

    with pytest.raises(DefinitionError) as caught:
        load_folder(tmp_path)

    [fault] = caught.value.faults
    assert str(fault).startswith(f"byleave.yaml:{place}: not readable as YAML: ")
    assert str(fault).endswith(remedy)


def test_what_is_too_much_to_read_is_told_once(tmp_path: Path) -> None:
    many = ", ".join(map(str, range(60_000)))
    (tmp_path / "byleave.yaml").write_text(f"site: shop\nslots: {{}}\nregions: [{many}]\n")

    with pytest.raises(DefinitionError) as caught:
        load_folder(tmp_path)

    [fault] = caught.value.faults
    assert str(fault).startswith("byleave.yaml:3:")
    assert str(fault).endswith("more than 50,000 values in all, or aliases without end")
