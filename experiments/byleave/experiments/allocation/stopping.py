"""When to stop: what the present champion could still lose to another arm. Advice, never an action.

The rule is that of Google Content Experiments (Scott 2015, "Multi-armed bandit experiments in
the online service economy"; Analytics help 2844870). Model-based, like P(best).
"""

from collections.abc import Callable
from math import inf

import numpy as np
from numpy.typing import NDArray

from byleave.experiments.allocation.best_arm import compare_arms
from byleave.experiments.allocation.posterior import Posterior
from byleave.experiments.allocation.quadrature import WEIGHTS, panel_edges, panel_nodes
from byleave.experiments.goals import Better

__all__ = ["champion", "may_stop", "probability_within", "value_remaining"]

_DAY_MS = 86_400_000


def champion(posterior: Posterior, *, better: Better = Better.HIGHER) -> int:
    """Return the index of the arm with the best posterior mean."""
    means = posterior.means
    return int(np.argmax(means) if better is Better.HIGHER else np.argmin(means))


def probability_within(
    posterior: Posterior, *, share: float, better: Better = Better.HIGHER
) -> float:
    """Return the probability that no arm beats the champion by more than a share of its value.

    P(θ_best ≤ (1 + v)·θ_a) = ∫ f_a(x) ∏_{j≠a} F_j((1 + v)·x) dx, exact to about 1e-8; where lower
    is better, P(θ_best ≥ (1 - v)·θ_a).

    Args:
        posterior: Beliefs about K ≥ 1 arms.
        share: v ≥ 0, below 1 where lower is better.
        better: Which direction of the goal is the good one.
    """
    return _within(posterior, posterior.breaks(), share, better)


def _within(
    posterior: Posterior, breaks: NDArray[np.float64], share: float, better: Better
) -> float:
    leader = champion(posterior, better=better)
    rivals = np.flatnonzero(np.arange(len(breaks)) != leader)
    factor = 1 + share if better is Better.HIGHER else 1 - share
    scaled = posterior.to_axis(posterior.to_values(breaks) / factor)
    scaled[leader] = breaks[leader]
    edges = panel_edges(
        scaled,
        low=breaks[leader, 0],
        high=breaks[leader, -1],
        finest=float(np.diff(breaks, axis=1).min()),
    )
    axis, half_widths = panel_nodes(edges)
    points = axis.ravel()
    mass = posterior.select([leader]).densities(points)[0] * np.outer(half_widths, WEIGHTS).ravel()
    if not len(rivals):
        return min(float(mass.sum()), 1.0)
    inside = posterior.select(rivals).cdf(posterior.to_axis(factor * posterior.to_values(points)))
    if better is Better.LOWER:
        inside = 1 - inside
    return min(float(mass @ inside.prod(axis=0)), 1.0)


def value_remaining(
    posterior: Posterior, *, better: Better = Better.HIGHER, probability: float = 0.95
) -> float:
    """Return how much better than the champion another arm could still turn out to be.

    The quantile of (θ_best - θ_a) / θ_a, solved from the same integral, to 1e-4 of the
    champion's value or of the result, whichever is larger.

    Args:
        posterior: Beliefs about K ≥ 1 arms.
        better: Which direction of the goal is the good one; where lower is better, the result
            is the share of the champion's value that could still be saved.
        probability: The quantile's probability in (0, 1).

    Returns:
        A share ≥ 0 of the champion's value; infinite when that value may well be 0 or negative.
    """
    posterior = _contenders(posterior, better)
    breaks = posterior.breaks()

    def excess(share: float) -> float:
        return _within(posterior, breaks, share, better) - probability

    low = (0.0, excess(0.0))
    if low[1] >= 0:
        return 0.0
    # A higher value has no bound; a lower one cannot fall by more than all of it.
    for bound in 4.0 ** np.arange(-3, 11) if better is Better.HIGHER else [1 - 1e-9]:
        high = (float(bound), excess(float(bound)))
        if high[1] >= 0:
            return _root(excess, low, high)
        low = high
    return inf


def _contenders(posterior: Posterior, better: Better) -> Posterior:
    """Return the beliefs about the champion and all arms that may be the best, however unlikely.

    What is left out beats the champion with a probability below 1e-9.
    """
    best = compare_arms(posterior, better=better).best
    best[champion(posterior, better=better)] = 1.0
    return posterior.select(np.flatnonzero(best > 1e-9 / len(best)))


def _root(
    function: Callable[[float], float], low: tuple[float, float], high: tuple[float, float]
) -> float:
    """Where an increasing function is 0, by false position (the Illinois rule), to 1e-4.

    Args:
        function: The function.
        low: A place where it is negative, with its value there.
        high: A place where it is not, with its value there.
    """
    found, before, was_low = high[0], inf, None
    while abs(found - before) > 1e-4 * max(found, 1.0):
        before = found
        found = (low[0] * high[1] - high[0] * low[1]) / (high[1] - low[1])
        value = function(found)
        # An end that stays for a second time counts half, so that it will move, too.
        share = 0.5 if was_low is (value < 0) else 1.0
        if was_low := value < 0:
            low, high = (found, value), (high[0], high[1] * share)
        else:
            low, high = (low[0], low[1] * share), (found, value)
    return found


def may_stop(posterior: Posterior, *, age_ms: int, better: Better = Better.HIGHER) -> bool:
    """Whether stopping now costs next to nothing.

    With 95 % probability no arm beats the champion by more than 1 % of its value, and 14 days
    passed, so that every weekday was seen twice.

    Args:
        posterior: Beliefs about K ≥ 1 arms.
        age_ms: Milliseconds since the run began.
        better: Which direction of the goal is the good one.
    """
    return (
        age_ms >= 14 * _DAY_MS and probability_within(posterior, share=0.01, better=better) >= 0.95
    )
