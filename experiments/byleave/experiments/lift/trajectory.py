"""How the estimate of a lift became what it is: what each look so far would have shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byleave.experiments.goals import Goal
from byleave.experiments.lift.arm_report import LEAST_GROUP, Question, too_little
from byleave.experiments.lift.interval import Interval
from byleave.experiments.lift.multiplicity import adjusted_alpha
from byleave.experiments.lift.relative import RelativeLift, relative_lift
from byleave.experiments.lift.report_model import RunFacts
from byleave.experiments.lift.strata import Strata
from byleave.experiments.lift.stratified import stratified_contrast

__all__ = ["Look", "trajectory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look showed of one arm.

    Attributes:
        units: Mature units of all arms at that look.
        difference: Arm minus control, in the unit of the goal.
        difference_interval: Its always-valid interval, adjusted for all arms.
        lift: Arm divided by control, minus 1; None where the control's mean may be 0.
        lift_interval: Its always-valid interval.
    """

    units: int
    difference: float
    difference_interval: Interval
    lift: float | None
    lift_interval: Interval | None


def trajectory(
    strata: Strata,
    looks: Iterable[NDArray[np.bool_]],
    *,
    arms: Sequence[str],
    goal: Goal,
    run: RunFacts,
    control: int = 0,
    alpha: float = 0.05,
) -> list[dict[str, Look]]:
    """Return what each look showed of each arm, where it could show an interval.

    The intervals hold at all looks together (Howard et al. 2021), so that they may be drawn as
    one band: with probability 1 - alpha it contains the effect everywhere.

    Args:
        strata: Sums over all rows.
        looks: Which rows were mature at each look, shape (J,).
        arms: The arms' keys, in the order of the columns.
        goal: What is measured.
        run: What the strata do not tell.
        control: Column of the control.
        alpha: Error level in (0, 1) of all intervals together.
    """
    found = []
    for rows in looks:
        question = Question(
            strata=strata.only(rows),
            arms=arms,
            control=control,
            goal=goal,
            run=run,
            alpha=adjusted_alpha(alpha, arms=strata.arms),
            worse_by_at_most=None,
            fixed_horizon=False,
        )
        seen = {arms[arm]: _look(question, arm) for arm in question.treated}
        found.append({arm: look for arm, look in seen.items() if look is not None})
    return found


def _look(question: Question, arm: int) -> Look | None:
    strata, control = question.strata, question.control
    if strata.counts[:, [arm, control]].sum(axis=0).min() < LEAST_GROUP:
        return None
    if too_little(question, arm) is not None:
        return None
    contrast = stratified_contrast(
        strata, arm=arm, control=control, alpha=question.alpha, tuned_rows=question.run.tuned_rows
    )
    if contrast is None:
        return None
    relative = relative_lift(contrast)
    known = relative if isinstance(relative, RelativeLift) else None
    return Look(
        units=round(float(strata.counts.sum())),
        difference=contrast.difference,
        difference_interval=contrast.always_valid,
        lift=None if known is None else known.estimate,
        lift_interval=None if known is None else known.interval,
    )
