import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from byleave.server.commands.program import program

BAKERY = Path(__file__).resolve().parent / "data" / "bakery"
NO_FAULT = "bakery: 4 segments, 3 experiments, no fault\n"

# Whatever would start a process, listen, connect or change a file ends the command at once.
WATCHED = """
import sys

def watch(event, arguments):
    is_writing = event == "open" and isinstance(arguments[1], str) and arguments[1].strip("rbtU")
    if is_writing or event.startswith(("socket.", "subprocess.", "os.fork", "sqlite3.")):
        raise SystemExit(f"started: {event} {arguments}")

sys.dont_write_bytecode = True
sys.addaudithook(watch)
"""

RUN = "from byleave.server.__main__ import main; main()"


def byleave(*arguments: str) -> Result:
    return CliRunner().invoke(program, arguments)


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BAKERY, tmp_path / "byleave"))


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_set_without_a_fault_exits_with_0_and_leaves_standard_output_alone() -> None:
    result = byleave("validate", str(BAKERY))

    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr == NO_FAULT


def test_every_fault_is_told_at_once_with_its_line_and_a_suggestion(folder: Path) -> None:
    change(folder / "segments" / "schools.yaml", "attribute: is_customer", "attribute: is_custmer")
    change(folder / "byleave.yaml", "site: bakery", "site: bakery\nholdout: 500%")
    change(
        folder / "experiments" / "prices-hero.yaml", "audience: comparing", "audiense: comparing"
    )

    result = byleave("validate", str(folder))

    assert result.exit_code == 1
    assert f"{folder}/byleave.yaml:3:1: " in result.stderr
    assert f"{folder}/experiments/prices-hero.yaml:3:1: " in result.stderr
    assert "Did you mean 'audience'?" in result.stderr
    assert result.stderr.endswith("2 faults\n")


def test_names_are_checked_once_the_shapes_are_right(folder: Path) -> None:
    change(folder / "segments" / "schools.yaml", "attribute: is_customer", "attribute: is_custmer")

    result = byleave("validate", str(folder))

    assert result.exit_code == 1
    assert f"{folder}/segments/schools.yaml:18:11: unknown attribute 'is_custmer'." in result.stderr
    assert "Did you mean 'is_customer'?" in result.stderr


def test_a_text_that_is_missing_in_a_locale_is_told_at_its_field(folder: Path) -> None:
    change(
        folder / "experiments" / "prices-hero.yaml",
        "fields: {title: Trusted by 300 schools}",
        "fields: {title: {en: Trusted by 300 schools, de-at: Bewährt, im Alltag}}",
    )

    shape = byleave("validate", str(folder))
    change(folder / "experiments" / "prices-hero.yaml", "Bewährt, im Alltag", '""')
    change(folder / "byleave.yaml", "site: bakery", "site: bakery\nlocale: country")
    names = byleave("validate", str(folder))

    place = f"{folder}/experiments/prices-hero.yaml:10"
    assert f"{place}:72: expected text, got nothing; a text with a comma needs quotes" in (
        shape.stderr
    )
    assert f"{folder}/byleave.yaml:3:1: unknown attribute 'country'" in names.stderr
    assert f"{place}:56: no text in 'de-at': write it, or take" in names.stderr


def test_a_file_that_is_not_yaml_is_a_fault_with_a_line(folder: Path) -> None:
    (folder / "segments" / "broken.yaml").write_text("segment: broken\nwhen: [\n", encoding="utf-8")

    result = byleave("validate", str(folder))

    assert result.exit_code == 1
    assert f"{folder}/segments/broken.yaml:3:1: not readable as YAML" in result.stderr


def test_faults_as_json_are_all_that_is_on_standard_output(folder: Path) -> None:
    change(folder / "byleave.yaml", "site: bakery", "site: bakery\nholdout: 500%")

    result = byleave("validate", str(folder), "--format", "json")

    assert result.exit_code == 1
    [fault] = json.loads(result.stdout)["faults"]
    assert fault["path"] == ["holdout"]
    assert (fault["file"], fault["line"], fault["column"]) == (f"{folder}/byleave.yaml", 3, 1)
    assert "a share" in fault["message"]


def test_no_fault_is_an_empty_list_as_json() -> None:
    result = byleave("validate", str(BAKERY), "--format", "json")

    assert (result.exit_code, json.loads(result.stdout)) == (0, {"faults": [], "advice": []})


IMPOSSIBLE = """
segment: nobody
when: {all: [{attribute: device, equals: phone}, {attribute: device, equals: desktop}]}
"""


def test_advice_follows_where_there_is_no_fault(folder: Path) -> None:
    change(
        folder / "byleave.yaml",
        "sign_up:",
        "sign_down: {purposes: [analytics], ttl: 1d}\n  sign_up:",
    )

    result = byleave("validate", str(folder))

    assert result.exit_code == 0
    assert result.stderr == (
        f"{folder}/byleave.yaml:12:3: warning: nothing reads event 'sign_down', so it is not "
        "collected; use it or leave it out\n"
        "bakery: 4 segments, 3 experiments, no fault, 1 warning\n"
    )


def test_what_can_never_work_is_an_error(folder: Path) -> None:
    (folder / "segments" / "nobody.yaml").write_text(IMPOSSIBLE, encoding="utf-8")

    result = byleave("validate", str(folder))

    assert result.exit_code == 1
    assert f"{folder}/segments/nobody.yaml:3:1: error: nobody can ever be in" in result.stderr
    assert result.stderr.endswith("5 segments, 3 experiments, no fault, 1 error, 1 warning\n")


def test_advice_as_json_says_how_bad_it_is(folder: Path) -> None:
    (folder / "segments" / "nobody.yaml").write_text(IMPOSSIBLE, encoding="utf-8")

    result = byleave("validate", str(folder), "--format", "json")

    told = json.loads(result.stdout)["advice"]
    assert [(each["severity"], each["line"]) for each in told] == [("error", 3), ("warning", 2)]


def test_whom_an_audience_leaves_out_is_told_on_request() -> None:
    result = byleave("validate", str(BAKERY), "--notes", "--format", "github")

    assert result.exit_code == 0
    assert result.stdout.count("::notice file=") == 3
    assert "reaches nobody of whom the server has no record: it needs industry." in result.stdout


def test_faults_as_annotations_keep_to_one_escaped_line_each(folder: Path) -> None:
    change(folder / "byleave.yaml", "site: bakery", "site: bakery\nholdout: 500%")

    result = byleave("validate", str(folder), "--format", "github")

    assert result.exit_code == 1
    [line] = result.stdout.splitlines()
    assert line.startswith(f"::error file={folder}/byleave.yaml,line=3,col=1::")
    assert "500%25" in line


def test_a_folder_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    result = byleave("validate", str(tmp_path / "nowhere"))

    assert result.exit_code == 2
    assert f"no byleave.yaml in {tmp_path / 'nowhere'}" in result.stderr


def test_a_format_that_does_not_exist_is_wrong_use() -> None:
    result = byleave("validate", str(BAKERY), "--format", "xml")

    assert result.exit_code == 2
    assert result.stdout == ""


def test_without_pyyaml_it_says_what_to_install() -> None:
    done = python(f"import sys; sys.modules['yaml'] = None; {RUN}", "validate", str(BAKERY))

    assert done.returncode == 2
    assert "pip install pyyaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_server_extra_it_says_what_to_install() -> None:
    done = python(f"import sys; sys.modules['typer'] = None; {RUN}", "validate", str(BAKERY))

    assert done.returncode == 2
    assert done.stderr == "the command line needs typer: pip install 'byleave[server]'\n"


def test_validating_starts_nothing_and_writes_nothing() -> None:
    done = python(f"{WATCHED}\n{RUN}", "validate", str(BAKERY))

    assert (done.returncode, done.stderr) == (0, NO_FAULT)


def test_neither_help_nor_validating_waits_for_numpy() -> None:
    unwanted = "{'numpy', 'scipy', 'starlette', 'sqlalchemy'} & {*sys.modules}"
    code = f"import atexit, sys; atexit.register(lambda: print({unwanted})); {RUN}"

    done = python(code, "validate", str(BAKERY))

    assert done.stdout == "set()\n"
