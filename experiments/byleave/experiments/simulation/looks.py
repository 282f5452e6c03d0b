"""What an analyst sees who looks after every row that matures, and whether it was true."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from byleave.experiments.allocation import GRACE_MS
from byleave.experiments.lift import ArmRow, Interval, RunFacts, Strata
from byleave.experiments.lift.arm_report import LEAST_GROUP, Question, arm_row
from byleave.experiments.lift.secondary import naive_pooled
from byleave.experiments.simulation.scenario import Scenario
from byleave.experiments.simulation.simulating import Run
from byleave.experiments.simulation.visits import order_mean

__all__ = ["Looks", "look_often"]

_CONTROL = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """One arm of a simulated run, looked at whenever a row matured.

    An interval that the report does not show cannot miss. Where the true difference is not the
    same at all times and in all cells, whether an interval holds it is None.

    Attributes:
        arm: The arm's key.
        difference: How much its mean truly differs from the control's; None where that varies.
        last: What the report shows of it in the end; None while its group is too small.
        fixed_holds: Whether the interval for one planned look holds the truth in the end.
        always_valid_holds: Whether the always-valid interval did at every look.
        guaranteed_holds: Whether the guaranteed interval did at every look.
        naive_holds: Whether the interval around the difference of plain means does in the end:
            the method that adaptive weights break.
        seen_ms: When the always-valid interval excluded 0 for the first time, since the run
            began; None if it never did.
    """

    arm: str
    difference: float | None
    last: ArmRow | None
    fixed_holds: bool | None = None
    always_valid_holds: bool | None = None
    guaranteed_holds: bool | None = None
    naive_holds: bool | None = None
    seen_ms: int | None = None


def look_often(scenario: Scenario, run: Run, arm: str, *, alpha: float) -> Looks:
    """Look at one arm of a run whenever a row matures: a window and 24 hours after it closed.

    Args:
        scenario: What was simulated.
        run: What it came to.
        arm: The arm.
        alpha: Error level in (0, 1) of its intervals.
    """
    closed_ms = np.array([row.closed_ms for row in run.rows])
    looks = [
        (round(at_ms), _shown(scenario, run.strata.only(closed_ms <= at_ms), arm, alpha=alpha))
        for at_ms in np.unique(closed_ms)
    ]
    seen = [
        at_ms + GRACE_MS + scenario.within
        for at_ms, row in looks
        if row is not None
        and row.difference_interval is not None
        and 0.0 not in row.difference_interval
    ]
    rows, last = [row for _, row in looks if row is not None], looks[-1][1]
    truth = _true_difference(scenario, arm)
    found = Looks(arm=arm, difference=truth, last=last, seen_ms=min(seen, default=None))
    if truth is None:
        return found

    def hold(intervals: list[Interval | None]) -> bool:
        return all(interval is None or truth in interval for interval in intervals)

    return replace(
        found,
        fixed_holds=hold([None if last is None else last.fixed_interval]),
        always_valid_holds=hold([row.difference_interval for row in rows]),
        guaranteed_holds=hold([row.guaranteed_interval for row in rows]),
        naive_holds=hold([_naive(run.strata, scenario.keys.index(arm), alpha=alpha)]),
    )


def _shown(scenario: Scenario, strata: Strata, arm: str, *, alpha: float) -> ArmRow | None:
    """What the report shows of an arm at one look."""
    column = scenario.keys.index(arm)
    if strata.counts[:, [_CONTROL, column]].sum(axis=0).min() < LEAST_GROUP:
        return None
    question = Question(
        strata=strata,
        arms=scenario.keys,
        control=_CONTROL,
        goal=scenario.goal,
        run=RunFacts(),
        alpha=alpha,
        worse_by_at_most=None,
        fixed_horizon=True,
    )
    return arm_row(question, column)[0]


def _naive(strata: Strata, column: int, *, alpha: float) -> Interval | None:
    pooled = naive_pooled(strata, arm=column, control=_CONTROL)
    if pooled is None:
        return None
    margin = -float(special.ndtri(alpha / 2)) * pooled.standard_error
    return Interval(pooled.difference - margin, pooled.difference + margin)


def _true_difference(scenario: Scenario, arm: str) -> float | None:
    """The arm's mean minus the control's; None where it is not the same everywhere."""
    moments = np.unique([0.0, 1.0, *scenario.moments])
    rates = scenario.rates(moments)
    differences = rates[:, :, scenario.keys.index(arm)] - rates[:, :, _CONTROL]
    if np.ptp(differences) > 1e-12:
        return None
    return order_mean(scenario.order) * float(differences.mean())
