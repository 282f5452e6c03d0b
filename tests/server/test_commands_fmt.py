import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from byleave.sdk.folder import load_folder
from byleave.server.commands.program import program
from byleave.server.layout import UnformattableError, formatted

ROOT = Path(__file__).resolve().parents[2]
BAKERY = ROOT / "tests" / "server" / "data" / "bakery"
EXAMPLE = ROOT / "examples" / "harbour_books" / "byleave"

UNTIDY = """\
# Everyone who bought.
segment:   buyers
title: "Buyers"     # the quotes stay

when:
    any:
    - event:   sign_up   # here, too
      count: {at_least:  1}
    # between two
    - {attribute: is_customer,   equals: true}
"""
TIDY = """\
# Everyone who bought.
segment: buyers
title: "Buyers"     # the quotes stay

when:
  any:
    - event: sign_up     # here, too
      count: {at_least: 1}
    # between two
    - {attribute: is_customer, equals: true}
"""


def fmt(*arguments: str | Path) -> Result:
    return CliRunner().invoke(program, ["fmt", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(BAKERY, tmp_path / "bakery"))
    (folder / "segments" / "buyers.yml").write_text(UNTIDY, encoding="utf-8")
    return folder


def test_files_are_laid_out_and_comments_stay(folder: Path) -> None:
    file = folder / "segments" / "buyers.yml"

    result = fmt(folder)

    assert result.exit_code == 0
    assert result.stderr == f"{file}: laid out\n5 files, 1 laid out\n"
    assert file.read_text(encoding="utf-8") == TIDY


def test_a_second_time_there_is_nothing_to_do(folder: Path) -> None:
    fmt(folder)

    result = fmt(folder, "--check")

    assert (result.exit_code, result.stderr) == (0, "5 files, 0 would change\n")


def test_a_check_changes_nothing_and_exits_with_1(folder: Path) -> None:
    file = folder / "segments" / "buyers.yml"

    result = fmt(folder, "--check")

    assert result.exit_code == 1
    assert result.stderr == f"{file}: would change\n5 files, 1 would change\n"
    assert file.read_text(encoding="utf-8") == UNTIDY


def test_one_file_is_enough(folder: Path) -> None:
    assert fmt(folder / "byleave.yaml").stderr == "1 file, 0 laid out\n"


def test_the_example_says_the_same_afterwards(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(EXAMPLE, tmp_path / "byleave"))

    result = fmt(copy)

    assert result.exit_code == 0
    assert load_folder(copy) == load_folder(EXAMPLE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", ":1: not readable as YAML"),
        ("a: 1\nb: 2\na: 3\n", ":3: not readable as YAML: found duplicate key"),
        ("a: \x07\n", ":1: not readable as YAML"),
        ("[" * 600, ":1: not readable as YAML"),
        ("a: [1,\n  2,  # two\n  3]\n", ":2: left as it is, or '# two' would be lost"),
        ("# head\n---\na: 1\n", ":1: left as it is, or '# head' would be lost"),
        ("a: 1\n---\n---\nb: 2\n", ":1: left as it is, or it would say something else"),
    ],
)
def test_what_cannot_be_laid_out_is_left_as_it_is_and_said(
    folder: Path, text: str, message: str
) -> None:
    file = folder / "odd.yaml"
    file.write_text(text, encoding="utf-8")

    result = fmt(folder)

    assert result.exit_code == 1
    assert f"{file}{message}" in result.stderr
    assert "buyers.yml: laid out" in result.stderr
    assert file.read_text(encoding="utf-8") == text


def test_a_file_that_is_not_text_is_left_as_it_is(folder: Path) -> None:
    (folder / "odd.yaml").write_bytes(b"\xff")

    result = fmt(folder)

    assert result.exit_code == 1
    assert f"{folder / 'odd.yaml'}:1: expected UTF-8" in result.stderr


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_without_yaml_is_wrong_use(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()

    result = fmt(tmp_path / name)

    assert (result.exit_code, result.stderr) == (2, f"no YAML file in {tmp_path / name}\n")


def test_without_the_library_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['ruamel.yaml'] = None; import byleave.server.__main__ as m"

    done = subprocess.run(
        [sys.executable, "-c", f"{code}; m.main()", "fmt", str(BAKERY)],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 2
    assert done.stderr == "laying out YAML needs ruamel.yaml: pip install 'byleave[server]'\n"


@pytest.mark.parametrize(
    "text",
    [
        "a: 012\nb: 0x1F\nc: 1_000\nd: 1.50\ne: +5\nf: ~\ng:\nh: yes\ni: 12:30\nj: True\n",
        "start: 2026-01-05T09:00:00Z\nday: 2026-01-05\n",
        "a: 'x'\nb: \"y\"\nc: ''\nd: '5'\n",
        "a: |   # about the text\n  one\n  two\nb: >-\n  folded\n  text\n",
        "a: &x {b: c}\nd: *x\n<<: {e: f}\n",
        "a: 1\n---\n# of the second\nb: 2\n# the end\n",
        "# nothing but words\n",
        "",
        f"a: {'long ' * 100}end\n",
        "caf\u00e9: \U0001f956\n",
    ],
)
def test_words_numbers_quotes_and_texts_stay_as_they_were_written(text: str) -> None:
    assert formatted(text) == text


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=20), st.floats(allow_nan=False)
)
trees = st.recursive(
    scalars,
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=3)
    ),
    max_leaves=15,
)


@given(
    tree=st.dictionaries(st.text(min_size=1, max_size=8), trees, min_size=1, max_size=4),
    is_flow=st.sampled_from([True, False, None]),
    indent=st.integers(2, 8),
    comment=st.booleans(),
)
def test_any_data_is_the_same_after_it_and_laying_out_twice_changes_nothing(
    tree: dict[str, object], is_flow: bool | None, indent: int, comment: bool
) -> None:
    text = yaml.safe_dump(tree, default_flow_style=is_flow, indent=indent, allow_unicode=True)
    if comment:
        text = f"# before\n{text}# after\n"

    try:
        once = formatted(text)
    except UnformattableError:
        return

    assert yaml.safe_load(once) == yaml.safe_load(text)
    assert formatted(once) == once
