from dataclasses import replace

import numpy as np
import pytest

from byleave.experiments.goals import Goal, GoalKind
from byleave.experiments.lift import (
    Population,
    Report,
    RunFacts,
    Strata,
    build_report,
    looked_at_together,
)
from byleave.segments import Duration

ARMS = ("control", "proof", "bold")


def report(goal: str, rates: tuple[float, float, float], *, units: float = 2_000) -> Report:
    counts = np.full((10, 3), units)
    sums = np.tile(units * np.array(rates), (10, 1))
    return build_report(
        Strata.of(counts=counts, sums=sums, squares=sums, propensities=np.full((10, 3), 1 / 3)),
        arms=ARMS,
        goal_key=goal,
        goal=Goal(event=goal, kind=GoalKind.CONVERSION, within=Duration(86_400_000)),
        population=Population(),
        run=RunFacts(enrolled=60_000),
    )


def standing_out(reports: tuple[Report, ...]) -> list[tuple[str, str]]:
    return [(row.arm, each.goal) for each in reports for row in each.arms if row.stands_out]


def test_what_is_clear_stands_out_and_the_control_nowhere() -> None:
    found = looked_at_together(
        [report("signup", (0.05, 0.08, 0.05)), report("revisit", (0.2, 0.2, 0.15))]
    )

    assert standing_out(found) == [("proof", "signup"), ("bold", "revisit")]
    assert {row.stands_out for each in found for row in each.arms if row.is_control} == {None}


def test_what_is_clear_by_itself_may_not_be_among_many() -> None:
    near = report("signup", (0.05, 0.0585, 0.05))
    e_value = near.arms[1].e_value
    dull = [report(f"goal_{n}", (0.05, 0.05, 0.05)) for n in range(20)]

    assert e_value is not None
    assert 40 < e_value < 800
    assert standing_out(looked_at_together([near])) == [("proof", "signup")]
    assert standing_out(looked_at_together([near, *dull])) == []


def test_an_arm_without_an_interval_is_counted_with_no_evidence() -> None:
    near = report("signup", (0.05, 0.0585, 0.05))
    empty = [report(f"goal_{n}", (0.0, 0.0, 0.0), units=0) for n in range(20)]

    found = looked_at_together([near, *empty])

    assert standing_out(found) == []
    assert {row.stands_out for each in found[1:] for row in each.arms} == {None, False}


def test_reports_stay_as_they_are_but_for_what_stands_out() -> None:
    alone = report("signup", (0.05, 0.08, 0.05))

    [found] = looked_at_together([alone])

    assert replace(found, arms=alone.arms) == alone
    assert looked_at_together([]) == ()


@pytest.mark.parametrize("advises", [True, False])
def test_only_where_it_is_asked_for_there_is_advice_to_stop(advises: bool) -> None:
    counts = np.full((10, 2), 20_000.0)
    sums = np.tile(np.array([1_000.0, 1_000.0]), (10, 1))
    found = build_report(
        Strata.of(counts=counts, sums=sums, squares=sums, propensities=np.full((10, 2), 0.5)),
        arms=ARMS[:2],
        goal_key="signup",
        goal=Goal(event="signup", kind=GoalKind.CONVERSION, within="page"),
        population=Population(),
        run=RunFacts(age_ms=30 * 86_400_000),
        advises=advises,
    )

    assert (found.value_remaining is not None) == advises
