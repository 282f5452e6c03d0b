"""Unbiased scores of the difference between two arms, from known propensities.

The score of a unit is ψ = μ_k - μ_c + 1{A=k}(Y - μ_k)/e_k - 1{A=c}(Y - μ_c)/e_c: its mean is the
effect in that row whatever the guesses μ are, as long as they come from earlier rows only
(augmented inverse-probability weighting; Robins, Rotnitzky & Zhao 1994; for adaptive weights
Hadad et al. 2021, "Confidence intervals for policy evaluation in adaptive experiments").
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from byleave.experiments.lift.strata import Strata

__all__ = ["RowScores", "past_means", "row_scores"]

# Before any data 5 % is believed with the weight of 10 units, and of an arm what is believed of
# all arms, with the weight of 20. The guesses affect widths only, never validity.
_FIRST_MEAN, _FIRST_UNITS, _ARM_UNITS = 0.05, 10.0, 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RowScores:
    """Sums of the scores over each row in which both arms could be drawn, J' rows.

    Attributes:
        units: Units of all arms, shape (J',).
        arm_guess: μ_k, shape (J',).
        control_guess: μ_c, shape (J',).
        arm_propensity: e_k > 0, shape (J',).
        control_propensity: e_c > 0, shape (J',).
        totals: Σψ, shape (J',).
        squares: Σ(ψ - μ_k + μ_c)², shape (J',).
    """

    units: NDArray[np.float64]
    arm_guess: NDArray[np.float64]
    control_guess: NDArray[np.float64]
    arm_propensity: NDArray[np.float64]
    control_propensity: NDArray[np.float64]
    totals: NDArray[np.float64]
    squares: NDArray[np.float64]


# A report asks for each arm, by several methods.
@lru_cache(maxsize=4)
def past_means(strata: Strata) -> NDArray[np.float64]:
    """Return a guess of every arm's mean from the rows before each row, shape (J, K).

    (S_k + 20·p)/(N_k + 20) with p = (S + 0.5)/(N + 10), where S and N are sums of outcomes and
    counts of units in the earlier rows, of one arm and of all arms.
    """
    units, outcomes = _before(strata.counts), _before(strata.sums)
    all_units, all_outcomes = (part.sum(axis=1, keepdims=True) for part in (units, outcomes))
    pooled = (all_outcomes + _FIRST_MEAN * _FIRST_UNITS) / (all_units + _FIRST_UNITS)
    return np.asarray((outcomes + _ARM_UNITS * pooled) / (units + _ARM_UNITS))


@lru_cache(maxsize=4)
def row_scores(strata: Strata, *, arm: int, control: int) -> RowScores:
    """Sum the scores of an arm against the control over every row that can draw both."""
    e = strata.propensities
    rows = (e[:, arm] > 0) & (e[:, control] > 0)
    guesses = past_means(strata)[rows]
    units = strata.counts[rows].sum(axis=1)
    shift = guesses[:, arm] - guesses[:, control]
    arm_sum, arm_square = _residuals(strata, rows, arm, guesses)
    control_sum, control_square = _residuals(strata, rows, control, guesses)
    return RowScores(
        units=units,
        arm_guess=guesses[:, arm],
        control_guess=guesses[:, control],
        arm_propensity=e[rows, arm],
        control_propensity=e[rows, control],
        totals=units * shift + arm_sum - control_sum,
        squares=arm_square + control_square,
    )


def _residuals(
    strata: Strata, rows: NDArray[np.bool_], arm: int, guesses: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums of (Y - μ)/e and of its square over the units of one arm, per row."""
    n, y, y2 = strata.counts[rows, arm], strata.sums[rows, arm], strata.squares[rows, arm]
    e, guess = strata.propensities[rows, arm], guesses[:, arm]
    return (y - guess * n) / e, (y2 - 2 * guess * y + guess**2 * n) / e**2


def _before(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over the rows before each row, shape (J, K)."""
    return np.cumsum(counts, axis=0) - counts
