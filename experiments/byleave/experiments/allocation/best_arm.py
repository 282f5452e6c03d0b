"""How likely every arm is the best, and what choosing it would cost.

Everything is computed by Gauss-Legendre panels, so the answer is the same on every machine:
errors stay below 1e-9, where 100,000 posterior draws leave 1e-3 and take ten times as long.
Sampling from these probabilities is Thompson sampling (Thompson 1933; Scott 2010).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byleave.experiments.allocation.posterior import Posterior
from byleave.experiments.allocation.quadrature import (
    RUNNING_WEIGHTS,
    WEIGHTS,
    panel_edges,
    panel_nodes,
)
from byleave.experiments.goals import Better

__all__ = ["ArmComparison", "beats", "compare_arms"]

_RANKS = 3


@dataclass(frozen=True, slots=True)
class ArmComparison:
    """What a posterior says about the order of K arms. Model-based: it assumes stable rates.

    Attributes:
        best: Probability that the arm is the best one, sums to 1, shape (K,).
        second: Probability that exactly one arm is better, shape (K,).
        third: Probability that exactly two arms are better, shape (K,).
        expected_loss: How much worse than the best arm this arm is on average, ≥ 0, in the
            unit of the goal, shape (K,).
        expected_best: Mean of the best arm's value, in the unit of the goal.
    """

    best: NDArray[np.float64]
    second: NDArray[np.float64]
    third: NDArray[np.float64]
    expected_loss: NDArray[np.float64]
    expected_best: float


def compare_arms(posterior: Posterior, *, better: Better = Better.HIGHER) -> ArmComparison:
    """Return rank probabilities and expected losses, exact to about 1e-9.

    P_k = ∫ f_k ∏_{j≠k} F_j, and the same with exactly one or two factors 1 - F_j for the second
    and third rank; E[max] = ∫ x d∏F (the integrals of Scott 2010, "A modern Bayesian look at the
    multi-armed bandit"). The distribution functions are summed up from the densities, panel by
    panel, which is faster than evaluating them and just as exact. Costs O(K²).

    Args:
        posterior: Beliefs about K ≥ 1 arms.
        better: Which direction of the goal is the good one.

    Raises:
        ArithmeticError: The probabilities do not add up to 1 within 1e-6.
    """
    oriented = posterior.mirrored() if better is Better.LOWER else posterior
    breaks = oriented.breaks()
    # The third best arm cannot lie below the third highest of the arms' first breaks.
    low, high = np.sort(breaks[:, 0])[-_RANKS:][0], breaks[:, -1].max()
    finest = np.diff(breaks, axis=1).min()
    edges = panel_edges(breaks, low=low, high=high, finest=finest)
    axis, half_widths = panel_nodes(edges)
    density = oriented.densities(axis.ravel()).reshape(-1, *axis.shape)
    start = oriented.cdf(edges[:1])
    ends = start + np.cumsum(density @ WEIGHTS * half_widths, axis=1)
    below = np.concatenate([start, ends[:, :-1]], axis=1)[:, :, np.newaxis]
    below = below + density @ RUNNING_WEIGHTS.T * half_widths[:, np.newaxis]
    others_above = _exactly_above(np.clip(below, 0.0, 1.0).reshape(len(density), -1))
    mass = (density * (half_widths[:, np.newaxis] * WEIGHTS)).reshape(len(density), -1)
    ranks = np.einsum("kn,rkn->rk", mass, others_above)
    total = float(ranks[0].sum())
    if not abs(total - 1) < 1e-6:
        raise ArithmeticError(f"the probabilities of being best add up to {total!r}, not to 1")
    values = oriented.to_values(axis.ravel())
    loss = float(np.einsum("kn,kn,n->", mass, others_above[0], values)) / total - oriented.means
    loss = np.maximum(loss, 0.0)
    gain = loss[0] if better is Better.HIGHER else -loss[0]
    best, second, third = ranks / total
    return ArmComparison(best, second, third, loss, float(posterior.means[0] + gain))


def beats(
    posterior: Posterior, *, arm: int, rival: int = 0, better: Better = Better.HIGHER
) -> float:
    """Return the probability that one arm is better than another. Model-based, like P(best)."""
    return float(compare_arms(posterior.select([arm, rival]), better=better).best[0])


def _exactly_above(below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability per arm that exactly 0, 1 or 2 of the other arms exceed a point.

    Coefficients of ∏_{j≠k} (F_j + (1 - F_j)·t) by prefix and suffix products, since dividing by
    F_k would fail where it is 0. Shape (3, K, N) for `below` of shape (K, N).
    """
    arms, points = below.shape
    before, after = np.zeros((2, arms, _RANKS, points))
    before[0, 0] = after[-1, 0] = 1.0
    for arm in range(1, arms):
        before[arm] = _times(before[arm - 1], below[arm - 1])
        after[-1 - arm] = _times(after[-arm], below[-arm])
    return np.stack(
        [
            sum((before[:, i] * after[:, rank - i] for i in range(rank + 1)), np.zeros_like(below))
            for rank in range(_RANKS)
        ]
    )


def _times(polynomial: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply by F + (1 - F)·t and forget the powers from t³ on."""
    product = polynomial * below
    product[1:] += polynomial[:-1] * (1 - below)
    return product
