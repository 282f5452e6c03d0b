from math import isinf

import numpy as np
import pytest
from scipy.special import ndtr

from byleave.experiments.allocation import (
    NormalPosterior,
    beta_posterior,
    may_stop,
    probability_within,
    value_remaining,
)
from byleave.experiments.goals import Better

DAY_MS = 86_400_000


@pytest.mark.parametrize("better", Better)
def test_value_remaining_agrees_with_draws_from_the_posterior(better: Better) -> None:
    posterior = beta_posterior([40, 50, 45], [1_000, 1_000, 1_000])
    draws = np.random.default_rng(5).beta(posterior.alpha, posterior.beta, (400_000, 3))
    champion = 1 if better is Better.HIGHER else 0
    best = draws.max(axis=1) if better is Better.HIGHER else draws.min(axis=1)

    remaining = value_remaining(posterior, better=better)

    shares = np.abs(best - draws[:, champion]) / draws[:, champion]
    assert remaining == pytest.approx(np.quantile(shares, 0.95), abs=2e-3)


def test_no_value_remains_beside_a_clear_champion_or_without_rivals() -> None:
    assert value_remaining(beta_posterior([10, 400], [1_000, 1_000])) == 0.0
    assert value_remaining(beta_posterior([10], [1_000])) == 0.0


@pytest.mark.parametrize("better", Better)
def test_value_remaining_is_unbounded_when_the_champion_may_be_worth_nothing(
    better: Better,
) -> None:
    posterior = NormalPosterior(np.array([0.0, 0.1]), np.array([1.0, 1.0]))

    assert isinf(value_remaining(posterior, better=better))


def test_the_probability_within_a_share_is_that_of_draws_from_the_posterior() -> None:
    posterior = NormalPosterior(np.array([10.0, 9.9, 9.5]), np.array([0.1, 0.05, 0.6]))
    draws = np.random.default_rng(6).normal(posterior.means, posterior.sds, (400_000, 3))

    within = probability_within(posterior, share=0.01)

    assert within == pytest.approx((draws.max(axis=1) <= 1.01 * draws[:, 0]).mean(), abs=3e-3)


@pytest.mark.parametrize(
    ("better", "rival", "factor"), [(Better.HIGHER, 0.95, 1.5), (Better.LOWER, 1.2, 0.5)]
)
def test_the_probability_within_a_share_is_exact_where_a_rival_is_known_well(
    better: Better, rival: float, factor: float
) -> None:
    posterior = NormalPosterior(np.array([1.0, rival]), np.array([0.5, 1e-4]))
    gap = abs(factor - rival) / np.hypot(factor * 0.5, 1e-4)

    within = probability_within(posterior, share=0.5, better=better)

    assert within == pytest.approx(float(ndtr(gap)), abs=1e-8)


@pytest.mark.parametrize(
    ("gap", "days", "expected"), [(1.0, 14, True), (1.0, 13, False), (0.0, 14, False)]
)
@pytest.mark.parametrize("better", Better)
def test_stopping_is_advised_after_two_weeks_with_under_one_percent_left(
    gap: float, days: int, expected: bool, better: Better
) -> None:
    posterior = NormalPosterior(np.array([10.0, 10.0 + gap]), np.array([0.1, 0.1]))

    assert may_stop(posterior, age_ms=days * DAY_MS, better=better) is expected
