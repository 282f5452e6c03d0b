import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from byleave.experiments.simulation import Scenario, simulate, summarise
from byleave.segments import read
from byleave.server.commands.program import program

SCENARIO = """
arms: {control: 4%, bold: 8%, calm: 4%}
allocate: {policy: thompson, goal: signup, epoch: 24h}
days: 9
visits_per_day: 2000
"""


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Writes a scenario and simulates it."""

    def simulated(text: str, *options: str) -> Result:
        file = tmp_path / "scenario.yaml"
        file.write_text(text, encoding="utf-8")
        return CliRunner().invoke(program, ["simulate", "--config", str(file), *options])

    return simulated


def test_it_simulates_what_the_library_simulates(run: Any) -> None:
    result = run(SCENARIO, "--seeds", "3", "--json")

    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    scenario = read(
        Scenario,
        {
            "arms": {"control": "4%", "bold": "8%", "calm": "4%"},
            "allocate": {"policy": "thompson", "goal": "signup", "epoch": "24h"},
            "days": 9,
            "visits_per_day": 2000,
        },
    )
    runs = [simulate(scenario, seed) for seed in (1, 2, 3)]
    assert found["summary"]["runs"] == 3
    assert found["summary"]["regret"] == summarise(runs).regret
    assert [arm["arm"] for arm in found["summary"]["arms"]] == ["bold", "calm"]
    assert [each["seed"] for each in found["runs"]] == [1, 2, 3]
    assert [each["report"]["sentence"] for each in found["runs"]] == [
        each.report.sentence for each in runs
    ]


def test_the_same_seeds_give_the_same_text(run: Any) -> None:
    first, second = (run(SCENARIO, "--seeds", "2").stdout for _ in range(2))

    assert first == second
    assert first.startswith("2 experiments of 9 days, 18000 visits each\nreward ")
    assert [line.split()[0] for line in first.splitlines()[3:]] == ["arm", "bold", "calm"]


def test_json_is_yaml_enough(run: Any) -> None:
    text = json.dumps(
        {
            "arms": {"control": 0.04, "bold": [[0, 0.04], [1, 0.08]]},
            "allocate": {"policy": "fixed", "goal": "signup"},
            "days": 2,
            "visits_per_day": 500,
        }
    )

    result = run(text, "--seeds", "1")

    assert result.exit_code == 0, result.stderr
    # The difference varies, so no interval can hold it, and two days show nothing.
    assert result.stdout.splitlines()[-1].split() == ["bold", "0.0%", "-", "-", "-", "-"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SCENARIO.replace("days: 9", "days: nine"), ":4:1: expected a whole number, got 'nine'"),
        (SCENARIO.replace("days:", "dyas:"), "Did you mean 'days'?"),
        (SCENARIO.replace("control: 4%, ", ""), "arms: expected 'control' and at least one other"),
        ("arms: [", ":1:8: not readable as YAML"),
    ],
)
def test_a_scenario_with_a_fault_ends_with_1(run: Any, text: str, message: str) -> None:
    result = run(text)

    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


@pytest.mark.parametrize("text", ["", f"{SCENARIO}---{SCENARIO}"])
def test_one_file_is_one_scenario(run: Any, text: str) -> None:
    result = run(text)

    assert result.exit_code == 2
    assert "expected one scenario, found" in result.stderr


def test_a_file_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    command = ["simulate", "--config", str(tmp_path / "none.yaml")]

    result = CliRunner().invoke(program, command)

    assert (result.exit_code, result.stderr) == (
        2,
        f"{tmp_path / 'none.yaml'}: No such file or directory\n",
    )


def test_there_is_at_least_one_seed(run: Any) -> None:
    assert run(SCENARIO, "--seeds", "0").exit_code == 2
