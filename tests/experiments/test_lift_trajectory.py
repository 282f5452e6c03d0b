"""What each look showed is what a report of that moment says."""

import numpy as np
import pytest

from byleave.experiments.goals import Goal, GoalKind
from byleave.experiments.lift import Population, RunFacts, Strata, build_report, trajectory
from byleave.segments import Duration

SIGNUP = Goal(event="sign_up", kind=GoalKind.CONVERSION, within=Duration(86_400_000))
ARMS = ("control", "bold", "calm")


def strata(*rates: float, rows: int = 12, units: int = 400) -> Strata:
    counts = np.full((rows, len(rates)), units)
    # Rows differ, so that each look shows something of its own.
    drift = np.linspace(0.8, 1.2, rows)[:, None]
    sums = np.round(units * np.array(rates) * drift)
    shares = np.full(counts.shape, 1 / len(rates))
    return Strata.of(counts=counts, sums=sums, squares=sums, propensities=shares)


def first(count: int, rows: int = 12) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.arange(rows) < count


@pytest.mark.parametrize("count", [6, 9, 12])
def test_a_look_shows_what_the_report_of_that_moment_said(count: int) -> None:
    whole = strata(0.1, 0.14, 0.09)
    [looks] = trajectory(whole, [first(count)], arms=ARMS, goal=SIGNUP, run=RunFacts())
    report = build_report(
        whole.only(first(count)),
        arms=ARMS,
        goal_key="signup",
        goal=SIGNUP,
        population=Population(),
        run=RunFacts(),
    )

    assert list(looks) == ["bold", "calm"]
    for row in report.arms[1:]:
        look = looks[row.arm]
        assert (look.difference, look.difference_interval) == (
            row.difference,
            row.difference_interval,
        )
        assert (look.lift, look.lift_interval) == (row.lift, row.lift_interval)
        assert look.units == report.units


def test_a_look_that_could_show_no_interval_shows_none() -> None:
    few_rows, few_units = strata(0.1, 0.2), strata(0.5, 0.5, rows=12, units=0)
    counts = np.full((12, 2), 40.0)
    unvaried = Strata.of(
        counts=counts, sums=counts, squares=counts, propensities=np.full((12, 2), 0.5)
    )
    every = [first(12)]

    def looks(of: Strata, at: list[np.ndarray[tuple[int], np.dtype[np.bool_]]]) -> object:
        return trajectory(of, at, arms=ARMS[:2], goal=SIGNUP, run=RunFacts())

    assert looks(few_rows, [first(0), first(4)]) == [{}, {}]
    assert looks(few_units, every) == [{}]
    assert looks(unvaried, every) == [{}]


def test_where_the_control_may_be_0_there_is_a_difference_and_no_lift() -> None:
    rare = strata(0.001, 0.5, rows=10, units=2_000)
    [looks] = trajectory(rare, [first(10, 10)], arms=ARMS[:2], goal=SIGNUP, run=RunFacts())

    assert looks["bold"].difference == pytest.approx(0.499, abs=0.05)
    assert (looks["bold"].lift, looks["bold"].lift_interval) == (None, None)
