from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from byleave.experiments.allocation import is_warming_up
from byleave.experiments.simulation import Run, Scenario, run_scenario
from byleave.experiments.simulation.visits import order_mean
from byleave.segments import read

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


def scenario(**changes: Any) -> Scenario:
    declared: dict[str, Any] = {
        "arms": {"control": "4%", "bold": "8%", "calm": "4%"},
        "allocate": {"policy": "thompson", "goal": "signup", "epoch": "6h"},
        "days": 8,
        "visits_per_day": 2_000,
    }
    return read(Scenario, declared | changes)


def enrolled(run: Run) -> float:
    return float(run.strata.counts.sum())


def test_the_same_seed_gives_the_same_run_and_another_one_another() -> None:
    first, again, other = (run_scenario(scenario(), seed) for seed in (1, 1, 2))

    assert first.rows == again.rows
    assert first.strata.sums.tolist() == again.strata.sums.tolist()
    assert first.rows != other.rows


def test_every_visit_is_enrolled_in_the_row_that_was_open() -> None:
    run = run_scenario(scenario(), 1)

    assert enrolled(run) == 16_000
    assert run.rows[0].opened_ms == 0
    assert run.rows[-1].closed_ms == 8 * DAY_MS
    assert all(before.closed_ms == after.opened_ms for before, after in pairwise(run.rows))
    lengths = [row.closed_ms - row.opened_ms for row in run.rows]
    assert all(6 * HOUR_MS <= length <= DAY_MS for length in lengths)
    np.testing.assert_allclose(
        run.strata.counts.sum(axis=1), np.array(lengths) / DAY_MS * 2_000, atol=1
    )


def test_weights_are_equal_for_a_day_and_then_follow_the_better_arm() -> None:
    run = run_scenario(scenario(), 1)

    assert run.rows[0].weights == pytest.approx(dict.fromkeys(("control", "bold", "calm"), 1 / 3))
    assert run.rows[0].closed_ms == DAY_MS
    assert run.rows[-1].weights["bold"] == pytest.approx(0.89, abs=0.01)
    assert is_warming_up(run.strata.counts[0], age_ms=DAY_MS) is False


def test_units_convert_at_the_declared_rates() -> None:
    run = run_scenario(scenario(days=30, visits_per_day=10_000), 3)

    counts, sums = run.strata.counts.sum(axis=0), run.strata.sums.sum(axis=0)
    rates = np.array([0.04, 0.08, 0.04])
    np.testing.assert_array_less(abs(sums - counts * rates), 4 * np.sqrt(counts * rates))


def test_regret_is_what_the_best_arm_of_each_cell_would_have_added() -> None:
    run = run_scenario(
        scenario(
            arms={"control": "4%", "bold": {"new": "6%", "old": "2%"}},
            cells={"new": "50%", "old": "50%"},
        ),
        1,
    )

    by_cell = {
        cell: run.strata.counts[[row.cell == cell for row in run.rows]].sum(axis=0)
        for cell in ("new", "old")
    }
    assert run.regret == pytest.approx(0.02 * by_cell["new"][0] + 0.02 * by_cell["old"][1])
    assert run.control_reward == pytest.approx(16_000 * 0.04)
    assert run.reward == pytest.approx(
        16_000 * 0.04 + 0.02 * by_cell["new"][1] - 0.02 * by_cell["old"][1]
    )
    assert run.rows[-1].weights["bold"] != run.rows[-2].weights["bold"]


def test_where_less_is_better_regret_is_what_was_too_much() -> None:
    run = run_scenario(scenario(better="lower"), 1)

    shown = run.strata.counts.sum(axis=0)
    assert run.regret == pytest.approx(0.04 * shown[1])
    assert run.rows[-1].weights["bold"] < 0.05


def test_visits_that_get_lost_are_missing_in_their_arm_only() -> None:
    run = run_scenario(scenario(lost={"calm": "50%"}, days=2), 1)

    shares = run.strata.counts[0] / run.strata.counts[0].sum()
    np.testing.assert_allclose(shares, [0.4, 0.4, 0.2], atol=0.03)


def test_fixed_weights_stay_and_rows_last_for_a_day() -> None:
    shares = {"control": "50%", "bold": "30%", "calm": "20%"}
    run = run_scenario(
        scenario(allocate={"policy": "fixed", "goal": "signup", "shares": shares}), 1
    )

    assert len(run.rows) == 8
    assert all(
        row.weights == pytest.approx({"control": 0.5, "bold": 0.3, "calm": 0.2}) for row in run.rows
    )


def test_conversions_that_come_late_teach_before_the_window_is_over_and_are_all_counted() -> None:
    late = scenario(within="3d", delay="2d", days=12, arms={"control": "20%", "bold": "30%"})
    run = run_scenario(late, 1)

    totals = run.strata.sums.sum(axis=0) / run.strata.counts.sum(axis=0)
    # After two days no window of three days is over yet.
    assert next(row for row in run.rows if row.opened_ms >= 2 * DAY_MS).weights["bold"] > 0.85
    np.testing.assert_allclose(totals, [0.2, 0.3], atol=0.03)


@pytest.mark.parametrize("times", [{}, {"within": "2d", "delay": "6h"}])
def test_values_are_learned_from_by_what_orders_are_worth(times: dict[str, str]) -> None:
    money = scenario(order={"mean": 40, "deviation": 20, "cap": 60}, days=12, **times)
    run = run_scenario(money, 1)

    means = run.strata.sums.sum(axis=0) / run.strata.counts.sum(axis=0)
    assert means[1] == pytest.approx(0.08 * order_mean(money.order), rel=0.1)
    assert run.reward == pytest.approx(float(run.strata.sums.sum()), rel=0.1)
    assert run.rows[-1].weights["bold"] > 0.8


def test_an_epoch_that_does_not_divide_the_run_ends_with_it() -> None:
    run = run_scenario(
        scenario(allocate={"policy": "thompson", "goal": "signup", "epoch": "7h"}), 1
    )

    assert enrolled(run) == 16_000
    assert run.rows[-1].closed_ms == 8 * DAY_MS
