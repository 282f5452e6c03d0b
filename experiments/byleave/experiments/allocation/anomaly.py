"""Whether one arm suddenly does better or worse beside the others than it ever did.

What happens to visitors, a sale or a Sunday, happens in every arm. Rewards that somebody makes
up for one arm do not: they move it against the others. That is what is looked for, so that
weights need not follow it.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

__all__ = ["RECENT_ROWS", "sudden_change"]

#: Rows that are held together against all before them.
RECENT_ROWS: Final = 3

#: Below so many units that reached the goal nothing is said.
_LEAST_REACHED: Final = 10
_ROUNDS: Final = 30


def sudden_change(units: ArrayLike, reached: ArrayLike, *, recent: int = RECENT_ROWS) -> float:
    """Return how probable it is, at most, that an arm moved so far against the others by chance.

    Before, the rate of a row and an arm is taken as the product of one factor for each, so that
    rates which change for everybody, and rows in which more has arrived, explain nothing. What
    an arm reached in the newest rows is then held against what it should have beside the other
    arms; the sum of what is expected being uncertain itself, it has a negative binomial
    distribution, a Poisson whose mean has a gamma distribution (Greenwood and Yule 1920). Its
    shape is 1 / (1/a + 1/b), for a successes of the arm before and b of the others now: to first
    order the squared relative errors of independent Poisson counts add up. The smaller tail of
    every arm is taken, times 2K (Bonferroni).

    Args:
        units: Units of each row and arm, the newest row last, shape (J, K).
        reached: How many of them reached the goal so far, shape (J, K).
        recent: How many of the newest rows are looked at, ≥ 1.

    Returns:
        A bound on the probability in [0, 1]; 1 where there is too little to say.
    """
    counts, successes = (np.asarray(each, dtype=np.float64) for each in (units, reached))
    effects = _effects(counts[:-recent], successes[:-recent])
    known = successes[:-recent].sum(axis=0)
    counts, successes = counts[-recent:], successes[-recent:]
    smallest = 1.0
    for arm, before in enumerate(known):
        others = np.delete(successes, arm, axis=1).sum(axis=1)
        exposed = np.delete(counts * effects, arm, axis=1).sum(axis=1)
        if min(before, others.sum()) < _LEAST_REACHED:
            continue
        base = np.divide(others, exposed, out=np.zeros_like(others), where=exposed > 0)
        expected = float((counts[:, arm] * base).sum() * effects[arm])
        certain = 1 / (1 / before + 1 / others.sum())
        found, share = float(successes[:, arm].sum()), expected / (expected + certain)
        more = float(betainc(found, certain, share)) if found else 1.0
        fewer = 1.0 - float(betainc(found + 1, certain, share))
        smallest = min(smallest, more, fewer)
    return min(1.0, 2 * len(known) * smallest)


def _effects(counts: NDArray[np.float64], successes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the factor of each arm, fitted in turns with that of each row."""
    effects = np.ones(counts.shape[1])
    for _ in range(_ROUNDS):
        exposed = counts @ effects
        rows = np.divide(
            successes.sum(axis=1), exposed, out=np.zeros_like(exposed), where=exposed > 0
        )
        effects = (successes.sum(axis=0) + 0.5) / (rows @ counts + 0.5)
    return effects
