import json
from dataclasses import replace
from typing import Any

import pytest

from byleave.experiments.lift import Status
from byleave.experiments.simulation import (
    Scenario,
    Simulated,
    look_often,
    run_scenario,
    simulate,
    summarise,
)
from byleave.segments import read

DAY_MS = 86_400_000


def scenario(**changes: Any) -> Scenario:
    declared: dict[str, Any] = {
        "arms": {"control": "4%", "bold": "8%", "calm": "4%"},
        "allocate": {"policy": "thompson", "goal": "signup", "epoch": "24h"},
        "days": 12,
        "visits_per_day": 2_000,
    }
    return read(Scenario, declared | changes)


@pytest.fixture(scope="module")
def simulated() -> Simulated:
    return simulate(scenario(), 1)


def test_the_report_is_that_of_the_product(simulated: Simulated) -> None:
    report = simulated.report

    assert report.status is Status.WON
    assert report.sentence.startswith("Among visitors who may be measured, bold raised signup by ")
    assert report.units == 24_000
    assert report.rows == 12


def test_looking_after_every_row_tells_what_was_seen_and_whether_it_was_true(
    simulated: Simulated,
) -> None:
    bold, calm = simulated.looks

    assert (bold.arm, calm.arm) == ("bold", "calm")
    assert bold.difference == pytest.approx(0.04)
    assert calm.difference == pytest.approx(0)
    assert bold.always_valid_holds is bold.guaranteed_holds is bold.fixed_holds is True
    # Five rows, and a day until the fifth one is mature.
    assert bold.seen_ms is not None
    assert 6 * DAY_MS <= bold.seen_ms <= 13 * DAY_MS
    assert calm.seen_ms is None
    assert bold.last is not None
    assert bold.last.difference_interval == simulated.report.arms[1].difference_interval


def test_coverage_has_no_meaning_where_the_difference_varies() -> None:
    varying = scenario(arms={"control": "4%", "bold": [["0%", "4%"], ["100%", "8%"]]})

    [bold] = simulate(varying, 1).looks

    assert bold.difference is None
    assert bold.fixed_holds is bold.always_valid_holds is None
    assert summarise([simulate(varying, 1)]).arms[0].naive_coverage is None


def test_an_arm_with_hardly_any_unit_is_not_looked_at() -> None:
    shares = {"control": "50%", "bold": "50%", "calm": "0%"}
    tiny = scenario(
        allocate={"policy": "fixed", "goal": "signup", "shares": shares},
        days=1,
        visits_per_day=50,
    )

    looks = look_often(tiny, run_scenario(tiny, 1), "calm", alpha=0.05)

    assert looks.last is None
    assert looks.naive_holds is True


def test_a_miss_is_counted() -> None:
    truth = scenario(arms={"control": "4%", "bold": "4%"}, allocate=_fixed())
    claim = scenario(arms={"control": "4%", "bold": "9%"}, allocate=_fixed())

    looks = look_often(claim, run_scenario(truth, 1), "bold", alpha=0.05)

    assert looks.fixed_holds is looks.always_valid_holds is looks.naive_holds is False


def test_many_runs_are_summed_up() -> None:
    runs = [simulate(scenario(days=8), seed) for seed in range(3)]

    summary = summarise(runs)

    assert summary.runs == 3
    assert summary.regret == pytest.approx(sum(each.run.regret for each in runs) / 3)
    assert summary.regret_error > 0
    assert summary.reward > summary.control_reward == pytest.approx(16_000 * 0.04)
    bold, calm = summary.arms
    assert bold.always_valid_coverage == 1
    assert bold.seen_share == 1
    assert bold.seen_ms is not None
    assert (calm.seen_share, calm.seen_ms) == (0, None)
    assert summarise(runs[:1]).regret_error == 0


def test_the_median_time_until_a_lift_is_seen_counts_runs_that_never_saw_it() -> None:
    [run] = [simulate(scenario(), 1)]
    blind = replace(run, looks=tuple(replace(each, seen_ms=None) for each in run.looks))

    assert summarise([run, run, blind]).arms[0].seen_ms == run.looks[0].seen_ms
    assert summarise([run, blind, blind]).arms[0].seen_ms is None


def test_no_runs_have_no_summary() -> None:
    with pytest.raises(ValueError, match="at least one"):
        summarise([])


def test_a_simulated_experiment_survives_json(simulated: Simulated) -> None:
    data = json.loads(json.dumps(simulated.to_dict(), allow_nan=False))

    assert data["seed"] == 1
    assert data["regret"] == simulated.run.regret
    assert data["report"]["status"] == "Won"
    assert data["rows"][0]["weights"] == dict(simulated.run.rows[0].weights)
    assert data["looks"][0]["seen_ms"] == simulated.looks[0].seen_ms


def _fixed() -> dict[str, str]:
    return {"policy": "fixed", "goal": "signup"}
