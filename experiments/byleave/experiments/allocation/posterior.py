"""What is believed about the mean of every arm, given what was observed.

A conversion goal has independent Beta posteriors, every other goal independent Normal ones.
Both offer the same small surface (`Posterior`), from which `best_arm` computes everything by
quadrature. The surface works on an *axis* on which every density is smooth: the logit of the
rate for Beta (in the rate itself a density with alpha < 1 is infinite at 0), the mean for Normal.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

__all__ = [
    "BetaPosterior",
    "NormalPosterior",
    "Posterior",
    "beta_posterior",
    "normal_posterior",
    "pooled_variance",
]

# Panels of the quadrature start at these normal scores of every arm: between two of them a
# 16-point Gauss-Legendre rule is exact to about 1e-11, and beyond the last lies 7e-14.
_SCORES = np.array([-7.4, -5.5, -3.6, -1.8, 0.0, 1.8, 3.6, 5.5, 7.4])
_LOWER_TAILS = special.ndtr(_SCORES[:5])
_UPPER_TAILS = special.ndtr(-_SCORES[5:])


class Posterior(Protocol):
    """Independent beliefs about the means of K arms."""

    @property
    def means(self) -> NDArray[np.float64]:
        """Posterior mean per arm, shape (K,), on the scale of the goal."""
        ...

    def mirrored(self) -> "Posterior":
        """The same beliefs with the order of values reversed, for goals where lower is better."""
        ...

    def select(self, arms: ArrayLike) -> "Posterior":
        """The beliefs about some arms, in the order of their indexes."""
        ...

    def breaks(self) -> NDArray[np.float64]:
        """Ascending points of the axis that cut every density into smooth parts, shape (K, 9)."""
        ...

    def densities(self, axis: NDArray[np.float64]) -> NDArray[np.float64]:
        """Density per unit of the axis at N points, shape (K, N)."""
        ...

    def cdf(self, axis: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of lying at or below N points of the axis, shape (K, N)."""
        ...

    def to_axis(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points of the axis for values of the mean."""
        ...

    def to_values(self, axis: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values of the mean for points of the axis."""
        ...


@dataclass(frozen=True, slots=True)
class BetaPosterior:
    """Independent Beta(alpha_k, beta_k) beliefs about K rates in [0, 1].

    Attributes:
        alpha: Pseudo-successes, > 0, shape (K,).
        beta: Pseudo-failures, > 0, shape (K,).

    Raises:
        ValueError: A parameter is not finite and positive, or the shapes differ.
    """

    alpha: NDArray[np.float64]
    beta: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuse parameters outside their range."""
        _require_positive("alpha", self.alpha)
        _require_positive("beta", self.beta)
        if self.alpha.shape != self.beta.shape:
            raise ValueError(f"alpha has shape {self.alpha.shape}, beta {self.beta.shape}")

    @property
    def means(self) -> NDArray[np.float64]:
        """Posterior mean rate per arm, alpha/(alpha+beta), shape (K,)."""
        return self.alpha / (self.alpha + self.beta)

    def mirrored(self) -> "BetaPosterior":
        """Beliefs about the shares of failures, 1 - θ."""
        return BetaPosterior(self.beta, self.alpha)

    def select(self, arms: ArrayLike) -> "BetaPosterior":
        """The beliefs about some arms, in the order of their indexes."""
        return BetaPosterior(self.alpha[np.asarray(arms)], self.beta[np.asarray(arms)])

    def breaks(self) -> NDArray[np.float64]:
        """Nine quantiles per arm on the logit axis, ascending, shape (K, 9)."""
        lower = _logit_quantiles(self.alpha, self.beta, _LOWER_TAILS)
        upper = -_logit_quantiles(self.beta, self.alpha, _UPPER_TAILS)
        return np.concatenate([lower, upper], axis=1)

    def densities(self, axis: NDArray[np.float64]) -> NDArray[np.float64]:
        """Density of logit θ: x^a (1 - x)^b / B(a, b) at x = expit(axis), shape (K, N)."""
        logs = np.outer(self.alpha, special.log_expit(axis))
        logs += np.outer(self.beta, special.log_expit(-axis))
        logs -= special.betaln(self.alpha, self.beta)[:, np.newaxis]
        return np.exp(logs)

    def cdf(self, axis: NDArray[np.float64]) -> NDArray[np.float64]:
        """Regularised incomplete beta function at x = expit(axis), shape (K, N)."""
        alpha, beta = self.alpha[:, np.newaxis], self.beta[:, np.newaxis]
        # 1 - x loses every digit near x = 1, so the upper half is computed from the other end.
        is_upper = axis > 0
        tail = special.betainc(
            np.where(is_upper, beta, alpha),
            np.where(is_upper, alpha, beta),
            special.expit(-np.abs(axis)),
        )
        return np.where(is_upper, 1.0 - tail, tail)

    def to_axis(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logits of rates; rates beyond [0, 1] become the nearer end."""
        return np.asarray(special.logit(np.clip(values, 0.0, 1.0)))

    def to_values(self, axis: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rates of logits."""
        return np.asarray(special.expit(axis))


@dataclass(frozen=True, slots=True)
class NormalPosterior:
    """Independent Normal beliefs about K means.

    Attributes:
        means: Posterior mean per arm, in the unit of the goal, shape (K,).
        sds: Posterior standard deviation per arm, > 0, shape (K,).

    Raises:
        ValueError: A mean is not finite, a deviation not positive, or the shapes differ.
    """

    means: NDArray[np.float64]
    sds: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuse parameters outside their range."""
        _require_positive("sds", self.sds)
        if self.means.shape != self.sds.shape or not np.isfinite(self.means).all():
            raise ValueError(f"expected {self.sds.size} finite means, got {self.means.tolist()}")

    def mirrored(self) -> "NormalPosterior":
        """Beliefs about the negated means."""
        return NormalPosterior(-self.means, self.sds)

    def select(self, arms: ArrayLike) -> "NormalPosterior":
        """The beliefs about some arms, in the order of their indexes."""
        return NormalPosterior(self.means[np.asarray(arms)], self.sds[np.asarray(arms)])

    def breaks(self) -> NDArray[np.float64]:
        """Points up to 7.4 standard deviations around every mean, ascending, shape (K, 9)."""
        return self.means[:, np.newaxis] + np.outer(self.sds, _SCORES)

    def densities(self, axis: NDArray[np.float64]) -> NDArray[np.float64]:
        """Normal density at N points, shape (K, N)."""
        scale = np.sqrt(2 * np.pi) * self.sds[:, np.newaxis]
        return np.asarray(np.exp(-0.5 * self._scores(axis) ** 2) / scale)

    def cdf(self, axis: NDArray[np.float64]) -> NDArray[np.float64]:
        """Normal distribution function at N points, shape (K, N)."""
        return np.asarray(special.ndtr(self._scores(axis)))

    def to_axis(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values themselves: the axis is the mean."""
        return values

    def to_values(self, axis: NDArray[np.float64]) -> NDArray[np.float64]:
        """The points themselves: the axis is the mean."""
        return axis

    def _scores(self, axis: NDArray[np.float64]) -> NDArray[np.float64]:
        return (axis - self.means[:, np.newaxis]) / self.sds[:, np.newaxis]


def beta_posterior(
    successes: ArrayLike,
    units: ArrayLike,
    *,
    prior_mean: ArrayLike = 0.5,
    prior_strength: float = 2.0,
) -> BetaPosterior:
    """Update a Beta prior with converted and exposed units.

    alpha_k = m·n₀ + s_k and beta_k = (1 - m)·n₀ + max(ñ_k - s_k, 0): conjugate updating (Gelman
    et al., Bayesian Data Analysis, 3rd ed. 2013, section 2.4) with a denominator that may be
    corrected for conversions still to come (`row_shares`).

    Args:
        successes: Conversions s_k ≥ 0 that arrived, shape (K,).
        units: Exposed units ñ_k ≥ 0, shape (K,), fractional after exposure correction; where it
            is below `successes`, no failure is counted.
        prior_mean: The rate m in (0, 1) believed before any data: one for all arms, or one per
            arm. For the cells of one run, the `means` of a posterior over all of its cells.
        prior_strength: The number n₀ > 0 of units that the prior is worth; 50 with history.

    Raises:
        ValueError: A count is negative or not finite, or the prior is outside its range.
    """
    arrived = _counts("successes", successes)
    exposed = _counts("units", units)
    mean = np.asarray(prior_mean, dtype=np.float64)
    if not (np.all(mean > 0) and np.all(mean < 1) and 0 < prior_strength < np.inf):
        raise ValueError(
            f"expected a prior mean in (0, 1) and a positive strength, got {prior_mean!r} and "
            f"{prior_strength!r}"
        )
    return BetaPosterior(
        mean * prior_strength + arrived,
        (1 - mean) * prior_strength + np.maximum(exposed - arrived, 0.0),
    )


def normal_posterior(units: ArrayLike, sums: ArrayLike, *, variance: float) -> NormalPosterior:
    """Approximate beliefs about the mean of a capped value per unit.

    Mean ȳ_k and deviation √(s²/n_k): the central limit theorem with a flat prior and a plugged-in
    variance, because reference priors on the variance make Thompson sampling fail (Honda &
    Takemura 2014). Fit for allocation once every arm has about 40 orders.

    Args:
        units: Units n_k > 0, shape (K,).
        sums: Sum of the capped values per arm, shape (K,).
        variance: The variance s² ≥ 0 of a value within an arm, as `pooled_variance` returns it.

    Raises:
        ValueError: An arm has no units, or the values are not finite.
    """
    n = np.asarray(units, dtype=np.float64)
    _require_positive("units", n)
    means = np.asarray(sums, dtype=np.float64) / n
    # Values that never vary leave nothing to doubt but rounding.
    rounding = 1e-9 * (float(np.abs(means).max()) or 1.0)
    return NormalPosterior(means, np.maximum(np.sqrt(variance / n), rounding))


def pooled_variance(units: ArrayLike, sums: ArrayLike, squares: ArrayLike) -> float:
    """Return the variance of a value within groups, Σ scatter/Σ(n - 1), 0 without any units.

    Args:
        units: Units per group, > 0.
        sums: Sum of the values per group.
        squares: Sum of the squared values per group.
    """
    n, total, square = (np.asarray(part, dtype=np.float64) for part in (units, sums, squares))
    scatter = np.maximum(square - total * total / n, 0.0).sum()
    return float(scatter) / max(float(np.maximum(n - 1, 0.0).sum()), 1.0)


def _logit_quantiles(
    alpha: NDArray[np.float64], beta: NDArray[np.float64], tails: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Logits of the Beta quantiles at `tails`, shape (K, len(tails))."""
    alpha, beta = alpha[:, np.newaxis], beta[:, np.newaxis]
    quantiles = special.betaincinv(alpha, beta, tails)
    # Near 0 the distribution function is x^a / (a B(a, b)), also where x itself underflows.
    near_zero = (np.log(tails * alpha) + special.betaln(alpha, beta)) / alpha
    return np.where(quantiles < 1e-280, near_zero, special.logit(quantiles))


def _counts(name: str, values: ArrayLike) -> NDArray[np.float64]:
    counts = np.asarray(values, dtype=np.float64)
    if not np.all(np.isfinite(counts) & (counts >= 0)):
        raise ValueError(f"expected {name} >= 0, got {counts.tolist()}")
    return counts


def _require_positive(name: str, values: NDArray[np.float64]) -> None:
    if values.ndim != 1 or not values.size or not np.all(np.isfinite(values) & (values > 0)):
        raise ValueError(f"expected {name} to be one positive number per arm, got {values!r}")
