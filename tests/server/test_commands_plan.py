"""`byleave stats plan`: what it prints, and what it refuses."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from byleave.server.commands.program import program

USUAL = {"baseline": 0.05, "lift": 0.3, "units_per_day": 2_000, "policy": "fixed"}


def run(**changes: Any) -> Result:
    return CliRunner().invoke(program, ["stats", "plan"], input=json.dumps(USUAL | changes))


def plan(**changes: Any) -> Any:
    result = run(**changes)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_plan_has_units_and_days() -> None:
    found = plan(within="7d")

    assert found["units"] == 2_000 * found["enrolling_days"]
    assert found["seen_days"] == found["enrolling_days"] + 8


def test_what_is_asked_is_what_is_planned() -> None:
    usual = plan()["enrolling_days"]

    assert plan(arms=4)["enrolling_days"] > usual
    assert plan(policy="thompson")["enrolling_days"] > usual
    assert plan(lift=0.6)["enrolling_days"] < usual
    assert plan(baseline=5, deviation=10)["enrolling_days"] < usual


def test_more_than_one_would_wait_is_said_and_ends_with_1() -> None:
    result = run(lift=0.01, most_days=30)

    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "refused": "half of all experiments do not see it in 30 days"
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arms": 1}, "$.arms: expected 2 to 20, got 1"),
        ({"most_days": 0}, "$.most_days: expected 1 to 3650, got 0"),
        ({"units_per_day": 1e40}, "$.units_per_day: expected more than 0 and at most 1e+09"),
        ({"baseline": 5}, "$: baseline, lift: expected conversion rates between 0 and 1"),
        ({"deviation": -1}, "$: deviation: expected more than 0"),
        ({"arms": 20, "policy": "thompson"}, "$: expected floors >= 0 of at most 20% together"),
        ({"lfit": 1}, "unknown key 'lfit'"),
        ({"lift": "much"}, "$.lift: "),
    ],
)
def test_what_cannot_be_planned_is_refused(changes: dict[str, Any], words: str) -> None:
    result = run(**changes)

    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_a_unit_in_days_leaves_arms_without_any_and_is_no_error() -> None:
    assert run(units_per_day=0.3, most_days=60).exit_code == 1
