"""What may be said about one arm of a run, and what is refused."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from byleave.experiments.allocation import ArmComparison
from byleave.experiments.goals import Better, Goal, GoalKind
from byleave.experiments.lift.bernstein import guaranteed_interval, is_bounded
from byleave.experiments.lift.interval import Interval
from byleave.experiments.lift.relative import BaselineTooUncertain, relative_lift
from byleave.experiments.lift.report_model import (
    ArmRow,
    GuardVerdict,
    Refusal,
    RefusalCode,
    RunFacts,
)
from byleave.experiments.lift.secondary import (
    Estimate,
    aipw_stable,
    aipw_uniform,
    period_weighted,
)
from byleave.experiments.lift.strata import Strata
from byleave.experiments.lift.stratified import stratified_contrast

__all__ = [
    "LEAST_GROUP",
    "LEAST_ORDERS",
    "LEAST_ROWS",
    "Question",
    "arm_row",
    "effective_orders",
    "least_orders",
    "too_little",
]

LEAST_GROUP = 10
LEAST_ORDERS = 40
LEAST_ROWS = 5
_LEAST_CONVERSIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of the strata, for every arm alike.

    Attributes:
        strata: Sums over mature rows.
        arms: The arms' keys, in the order of the columns.
        control: Column of the control.
        goal: What is measured.
        run: What the strata do not tell.
        alpha: Error level of each arm's interval.
        worse_by_at_most: For a guard goal, the relative deterioration that is accepted.
        fixed_horizon: Whether the intervals for one planned look are wanted, too.
    """

    strata: Strata
    arms: Sequence[str]
    control: int
    goal: Goal
    run: RunFacts
    alpha: float
    worse_by_at_most: float | None
    fixed_horizon: bool

    @property
    def treated(self) -> list[int]:
        """Columns of all arms but the control."""
        return [arm for arm in range(self.strata.arms) if arm != self.control]

    @property
    def upper(self) -> float | None:
        """The largest outcome a unit can have; None when nothing bounds it."""
        upper = 1.0 if self.goal.kind is GoalKind.CONVERSION else self.goal.cap
        return upper if upper and is_bounded(self.strata, upper=upper) else None


def arm_row(
    question: Question, arm: int, *, beliefs: ArmComparison | None = None
) -> tuple[ArmRow, list[Refusal]]:
    """Return what may be shown of an arm whose group is large enough, and what is refused.

    Args:
        question: What is asked.
        arm: Column of the arm.
        beliefs: What the model says of all arms; None where it says nothing.
    """
    strata, control = question.strata, question.control
    row = ArmRow(
        arm=question.arms[arm],
        is_control=arm == control,
        units=round(float(strata.counts[:, arm].sum())),
        mean=_standardised_mean(strata, arm),
        best_probability=None if beliefs is None else float(beliefs.best[arm]),
        expected_loss=None if beliefs is None else float(beliefs.expected_loss[arm]),
    )
    if arm == control:
        return row, []
    if question.upper is not None:
        guaranteed = guaranteed_interval(
            strata,
            arm=arm,
            control=control,
            alpha=question.alpha,
            planned_units=question.run.planned_units,
            upper=question.upper,
        )
        row = replace(row, guaranteed_interval=guaranteed)
    refusal = too_little(question, arm)
    if refusal is not None:
        return row, [refusal]
    contrast = stratified_contrast(
        strata,
        arm=arm,
        control=control,
        alpha=question.alpha,
        tuned_rows=question.run.tuned_rows,
    )
    if contrast is None:
        words = f"{row.arm} and the control do not vary, so nothing tells effect from chance"
        return row, [Refusal(code=RefusalCode.NO_VARIATION, words=words, arm=row.arm)]
    row = replace(
        row,
        difference=contrast.difference,
        standard_error=contrast.standard_error,
        difference_interval=contrast.always_valid,
        p=min(1.0, contrast.always_valid_p * len(question.treated)),
        e_value=contrast.e_value,
        secondary=_secondary(strata, arm, control),
        fixed_interval=contrast.fixed if question.fixed_horizon else None,
    )
    relative = relative_lift(contrast)
    if isinstance(relative, BaselineTooUncertain):
        words = f"the control's mean may be 0, so {row.arm} has no lift relative to it"
        return row, [Refusal(code=RefusalCode.BASELINE, words=words, arm=row.arm)]
    return replace(
        row,
        lift=relative.estimate,
        lift_interval=relative.interval,
        guard=_guard(question, relative.interval),
    ), []


def _secondary(strata: Strata, arm: int, control: int) -> dict[str, Estimate]:
    """The difference by the methods that are no headline."""
    weighted = period_weighted(strata, arm=arm, control=control)
    estimates = {
        "period-weighted": None if weighted is None else weighted.estimate,
        "aipw": aipw_uniform(strata, arm=arm, control=control),
        "aipw-stable": aipw_stable(strata, arm=arm, control=control),
    }
    return {name: estimate for name, estimate in estimates.items() if estimate is not None}


def effective_orders(
    sums: NDArray[np.float64], squares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (Σy)²/Σy² per arm, a lower bound of the number of units with an outcome.

    By Cauchy and Schwarz; for conversions it is their number, for values Kish's (1965) effective
    sample size, so that a few large orders count as few.
    """
    return np.divide(sums**2, squares, out=np.zeros_like(sums), where=squares > 0)


def least_orders(kind: GoalKind) -> tuple[int, str]:
    """Return how many effective orders an interval from large numbers needs, and their name."""
    if kind in (GoalKind.VALUE, GoalKind.TIME):
        return LEAST_ORDERS, "orders of like size"
    return _LEAST_CONVERSIONS, "conversions"


def too_little(question: Question, arm: int) -> Refusal | None:
    """Return why two arms hold too little for an interval that rests on large numbers, if so."""
    strata, name = question.strata, question.arms[arm]
    usable = strata.usable(arm, question.control)
    if usable.sum() < LEAST_ROWS:
        words = f"{name} shares fewer than {LEAST_ROWS} mature allocation rows with the control"
        return Refusal(code=RefusalCode.FEW_ROWS, words=words, arm=name)
    orders = effective_orders(strata.sums[usable].sum(axis=0), strata.squares[usable].sum(axis=0))
    least, what = least_orders(question.goal.kind)
    if min(orders[arm], orders[question.control]) < least:
        words = f"{name} or the control has fewer than {least} {what}"
        return Refusal(code=RefusalCode.FEW_CONVERSIONS, words=words, arm=name)
    return None


def _standardised_mean(strata: Strata, arm: int) -> float:
    """Mean over the rows in which the arm has units, weighted by the traffic of the row.

    An arm's own counts would give weight to the rows in which it was the favourite.
    """
    traffic = np.where(strata.counts[:, arm] > 0, strata.counts.sum(axis=1), 0.0)
    return float(traffic @ strata.means[:, arm] / traffic.sum())


def _guard(question: Question, lift: Interval) -> GuardVerdict | None:
    """Whether the goal got worse than allowed, by the relative interval."""
    if question.worse_by_at_most is None:
        return None
    # The gain of a goal of which less is better is its decrease.
    low, high = lift.low, lift.high
    if question.goal.better is Better.LOWER:
        low, high = -high, -low
    if low >= -question.worse_by_at_most:
        return GuardVerdict.HOLDS
    return GuardVerdict.BROKEN if high < -question.worse_by_at_most else GuardVerdict.UNCLEAR
