import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.experiments.allocation import (
    LONGEST_ROW_MS,
    Evidence,
    Method,
    Observed,
    compare_arms,
    evidence,
    is_replaced,
    is_ripe,
    next_weights,
    normal_posterior,
)
from byleave.experiments.definitions import (
    Allocate,
    Policy,
    Prior,
)
from byleave.experiments.goals import Better, Goal, GoalKind
from byleave.segments import Duration, Share, plain, read

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
LEARNING = Allocate(policy=Policy.THOMPSON, goal="signup")
SIGNUP = Goal(event="sign_up", kind=GoalKind.CONVERSION, within=Duration(7 * DAY_MS))
REVENUE = Goal(event="purchase", kind=GoalKind.VALUE, within="page", of="amount", cap=100.0)
ARMS = ("control", "bold", "calm")


def seen(**changes: Any) -> Evidence:
    found: dict[str, Any] = {
        "arms": ARMS,
        "before": (1 / 3, 1 / 3, 1 / 3),
        "age_ms": 2 * DAY_MS,
        "enrolled": (500.0, 500.0, 500.0),
        "reached": (20.0, 40.0, 20.0),
        "units": (500.0, 500.0, 500.0),
        "sums": (20.0, 40.0, 20.0),
        "borrowed_units": (0.0, 0.0, 0.0),
        "borrowed_sums": (0.0, 0.0, 0.0),
        "variance": 0.0,
    }
    return Evidence(**(found | changes))


def values(**changes: Any) -> Evidence:
    return seen(
        **(
            {"reached": (50.0, 50.0, 50.0), "sums": (2_000.0, 3_000.0, 2_000.0), "variance": 400.0}
            | changes
        )
    )


def test_fixed_weights_stay() -> None:
    fixed = Allocate(policy=Policy.FIXED, goal="signup")

    step = next_weights(fixed, SIGNUP, seen(before=(0.5, 0.3, 0.2)))

    assert (step.method, step.weights) == (
        Method.FIXED,
        {"control": 0.5, "bold": 0.3, "calm": 0.2},
    )


@pytest.mark.parametrize("changes", [{"age_ms": DAY_MS - 1}, {"enrolled": (500.0, 99.0, 500.0)}])
def test_weights_are_equal_while_the_run_warms_up(changes: dict[str, Any]) -> None:
    step = next_weights(LEARNING, SIGNUP, seen(**changes))

    assert step.method is Method.WARM_UP
    assert step.weights == pytest.approx(dict.fromkeys(ARMS, 1 / 3))


def test_weights_follow_the_probability_of_being_best_above_the_floors() -> None:
    step = next_weights(LEARNING, SIGNUP, seen())

    assert step.method is Method.THOMPSON
    assert sum(step.weights.values()) == 1
    assert step.weights["bold"] == pytest.approx(0.88, abs=0.005)
    assert step.weights["control"] == pytest.approx(0.10, abs=0.005)
    assert step.weights["calm"] == pytest.approx(0.01, abs=0.005)


def test_where_less_is_better_the_lowest_rate_wins() -> None:
    step = next_weights(LEARNING, replace(SIGNUP, better=Better.LOWER), seen())

    assert step.weights["bold"] == pytest.approx(0.01, abs=1e-3)


@pytest.mark.parametrize("kind", [GoalKind.VALUE, GoalKind.TIME, GoalKind.COUNT])
def test_values_are_learned_from_by_their_means(kind: GoalKind) -> None:
    step = next_weights(LEARNING, replace(REVENUE, kind=kind), values())

    best = compare_arms(
        normal_posterior([500, 500, 500], [2_000, 3_000, 2_000], variance=400.0)
    ).best
    assert step.method is Method.THOMPSON
    assert step.weights["bold"] == pytest.approx(0.01 + 0.88 * best[1], abs=1e-9)


@pytest.mark.parametrize(
    "changes", [{"reached": (50.0, 39.0, 50.0)}, {"units": (500.0, 0.0, 500.0)}]
)
def test_values_wait_for_forty_orders_and_for_units_in_the_cell(changes: dict[str, Any]) -> None:
    assert next_weights(LEARNING, REVENUE, values(**changes)).method is Method.WARM_UP


def test_a_prior_replaces_the_default_one() -> None:
    known = replace(LEARNING, prior=Prior(rate=Share(0.04), units=2_000.0))
    nothing = seen(units=(0.0,) * 3, sums=(0.0,) * 3)

    free = next_weights(LEARNING, SIGNUP, seen()).weights
    held = next_weights(known, SIGNUP, seen()).weights
    blank = next_weights(known, SIGNUP, nothing).weights

    assert held["bold"] < free["bold"] - 0.05
    assert [blank[arm] for arm in ARMS] == pytest.approx([0.3933, 0.3033, 0.3033], abs=1e-3)


def test_the_rate_of_a_prior_may_be_that_of_the_sites_earlier_runs() -> None:
    declared = replace(LEARNING, prior=Prior(rate=Share(0.04), units=2_000.0))
    historic = replace(LEARNING, prior=Prior(units=2_000.0))

    expected = next_weights(declared, SIGNUP, seen())

    assert next_weights(historic, SIGNUP, seen(site_rate=0.04)) == expected
    assert next_weights(declared, SIGNUP, seen(site_rate=0.5)) == expected
    assert next_weights(historic, SIGNUP, seen()) == next_weights(LEARNING, SIGNUP, seen())


def test_a_step_moves_no_more_traffic_than_it_may() -> None:
    careful = replace(LEARNING, largest_step=Share(0.2))

    step = next_weights(careful, SIGNUP, seen())

    assert step.weights["bold"] == pytest.approx(1 / 3 + 0.2, abs=0.005)
    assert sum(step.weights.values()) == 1


def test_what_other_cells_taught_counts_like_units_of_its_own() -> None:
    lent = seen(
        units=(300.0, 300.0, 300.0),
        sums=(12.0, 24.0, 12.0),
        borrowed_units=(200.0, 200.0, 200.0),
        borrowed_sums=(8.0, 16.0, 8.0),
    )

    assert next_weights(LEARNING, SIGNUP, lent) == next_weights(LEARNING, SIGNUP, seen())


@given(st.permutations(range(3)))
def test_permuting_arms_permutes_their_weights(order: list[int]) -> None:
    def permuted(figures: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(figures[index] for index in order)

    given_ = seen(sums=(20.0, 30.0, 26.0))
    shuffled = replace(given_, arms=permuted(ARMS), sums=permuted(given_.sums))

    weights = next_weights(LEARNING, SIGNUP, shuffled).weights

    assert weights == pytest.approx(dict(next_weights(LEARNING, SIGNUP, given_).weights), abs=1e-9)


def test_what_weights_follow_from_survives_json_and_gives_the_same_weights() -> None:
    learned = seen(sums=(20.1, 30.7, 26.3), age_ms=3 * DAY_MS)

    again = read(Evidence, json.loads(json.dumps(plain(learned))))

    assert again == learned
    assert next_weights(LEARNING, SIGNUP, again) == next_weights(LEARNING, SIGNUP, learned)


def test_evidence_is_that_of_the_cell_with_what_other_cells_lend() -> None:
    units = np.array([[400.0, 400.0, 0.0], [900.0, 900.0, 900.0]])
    sums = np.array([[10.0, 20.0, 0.0], [30.0, 50.0, 40.0]])
    run = Observed(
        cells=("plain", "full"),
        arms=ARMS,
        enrolled=units + 7,
        units=units,
        reached=sums,
        sums=sums,
        squares=sums * 2,
    )

    found = evidence(run, "plain", goal=SIGNUP, before={"bold": 0.5, "control": 0.5}, age_ms=DAY_MS)
    money = evidence(
        run, "plain", goal=REVENUE, before={"bold": 0.5, "control": 0.5}, age_ms=DAY_MS
    )

    assert found.arms == ("bold", "control")
    assert found.before == (0.5, 0.5)
    assert found.enrolled == (1_314.0, 1_314.0)
    assert found.reached == (70.0, 40.0)
    assert found.units == (400.0, 400.0)
    assert found.sums == (20.0, 10.0)
    assert min(found.borrowed_units) > 100
    assert (found.variance, money.variance) == (0.0, run.variance)


@pytest.mark.parametrize(
    ("least", "units", "age_ms", "expected"),
    [
        (0.01, 1_000, HOUR_MS, True),
        (0.01, 999, HOUR_MS, False),
        (0.01, 1_000, HOUR_MS - 1, False),
        (0.01, 0, LONGEST_ROW_MS, True),
        (0.5, 20, HOUR_MS, True),
        (0.5, 20, -HOUR_MS, False),
    ],
)
def test_a_row_is_ripe_after_an_epoch_once_every_arm_expects_ten_units_or_after_a_day(
    least: float, units: float, age_ms: int, expected: bool
) -> None:
    assert is_ripe([1 - least, least], units=units, age_ms=age_ms, epoch_ms=HOUR_MS) is expected


@pytest.mark.parametrize(
    ("after", "age_ms", "expected"),
    [
        ({"control": 0.5, "bold": 0.5}, LONGEST_ROW_MS - 1, False),
        ({"bold": 0.5, "control": 0.5}, LONGEST_ROW_MS, True),
        ({"bold": 0.6, "control": 0.4}, HOUR_MS, True),
    ],
)
def test_a_ripe_row_is_replaced_by_other_weights_or_after_a_day(
    after: dict[str, float], age_ms: int, expected: bool
) -> None:
    assert is_replaced({"control": 0.5, "bold": 0.5}, after, age_ms=age_ms) is expected
