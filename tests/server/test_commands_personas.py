import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from byleave.server.commands.program import program

DATA = Path(__file__).resolve().parent / "data"
BAKERY = DATA / "bakery"
PERSONAS = DATA / "tests" / "bakery" / "personas.yaml"

TEACHER = """
persona: teacher
now: 2026-03-02T10:00Z
region: GB
consent: {personalisation: granted, analytics: granted}
attributes: {industry: education, device: desktop}
events:
  - {event: page_view, properties: {path: /prices}, at: 3 days ago}
  - {event: page_view, properties: {path: /prices}, at: 1 hour ago}
  - {event: page_view, properties: {path: /prices}}
arms: {prices-hero: proof}
"""


def byleave(*arguments: str | Path) -> Result:
    return CliRunner().invoke(program, [str(argument) for argument in arguments])


@pytest.fixture
def persona(tmp_path: Path) -> Any:
    """Writes a persona and explains the bakery to it."""

    def explain(text: str, *options: str) -> Result:
        file = tmp_path / "persona.yaml"
        file.write_text(text, encoding="utf-8")
        return byleave("explain", BAKERY, "--persona", file, *options)

    return explain


@pytest.fixture
def expect(tmp_path: Path) -> Any:
    """Writes tests and runs them with the bakery's definitions."""

    def test(text: str, *options: str) -> Result:
        file = tmp_path / "tests.yaml"
        file.write_text(text, encoding="utf-8")
        return byleave("test", BAKERY, "--tests", file, *options)

    return test


def explained(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_an_explanation_gives_each_segment_its_verdict_sentence_and_tree(persona: Any) -> None:
    said = explained(persona(TEACHER, "--json"))

    assert {key: segment["verdict"] for key, segment in said["segments"].items()} == {
        "waiting-for-help": "false",
        "phones": "false",
        "schools": "true",
        "comparing": "true",
    }
    comparing = said["segments"]["comparing"]
    assert comparing["sentence"].startswith("true because: ")
    assert [node["verdict"] for node in comparing["tree"]["inside"]] == ["true", "true"]
    assert comparing["tree"]["inside"][0]["value"] == 3


def test_an_explanation_says_what_each_slot_shows_and_why(persona: Any) -> None:
    slots = explained(persona(TEACHER, "--json"))["slots"]

    assert {slot: decision["variant"] for slot, decision in slots.items()}["hero"] == "proof"
    assert slots["hero"]["experiments"] == {
        "prices-hero": "arm proof, as before",
        "schools-hero": "prices-hero is asked first and owns the slot",
    }
    assert slots["main-nav"]["experiments"] == {}


def test_without_consent_the_words_name_the_purpose_and_no_arm_is_drawn(persona: Any) -> None:
    said = explained(persona(TEACHER.replace("granted", "denied"), "--json"))

    assert said["segments"]["schools"]["verdict"] == "undetermined"
    assert said["segments"]["schools"]["reason"] == "withheld"
    assert said["slots"]["hero"]["variant"] == "control"
    why = said["slots"]["hero"]["experiments"]["prices-hero"]
    assert "needs consent to personalisation and to analytics" in why
    assert "personalisation consent is needed for" in why


@pytest.mark.parametrize(
    ("changed", "experiment", "why"),
    [
        (("device: desktop", "device: phone"), "schools-hero", "kept away, for phones is true"),
        (("industry: education", "industry: law"), "schools-hero", "schools is false because"),
        (("2026-03-02T10:00Z", "2027-03-02T10:00Z"), "schools-hero", "runs from 2026-01-05T09:00"),
        (("properties: {path: /prices}}", "}\n  - {event: sign_up}"), "prices-hero", "the goal"),
    ],
)
def test_whatever_keeps_an_experiment_away_is_told(
    persona: Any, changed: tuple[str, str], experiment: str, why: str
) -> None:
    slots = explained(persona(TEACHER.replace(*changed), "--json"))["slots"]

    assert why in slots["hero"]["experiments"][experiment]


def test_an_experiment_with_an_obstacle_is_never_the_one_that_is_decided(persona: Any) -> None:
    obstacles = ("needs consent", "kept away", " is false", " is undetermined", "runs from", "goal")
    for consent in ("all", "none", "{analytics: granted}"):
        for industry in ("education", "law"):
            for device in ("phone", "desktop"):
                said = explained(
                    persona(
                        f"consent: {consent}\n"
                        f"attributes: {{industry: {industry}, device: {device}}}\n"
                        "events: [{event: sign_up}]\nnow: 2026-03-02T10:00Z\n",
                        "--json",
                    )
                )
                for decision in said["slots"].values():
                    for key, why in decision["experiments"].items():
                        has_obstacle = any(word in why for word in obstacles)
                        assert has_obstacle != (key == decision.get("experiment")), why


def test_events_are_remembered_in_the_order_of_time_and_only_as_long_as_they_may(
    persona: Any,
) -> None:
    late = TEACHER.replace("3 days ago", "8 days ago")

    said = explained(persona(late, "--json", "--segment", "comparing"))

    assert said["segments"]["comparing"]["verdict"] == "false"
    assert list(said["segments"]) == ["comparing"]
    assert said["slots"] == {}


def test_the_text_says_the_same_as_the_data(persona: Any) -> None:
    text = persona(TEACHER).stdout

    assert text.startswith("teacher at 2026-03-02 10:00 UTC\n")
    assert "consent: granted personalisation, granted analytics (opt-in)" in text
    assert re.search(r"^comparing is true because: page view with path ", text, re.MULTILINE)
    assert re.search(r"^  false +is customer is true \(false\)$", text, re.MULTILINE)
    assert "hero shows proof\n  prices-hero: arm proof, as before\n" in text
    assert "main-nav shows the site's own content\n  no experiment is for this slot\n" in text


def test_journeys_are_told_as_steps_that_were_reached_when_they_were(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(BAKERY, tmp_path / "bakery"))
    (folder / "journeys.yaml").write_text(
        "journey: buy\n"
        "steps: [{key: compare, done: comparing}, {key: ask, done: waiting-for-help}]\n",
        encoding="utf-8",
    )
    file = tmp_path / "persona.yaml"
    file.write_text(TEACHER.replace("}}\narms", "}, at: 30 minutes ago}\narms"), encoding="utf-8")

    said = explained(byleave("explain", folder, "--persona", file, "--json"))
    text = byleave("explain", folder, "--persona", file).stdout

    buy = said["journeys"]["buy"]
    assert (buy["current"], buy["next"], buy["share"]) == ("compare", "ask", 0.5)
    assert said["now_ms"] - buy["reached"]["compare"] == buy["time_in_step_ms"] == 30 * 60_000
    assert "buy: 1 step done (50%)\n  compare, reached at 2026-03-02 09:30 UTC\n  next: ask" in text


def test_silence_is_explained_by_the_rule_of_the_region(persona: Any) -> None:
    told = [explained(persona(f"region: {place}\n", "--json"))["regime"] for place in ("DE", "US")]

    assert told == ["opt-in", "opt-out"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("region: de", "1:1: expected a country such as DE, or a state such as US-CA, got 'de'"),
        ("region: Germany", "1:1: expected a country such as DE"),
        ("attributes: {industri: x}", "1:14: unknown attribute 'industri'. Did you mean"),
        ("events: [{event: page_veiw}]", "1:11: unknown event 'page_veiw'. Did you mean"),
        (
            "events: [{event: page_view, properties: {pth: /}}]",
            "1:42: unknown property 'pth'. Did you mean 'path'?",
        ),
        ("arms: {prices: proof}", "1:8: unknown experiment 'prices'."),
        ("arms: {prices-hero: prof}", "1:8: unknown arm 'prof'. Did you mean 'proof'?"),
        ("consent: some", "1:1: expected `all`, `none`, or a mapping of purposes"),
        ("consent: {analytic: granted}", "1:11: unknown key 'analytic', expected one of"),
        ("consent: {analytics: yes}", "1:11: expected one of granted, denied, unset, got 'yes'"),
        ("now: yesterday", "1:1: expected a time with its offset such as 2026-03-02T10:00Z"),
        ("now: 2026-03-02", "1:1: expected a time with its offset"),
        (
            "events: [{event: page_view, at: later}]",
            "1:29: expected `3 days ago`, or a time with its offset such as 2026-03-02T10:00Z",
        ),
        ("title: a\ntitle: b", "2:1: 'title' stands here twice"),
        ("consent: [", "1:11: not readable as YAML"),
        ("- a list", "1:1: expected a mapping, got a list"),
        ("[a]: b", "1:1: expected text as a key"),
        ("a: &a [*a]", "nested too deeply, or aliases without end"),
    ],
)
def test_a_fault_of_a_persona_has_its_line(persona: Any, text: str, fault: str) -> None:
    result = persona(text)

    assert result.exit_code == 1
    assert f"/persona.yaml:{fault}" in result.stderr or fault in result.stderr
    assert result.stderr.endswith("1 fault\n")


def test_a_file_that_is_not_text_is_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "persona.yaml"
    file.write_bytes(b"\xff\xfe")

    result = byleave("explain", BAKERY, "--persona", file)

    assert result.exit_code == 1
    assert f"{file}:1:1: not readable as YAML" in result.stderr


def test_a_persona_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    result = byleave("explain", BAKERY, "--persona", tmp_path / "nobody.yaml")

    assert result.exit_code == 2
    assert result.stderr == f"{tmp_path / 'nobody.yaml'}: No such file or directory\n"


def test_one_file_is_one_persona() -> None:
    result = byleave("explain", BAKERY, "--persona", PERSONAS)

    assert result.exit_code == 2
    assert result.stderr.endswith("expected one persona, found 2 documents\n")


def test_a_segment_that_does_not_exist_is_wrong_use(persona: Any) -> None:
    result = persona(TEACHER, "--segment", "compering")

    assert result.exit_code == 2
    assert "Did you mean 'comparing'?" in result.stderr


def test_expectations_that_are_met_exit_with_0() -> None:
    result = byleave("test", BAKERY)

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "3 tests\n0 failures\n")


@pytest.mark.parametrize("folder", ["bakery", "../data/bakery", "bakery/", "bakery/."])
def test_tests_stand_beside_the_definitions(folder: str, monkeypatch: Any) -> None:
    monkeypatch.chdir(DATA)

    assert byleave("test", folder).exit_code == 0


def test_tests_are_found_from_inside_the_folder(monkeypatch: Any) -> None:
    monkeypatch.chdir(BAKERY)

    assert byleave("test", ".").exit_code == 0


FAILING = """test: Teachers are everywhere
persona:
  now: 2026-03-02T10:00Z
  consent: all
  attributes: {industry: education}
inside: [schools, comparing]
outside:
  - schools
undetermined: [phones, comparing]
sees: {hero: proof}
"""


def test_each_expectation_that_is_not_met_is_told_with_its_line_and_the_reason(expect: Any) -> None:
    result = expect(FAILING)

    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    told = [re.sub(r".*/tests.yaml:", "", line) for line in lines]
    assert told[0] == "1 test"
    assert told[1].startswith(
        "6:19: Teachers are everywhere: expected comparing to be true, but it is false because: "
    )
    assert told[2].startswith("8:5: Teachers are everywhere: expected schools to be false, but")
    assert told[3].startswith("9:24: ")
    assert told[4].startswith(
        "10:8: Teachers are everywhere: expected hero to show proof, but it shows "
    )
    assert "; prices-hero: comparing is false because: " in told[4]
    assert told[5] == "4 failures"


def test_failures_are_told_as_json_and_as_annotations(expect: Any) -> None:
    as_json, as_github = (expect(FAILING, "--format", style) for style in ("json", "github"))

    assert [fault["line"] for fault in json.loads(as_json.stdout)["faults"]] == [6, 8, 9, 10]
    assert as_github.stdout.count("::error file=") == 4
    assert (as_json.exit_code, as_github.exit_code) == (1, 1)


def test_a_failing_definition_is_told_before_any_test_runs(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(BAKERY, tmp_path / "bakery"))
    (folder / "byleave.yaml").write_text("site: bakery\nholdout: 7\n", encoding="utf-8")

    result = byleave("test", folder)

    assert result.exit_code == 1
    assert "bakery/byleave.yaml:2:1: " in result.stderr


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("test: a\npersona: b", "2:1: unknown persona 'b'. No persona is defined yet."),
        ("test: a", "1:1: 'persona' is missing"),
        ("test: a\npersona: {title: 1}", "2:11: expected text, got 1"),
        ("test: a\npersona: {arms: {x: y}}", "2:18: unknown experiment 'x'."),
        ("test: a\npersona: {}\ninside: [compering]", "3:10: unknown segment 'compering'."),
        ("test: a\npersona: {}\nsees: {hro: x}", "3:8: unknown slot 'hro'. Did you mean 'hero'?"),
        (
            "test: a\npersona: {}\nsees: {hero: prof}",
            "3:8: unknown variant of hero 'prof'. Did you mean 'proof'?",
        ),
        ("test: a\npersona: {}\ninsied: []", "3:1: unknown key 'insied', expected one of"),
        ("persona: a\n---\npersona: a", "3:1: there is another persona 'a'"),
        ("title: nothing", "1:1: expected a document with `test:` or `persona:`"),
        ("just words", "1:1: expected a document with `test:` or `persona:`"),
        ("test: [", "1:8: not readable as YAML"),
    ],
)
def test_a_fault_of_a_test_has_its_line(expect: Any, text: str, fault: str) -> None:
    result = expect(text)

    assert result.exit_code == 1
    assert f"/tests.yaml:{fault}" in result.stderr


@pytest.mark.parametrize("text", ["", "persona: lonely"])
def test_no_test_is_wrong_use(expect: Any, text: str) -> None:
    result = expect(text)

    assert result.exit_code == 2
    assert result.stderr.startswith("no test in ")


def test_a_folder_of_tests_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    result = byleave("test", BAKERY, "--tests", tmp_path / "tests")

    assert (result.exit_code, result.stderr) == (2, f"no test in {tmp_path / 'tests'}\n")
