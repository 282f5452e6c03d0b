"""The guaranteed interval: valid at every look and every sample size, without large numbers."""

from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from byleave.experiments.lift.interval import Interval
from byleave.experiments.lift.scores import RowScores, row_scores
from byleave.experiments.lift.strata import Strata, StrataError

__all__ = ["DEFAULT_PLANNED_UNITS", "guaranteed_interval", "is_bounded"]

DEFAULT_PLANNED_UNITS = 10_000.0
_LARGEST_BET = 0.75


def guaranteed_interval(
    strata: Strata,
    *,
    arm: int,
    control: int = 0,
    alpha: float = 0.05,
    planned_units: float = DEFAULT_PLANNED_UNITS,
    upper: float = 1.0,
) -> Interval:
    """Return the empirical-Bernstein confidence sequence for an arm minus the control.

    From the scores ψ of `scores`, with guesses and bets from earlier rows only: a row's score
    cannot fall below its guess by more than B_j = max(μ_k/e_k, (1 - μ_c)/e_c), so that with
    y = (ψ - μ_k + μ_c)/B_j ≥ -1 the process exp{Σ λ_j(ψ - Δ)/B_j - Σ g(λ_j)·y²},
    g(λ) = -ln(1 - λ) - λ, is a supermartingale (Fan, Grama & Liu 2015; Howard et al. 2021;
    Waudby-Smith et al. 2022, "Anytime-valid off-policy inference for contextual bandits"). Hence
    low = [Σλ_jψ/B_j - ln(2/alpha) - Σg(λ_j)y²] / Σλ_j/B_j, and `high` is the same with the arms
    exchanged. Where the effect drifts, each end bounds a weighted average of the rows' effects.

    Args:
        strata: Sums per allocation row and arm, in the order of publication.
        arm: Index of the arm.
        control: Index of the control.
        alpha: Error level in (0, 1).
        planned_units: Units at which the interval is narrowest. Any value is valid if it is
            frozen before the data; a look-dependent one is not.
        upper: The largest possible outcome, the declared cap; the smallest is 0.

    Raises:
        StrataError: An outcome lies outside [0, upper].
    """
    if not is_bounded(strata, upper=upper):
        raise StrataError(f"sums: expected every outcome from 0 to {upper:g}: declare a cap")
    unit_scale = strata if upper == 1 else strata.scaled(1 / upper)
    low = _lower_end(
        row_scores(unit_scale, arm=arm, control=control), alpha=alpha, planned_units=planned_units
    )
    high = -_lower_end(
        row_scores(unit_scale, arm=control, control=arm), alpha=alpha, planned_units=planned_units
    )
    return Interval(max(low, -1.0), min(high, 1.0)).scaled(upper)


def is_bounded(strata: Strata, *, upper: float) -> bool:
    """Whether the sums could come from outcomes that all lie in [0, upper]."""
    slack = 1 + 1e-9
    return bool(
        (strata.sums >= 0).all()
        and (strata.sums <= strata.counts * upper * slack).all()
        and (strata.squares <= strata.sums * upper * slack).all()
    )


def _lower_end(scores: RowScores, *, alpha: float, planned_units: float) -> float:
    """Lower end of the sequence for outcomes in [0, 1]; -∞ without rows."""
    evidence = log(2 / alpha)
    reach = np.maximum(
        scores.arm_guess / scores.arm_propensity,
        (1 - scores.control_guess) / scores.control_propensity,
    )
    squares = scores.squares / reach**2
    bets = _bets(squares, scores.units, evidence=evidence, planned_units=planned_units)
    stakes = float(((bets / reach) * scores.units).sum())
    if not stakes > 0:
        return -np.inf
    cost = float(((-np.log1p(-bets) - bets) * squares).sum())
    return (float((bets / reach) @ scores.totals) - evidence - cost) / stakes


def _bets(
    squares: NDArray[np.float64],
    units: NDArray[np.float64],
    *,
    evidence: float,
    planned_units: float,
) -> NDArray[np.float64]:
    """λ_j = min(3/4, √(2·ln(2/alpha)/(v_j·T/2))), v_j = (Σ_past y² + 1/4)/(n_past + 20)."""
    past_squares = np.cumsum(squares) - squares
    past_units = np.cumsum(units) - units
    variance = (past_squares + 0.25) / (past_units + 20)
    return np.minimum(_LARGEST_BET, sqrt(4 * evidence / planned_units) / np.sqrt(variance))
