"""The rule that turns what was observed into the next weights.

The server's allocator and the simulator call these functions and no others, so what is
simulated is what is served.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from byleave.experiments.allocation.best_arm import compare_arms
from byleave.experiments.allocation.observed import Observed
from byleave.experiments.allocation.posterior import (
    Posterior,
    beta_posterior,
    normal_posterior,
)
from byleave.experiments.allocation.weights import (
    equal_weights,
    floors,
    is_warming_up,
    limited_step,
    thompson_weights,
)
from byleave.experiments.definitions import (
    CONTROL,
    Allocate,
    Policy,
)
from byleave.experiments.goals import Goal, GoalKind
from byleave.experiments.snapshot import LONGEST_ROW_MS

__all__ = [
    "GRACE_MS",
    "LEAST_EXPECTED",
    "LONGEST_ROW_MS",
    "Evidence",
    "Method",
    "Step",
    "evidence",
    "is_replaced",
    "is_ripe",
    "next_weights",
]

#: New units may be drawn from a row until this long after its successor was published, so a row
#: is mature this long and a window after it was closed.
GRACE_MS: Final = 86_400_000

LEAST_EXPECTED = 10
_LEAST_ORDERS = 40

Figures = tuple[float, ...]


class Method(StrEnum):
    """How the weights of an allocation row came about."""

    START = "start"  # the first row: nothing is known
    FIXED = "fixed"
    WARM_UP = "warm-up"
    THOMPSON = "thompson"
    FROZEN = "frozen"  # those of the row before, as long as what is learned is in doubt
    RETIRED = "retired"  # those of the row before, without the arms that were taken out


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that the next weights of one cell follow from; one number per arm of the cell.

    It is kept with the row, so that the weights can be computed again.

    Attributes:
        arms: The arms that can be drawn in the cell.
        before: The weights in force.
        age_ms: Time since the run began.
        enrolled: Units of the run in all its cells, each counted in full.
        reached: How many units of the run reached the goal, as posteriors count them.
        units: Units of the cell as posteriors count them.
        sums: The goal's sum over them.
        borrowed_units: Units that what is known from other cells is worth.
        borrowed_sums: The goal's sum that those are expected to have.
        variance: Variance of an outcome within an arm, for goals that are not conversions.
        site_rate: The goal's conversion rate in the site's earlier runs; None where it is not
            asked for, or there was none.
    """

    arms: tuple[str, ...]
    before: Figures
    age_ms: int
    enrolled: Figures
    reached: Figures
    units: Figures
    sums: Figures
    borrowed_units: Figures
    borrowed_sums: Figures
    variance: float
    site_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The next weights of a cell, adding up to exactly 1, and how they came about."""

    method: Method
    weights: Mapping[str, float]


def evidence(
    observed: Observed,
    cell: str,
    *,
    goal: Goal,
    before: Mapping[str, float],
    age_ms: int,
    site_rate: float | None = None,
) -> Evidence:
    """Return what the next weights of a cell follow from.

    Args:
        observed: The run so far.
        cell: The cell.
        goal: The goal that the weights learn from.
        before: The weights in force in the cell, by arm.
        age_ms: Time since the run began.
        site_rate: The goal's conversion rate in the site's earlier runs, where the prior asks.
    """
    arms = tuple(before)
    columns, own = observed.columns(arms), observed.cells.index(cell)
    is_conversion = goal.kind is GoalKind.CONVERSION
    borrowed_units, borrowed_sums = observed.borrowed(cell, arms, is_conversion=is_conversion)
    return Evidence(
        arms=arms,
        before=tuple(before.values()),
        age_ms=age_ms,
        enrolled=_figures(observed.enrolled.sum(axis=0)[columns]),
        reached=_figures(observed.reached.sum(axis=0)[columns]),
        units=_figures(observed.units[own, columns]),
        sums=_figures(observed.sums[own, columns]),
        borrowed_units=_figures(borrowed_units),
        borrowed_sums=_figures(borrowed_sums),
        variance=0.0 if is_conversion else observed.variance,
        site_rate=site_rate,
    )


def next_weights(allocate: Allocate, goal: Goal, seen: Evidence) -> Step:
    """Return the next weights of a cell.

    Fixed weights stay. Weights that learn are equal until the run has warmed up (and, where
    values are learned from, until every arm has 40 orders); from then on they follow the
    probabilities of being best, above the floors, and move no further at once than is allowed.

    Args:
        allocate: How the experiment divides its units.
        goal: The goal that the weights learn from.
        seen: What they follow from.
    """
    if allocate.policy is Policy.FIXED:
        return Step(Method.FIXED, dict(zip(seen.arms, seen.before, strict=True)))
    if _lacks_orders(goal, seen) or is_warming_up(seen.enrolled, age_ms=seen.age_ms):
        return _step(Method.WARM_UP, seen, equal_weights(len(seen.arms)))
    kept = floors(
        len(seen.arms),
        control=seen.arms.index(CONTROL),
        control_floor=allocate.control,
        arm_floor=allocate.floor,
    )
    best = compare_arms(_posterior(allocate, goal, seen), better=goal.better).best
    weights = thompson_weights(best, floors=kept)
    if allocate.largest_step is not None:
        weights = limited_step(seen.before, weights, most=allocate.largest_step)
    return _step(Method.THOMPSON, seen, weights)


def is_ripe(weights: Sequence[float], *, units: float, age_ms: int, epoch_ms: int) -> bool:
    """Whether an allocation row may be replaced.

    After an epoch, once every arm expects 10 of the units that were drawn from the row; after
    24 hours in any case. Thinner rows would tell nothing about their rarest arm.

    Args:
        weights: The weights of the row.
        units: Units enrolled in it so far.
        age_ms: Time since it was published.
        epoch_ms: The least life of a row.
    """
    if age_ms >= LONGEST_ROW_MS:
        return True
    return age_ms >= epoch_ms and units * min(weights) >= LEAST_EXPECTED


def is_replaced(before: Mapping[str, float], after: Mapping[str, float], *, age_ms: int) -> bool:
    """Whether a ripe row gets a successor: its weights change, or it has lasted for 24 hours.

    Rows with the same weights as their successor would cut the strata needlessly thin.
    """
    return dict(before) != dict(after) or age_ms >= LONGEST_ROW_MS


def _lacks_orders(goal: Goal, seen: Evidence) -> bool:
    """Whether a mean value is not yet near to normally distributed."""
    if goal.kind is GoalKind.CONVERSION:
        return False
    return min(seen.reached) < _LEAST_ORDERS or not min(np.add(seen.units, seen.borrowed_units))


def _posterior(allocate: Allocate, goal: Goal, seen: Evidence) -> Posterior:
    """Beliefs about the arms of a cell; what other cells taught counts like units of its own."""
    units = np.add(seen.units, seen.borrowed_units)
    sums = np.add(seen.sums, seen.borrowed_sums)
    if goal.kind is not GoalKind.CONVERSION:
        return normal_posterior(units, sums, variance=seen.variance)
    prior = allocate.prior
    rate = None if prior is None else seen.site_rate if prior.rate is None else prior.rate
    if prior is None or rate is None:
        return beta_posterior(sums, units)
    return beta_posterior(sums, units, prior_mean=rate, prior_strength=prior.units)


def _step(method: Method, seen: Evidence, weights: NDArray[np.float64]) -> Step:
    return Step(method, dict(zip(seen.arms, weights.tolist(), strict=True)))


def _figures(values: NDArray[np.float64]) -> Figures:
    return tuple(values.tolist())
