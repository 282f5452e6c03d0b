"""What learning costs: conversions lost against an oracle that always shows the best arm."""

from math import log

import numpy as np
import pytest
from numpy.typing import NDArray

from byleave.experiments.allocation import (
    beta_posterior,
    compare_arms,
    fixed_weights,
    floors,
    thompson_weights,
)

RATES = np.array([0.05, 0.04, 0.04, 0.03, 0.03])
BATCH = 1_000


def regret(seed: int, *, visits: int, kept: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected conversions lost after each batch, with floors `kept` and rates `RATES`."""
    rng = np.random.default_rng(seed)
    successes, units = np.zeros(RATES.size), np.zeros(RATES.size)
    lost = []
    for _ in range(visits // BATCH):
        best = compare_arms(beta_posterior(successes, units)).best
        drawn = rng.multinomial(BATCH, thompson_weights(best, floors=kept))
        units += drawn
        successes += rng.binomial(drawn, RATES)
        lost.append(float(drawn @ (RATES.max() - RATES)))
    return np.cumsum(lost)


def test_learning_loses_a_tenth_of_what_equal_shares_lose() -> None:
    none = np.zeros(RATES.size)

    lost = np.mean([regret(seed, visits=100_000, kept=none)[-1] for seed in range(20)])

    # Equal shares lose 1,200; an independent simulation of the same policy lost 107.
    assert 70 < lost < 160


def test_floors_cost_little_more_than_their_share_of_the_gaps_between_arms() -> None:
    none = np.zeros(RATES.size)
    kept = floors(RATES.size, control=1)
    seeds = range(10)

    free = np.mean([regret(seed, visits=50_000, kept=none)[-1] for seed in seeds])
    floored = np.mean([regret(seed, visits=50_000, kept=kept)[-1] for seed in seeds])

    explored = 50_000 * float(kept @ (RATES.max() - RATES))
    assert floored < free + 1.5 * explored


def test_the_first_weights_know_nothing() -> None:
    best = compare_arms(beta_posterior(np.zeros(5), np.zeros(5))).best

    np.testing.assert_allclose(thompson_weights(best, floors=np.zeros(5)), fixed_weights([0.2] * 5))


@pytest.mark.long
def test_regret_grows_like_the_logarithm_of_the_visits() -> None:
    none = np.zeros(RATES.size)
    runs = np.array([regret(seed, visits=1_000_000, kept=none) for seed in range(60)])

    mean = runs.mean(axis=0)
    slope = (mean[-1] - mean[99]) / log(10)
    # Lai & Robbins (1985): 25.94 for these rates, in the limit.
    assert 12 < slope < 30
    assert mean[-1] == pytest.approx(152, abs=30)
