"""Other estimators of the same difference, for comparison and for readers of the methods page.

None of them is a headline: one is biased by adaptive weights and the others are wider than the
stratified one.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from byleave.experiments.lift.scores import RowScores, row_scores
from byleave.experiments.lift.strata import Strata

__all__ = [
    "Estimate",
    "PeriodWeighted",
    "aipw_stable",
    "aipw_uniform",
    "naive_pooled",
    "period_weighted",
]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A difference between arm and control, in the unit of the goal, and its standard error."""

    difference: float
    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodWeighted:
    """Both means under the traffic of the rows, and their difference.

    Attributes:
        arm_mean: The arm's mean.
        control_mean: The control's mean.
        estimate: Arm minus control.
    """

    arm_mean: float
    control_mean: float
    estimate: Estimate


def naive_pooled(strata: Strata, *, arm: int, control: int = 0) -> Estimate | None:
    """Return the difference of the arms' overall means, which adaptive weights bias.

    With a conversion rate drifting from 3 to 7 % its 95 % interval covers 28 % of the time. It
    exists to show that, never to be reported. None when an arm has fewer than 2 units.
    """
    n, y, y2 = (
        part[:, [arm, control]].sum(axis=0) for part in (strata.counts, strata.sums, strata.squares)
    )
    if n.min() < 2:
        return None
    means = y / n
    variances = np.maximum(y2 - y * means, 0.0) / (n - 1)
    return Estimate(float(means[0] - means[1]), sqrt(float((variances / n).sum())))


def period_weighted(strata: Strata, *, arm: int, control: int = 0) -> PeriodWeighted | None:
    """Return the difference of means in which every row counts by its traffic.

    mean_k = Σ(n_j/N)·ȳ_jk with variance Σ(n_j/N)²·s_jk²/n_jk over the rows in which both arms
    have units (post-stratification, Cochran 1977, section 5A.9; GrowthBook's bandit analysis).
    Unbiased, but rows in which an arm got little traffic make it wide, and a variance from a
    single unit counts as 0. None without such rows.
    """
    rows = strata.usable(arm, control)
    if not rows.any():
        return None
    traffic = strata.counts[rows].sum(axis=1)
    shares = (traffic / traffic.sum())[:, np.newaxis]
    n = strata.counts[rows][:, [arm, control]]
    means = (shares * strata.means[rows][:, [arm, control]]).sum(axis=0)
    variances = strata.scatter[rows][:, [arm, control]] / np.maximum(n - 1, 1.0)
    error = sqrt(float((shares**2 * variances / n).sum()))
    return PeriodWeighted(
        arm_mean=float(means[0]),
        control_mean=float(means[1]),
        estimate=Estimate(float(means[0] - means[1]), error),
    )


def aipw_uniform(strata: Strata, *, arm: int, control: int = 0) -> Estimate | None:
    """Return the mean of the units' unbiased scores, each unit weighing the same.

    Augmented inverse-probability weighting with constant weights (Hadad et al. 2021): unbiased
    whatever the drift, but a propensity of 1 % makes it wide. None without units that
    could have got either arm.
    """
    scores = row_scores(strata, arm=arm, control=control)
    return _weighted(scores, np.ones_like(scores.units))


def aipw_stable(strata: Strata, *, arm: int, control: int = 0) -> Estimate | None:
    """Return the mean of the same scores with units weighing less where either arm was rare.

    Weights (1/e_k + 1/e_c)^(-1/2) of the row make the scores' variance about the same in all
    rows (Hadad et al. 2021; Zhan et al. 2021): narrower than equal weights, and normal in large
    samples although the weights adapt. Where the effect drifts, it is a weighted average.
    None without units that could have got either arm.
    """
    scores = row_scores(strata, arm=arm, control=control)
    rarity = 1 / scores.arm_propensity + 1 / scores.control_propensity
    return _weighted(scores, 1 / np.sqrt(rarity))


def _weighted(scores: RowScores, weights: NDArray[np.float64]) -> Estimate | None:
    """The mean score with a weight for all units of a row."""
    total = float(weights @ scores.units)
    if not total:
        return None
    difference = float(weights @ scores.totals) / total
    # Σ(ψ - Δ)² of a row from the residuals ψ - shift, whose sum and sum of squares are known.
    shift = scores.arm_guess - scores.control_guess
    residuals = scores.totals - scores.units * shift
    off = difference - shift
    squares = scores.squares - 2 * off * residuals + scores.units * off**2
    variance = max(float(weights**2 @ squares), 0.0)
    return Estimate(difference, sqrt(variance) / total)
