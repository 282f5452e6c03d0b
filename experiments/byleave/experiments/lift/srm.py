"""Do the arms have as many units as their published weights say?

A sample-ratio mismatch means that units got lost, doubled or moved after the draw, and then no
estimate can be trusted. The test holds the logged weights against the counts; testing for equal
shares would alarm on every adaptive experiment.
"""

from dataclasses import dataclass
from math import exp, log, log1p

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from byleave.experiments.lift.strata import Strata

__all__ = [
    "ALERT_E_VALUE",
    "ALERT_P",
    "LiveSampleRatio",
    "SampleRatio",
    "holdout_ratio",
    "live_sample_ratio",
    "mismatched_rows",
    "sample_ratio",
    "withdrawal_ratio",
]

#: Below this p-value, no figure that rests on the sizes is given.
ALERT_P = 0.001
ALERT_E_VALUE = 1000.0
_LEAST_EXPECTED = 5.0
_PRIOR_UNITS = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRatio:
    """A test of the counts against the weights, valid for one look.

    Attributes:
        observed: Units per arm, shape (K,).
        expected: Units per arm that the weights imply, shape (K,).
        wald: The statistic, ≥ 0.
        freedom: Its degrees of freedom: K - 1, fewer where arms never shared a row.
        p: P-value in [0, 1].
        alert: Whether p < 0.001 while every arm that can be drawn expects at least 5 units.
    """

    observed: NDArray[np.float64]
    expected: NDArray[np.float64]
    wald: float
    freedom: int
    p: float
    alert: bool


@dataclass(frozen=True, slots=True)
class LiveSampleRatio:
    """A test of the counts against the weights, valid at any look.

    Attributes:
        e_value: Evidence for a mismatch, ≥ 0; the chance to ever reach c without one is ≤ 1/c.
        alert: Whether the evidence reached 1,000 after any row; what came later does not undo it.
    """

    e_value: float
    alert: bool


def sample_ratio(strata: Strata) -> SampleRatio:
    """Test whether the arms' totals fit the weights of their rows.

    Wald statistic (O - E)ᵀ C⁻ (O - E) with E_k = Σ_j n_j e_jk and the multinomial covariance
    C = Σ_j n_j (diag e_j - e_j e_jᵀ), chi-squared with the rank of C as degrees of freedom
    (Wald 1943). A test per row would spread its power over J(K - 1) degrees: 0.29 instead of 0.92
    when one arm loses a tenth of its units.
    """
    e = strata.propensities
    units = strata.counts.sum(axis=1)
    observed = strata.counts.sum(axis=0)
    expected = units @ e
    covariance = np.diag(expected) - (e * units[:, np.newaxis]).T @ e
    spread, directions = np.linalg.eigh(covariance)
    real = spread > 1e-9 * max(float(expected.max()), 1.0)
    projected = directions[:, real].T @ (observed - expected)
    wald = float((projected**2 / spread[real]).sum())
    freedom = int(real.sum())
    p = float(special.chdtrc(freedom, wald)) if freedom else 1.0
    drawable = (e > 0).any(axis=0)
    return SampleRatio(
        observed=observed,
        expected=expected,
        wald=wald,
        freedom=freedom,
        p=p,
        alert=p < ALERT_P and bool((expected[drawable] >= _LEAST_EXPECTED).all()),
    )


def withdrawal_ratio(strata: Strata, withdrawals: ArrayLike) -> SampleRatio:
    """Test whether units withdraw their consent equally often in every arm.

    Given how many of a row's units withdrew, arms should lose them in proportion to their own
    units: the same statistic with the realised shares as weights. An arm that drives people away
    would otherwise be judged by those who stayed.

    Args:
        strata: Sums per allocation row and arm, those who withdrew included.
        withdrawals: Units that withdrew after enrolment, at most `counts`, shape (J, K).
    """
    drawn = strata.counts.sum(axis=1) > 0
    counts = strata.counts[drawn]
    left = np.asarray(withdrawals, dtype=np.float64)[drawn]
    nothing = np.zeros_like(counts)
    return sample_ratio(
        Strata(
            counts=left,
            sums=nothing,
            squares=nothing,
            propensities=counts / counts.sum(axis=1, keepdims=True),
        )
    )


def live_sample_ratio(strata: Strata) -> LiveSampleRatio:
    """Test the same at every look, by betting row after row on what the past suggests.

    e-value ∏_j ∏_k (q_jk/e_jk)^n_jk with q_jk ∝ e_jk · (O_k + 200·e_jk) / (E_k + 200·e_jk), where
    O and E count the rows before j only: a test martingale against the published weights
    (Lindon & Malek 2022, who mix over multinomial shares instead).
    """
    n, e = strata.counts, strata.propensities
    zeros = np.zeros((1, strata.arms))
    expected = n.sum(axis=1, keepdims=True) * e
    observed_before = np.concatenate([zeros, np.cumsum(n, axis=0)])[:-1]
    expected_before = np.concatenate([zeros, np.cumsum(expected, axis=0)])[:-1]
    drawable = e > 0
    prior = _PRIOR_UNITS * np.where(drawable, e, 1.0)
    tilt = (observed_before + prior) / (expected_before + prior)
    gain = np.log(tilt / (e * tilt).sum(axis=1, keepdims=True))
    log_e = np.cumsum((n * np.where(drawable, gain, 0.0)).sum(axis=1), dtype=np.float64)
    now, most = (float(log_e[-1]), float(log_e.max())) if len(log_e) else (0.0, 0.0)
    return LiveSampleRatio(exp(min(now, 700.0)), most >= log(ALERT_E_VALUE))


def holdout_ratio(personalised: float, held_out: tuple[float, float], *, share: float) -> float:
    """Return the p-value, valid at any look, of the holdout's size against its share.

    Of N units, x of them held out, the e-value is
    B(x + a, N - x + b) / (B(a, b)·h^x·(1 - h)^(N - x)) with a = 200h and b = 200(1 - h), the
    binomial likelihood mixed over shares near h (Robbins 1970; Lindon & Malek 2022 for more
    groups); the p-value is one over it, at most 1 (Ville 1939).

    Args:
        personalised: Units that may be personalised.
        held_out: The least and the most units that the holdout can have had in the same time,
            which is known to the hour; what fits the share best is taken.
        share: The share h in (0, 1) that is held out.
    """
    least, most = held_out
    x = min(max(personalised * share / (1 - share), least), most)
    a, b = _PRIOR_UNITS * share, _PRIOR_UNITS * (1 - share)
    log_e = (
        special.betaln(x + a, personalised + b)
        - special.betaln(a, b)
        - x * log(share)
        - personalised * log1p(-share)
    )
    return exp(-max(float(log_e), 0.0))


def mismatched_rows(strata: Strata) -> list[int]:
    """Return the rows that cannot have been served with the weights that they published.

    Totals may fit although two rows exchanged their weights, so every row is held against its
    own: an arm's units are binomial, with exact tails at any size. Row j of K arms may err with
    probability 0.001/(j(j + 1)), split over arms and directions; that adds up to at most 0.001
    over all rows that will ever be, so one may look whenever one likes.
    """
    n, e = strata.counts, strata.propensities
    units = np.broadcast_to(n.sum(axis=1, keepdims=True), n.shape)
    place = np.arange(1.0, strata.rows + 1)[:, np.newaxis]
    level = np.broadcast_to(ALERT_P / (place * (place + 1)) / (2 * strata.arms), n.shape)
    # Within two standard deviations no tail is that small.
    far = (n - units * e) ** 2 > 4 * units * e * (1 - e)
    n, e, units = n[far], e[far], units[far]
    # The incomplete beta function is the binomial tail; it does not ask for whole numbers.
    at_least = np.where(n > 0, special.betainc(np.maximum(n, 1e-9), units - n + 1, e), 1.0)
    at_most = np.where(n < units, special.betaincc(n + 1, np.maximum(units - n, 1e-9), e), 1.0)
    is_wrong = np.zeros(far.shape, dtype=bool)
    is_wrong[far] = np.minimum(at_least, at_most) < level[far]
    return [int(row) for row in np.flatnonzero(is_wrong.any(axis=1))]
