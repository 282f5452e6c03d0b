from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import integrate, special

from byleave.experiments.allocation import (
    BetaPosterior,
    NormalPosterior,
    beats,
    beta_posterior,
    compare_arms,
)
from byleave.experiments.goals import Better

counts = st.integers(min_value=5, max_value=1_000_000).flatmap(
    lambda units: st.tuples(st.integers(min_value=0, max_value=units), st.just(units))
)
arms = st.lists(counts, min_size=2, max_size=6)


def best_by_quad(posterior: BetaPosterior, arm: int) -> float:
    """P(best) of one arm by adaptive quadrature over the logit of its rate."""
    alpha, beta = posterior.alpha, posterior.beta
    own = posterior.breaks()[arm]
    edges = np.unique(np.clip(posterior.breaks(), own[0], own[-1]))

    def integrand(t: float) -> float:
        low, high = special.log_expit(t), special.log_expit(-t)
        density = np.exp(
            alpha[arm] * low + beta[arm] * high - special.betaln(alpha[arm], beta[arm])
        )
        others = np.delete(np.arange(len(alpha)), arm)
        return float(density * posterior.select(others).cdf(np.array([t])).prod())

    return sum(
        float(integrate.quad(integrand, a, b, epsabs=1e-12, epsrel=1e-9, limit=100)[0])
        for a, b in pairwise(edges)
    )


@pytest.mark.parametrize("better", Better)
@pytest.mark.parametrize(
    ("successes", "units", "prior_mean", "strength"),
    [
        ([11, 17, 26], [287, 303, 310], 0.5, 2),
        ([0, 0, 0], [5, 400, 1e6], 0.5, 2),
        ([5, 400, 1e6], [5, 400, 1e6], 0.5, 2),
        ([0, 400, 3], [5, 400, 1e6], 0.03, 50),
        ([0, 0, 1], [120, 100, 150], 0.001, 50),
        ([7, 7, 7], [90, 90, 90], 0.5, 2),
        ([50_000, 50_100], [1e6, 1e6], 0.5, 2),
    ],
)
def test_probabilities_of_being_best_equal_adaptive_quadrature(
    successes: list[float], units: list[float], prior_mean: float, strength: float, better: Better
) -> None:
    posterior = beta_posterior(successes, units, prior_mean=prior_mean, prior_strength=strength)
    oriented = posterior if better is Better.HIGHER else posterior.mirrored()

    comparison = compare_arms(posterior, better=better)

    expected = [best_by_quad(oriented, arm) for arm in range(len(units))]
    np.testing.assert_allclose(comparison.best, expected, atol=1e-8)


def test_twenty_arms_of_very_different_size_equal_adaptive_quadrature() -> None:
    rng = np.random.default_rng(20)
    units = np.floor(10 ** rng.uniform(np.log10(5), 6, 20))
    units[:4] = [5, 5, 1e6, 1e6]
    successes = rng.binomial(units.astype(int), rng.uniform(0.03, 0.06, 20)).astype(float)
    successes[:4] = [0, 5, 0, 55_000]
    posterior = beta_posterior(successes, units, prior_mean=0.04, prior_strength=50)

    comparison = compare_arms(posterior)

    for arm in (0, 1, 3, *np.argsort(comparison.best)[-2:]):
        assert comparison.best[arm] == pytest.approx(best_by_quad(posterior, int(arm)), abs=1e-8)
    assert comparison.best.sum() == pytest.approx(1, abs=1e-12)


def test_normal_posteriors_of_two_arms_have_a_closed_form() -> None:
    posterior = NormalPosterior(np.array([1.0, 1.3]), np.array([0.3, 0.4]))

    comparison = compare_arms(posterior)

    score = 0.3 / 0.5
    density = np.exp(-score * score / 2) / np.sqrt(2 * np.pi)
    expected_max = 1.0 * special.ndtr(-score) + 1.3 * special.ndtr(score) + 0.5 * density
    np.testing.assert_allclose(comparison.best, special.ndtr([-score, score]), atol=1e-12)
    np.testing.assert_allclose(comparison.second, comparison.best[::-1], atol=1e-12)
    assert comparison.expected_best == pytest.approx(expected_max, abs=1e-12)
    np.testing.assert_allclose(comparison.expected_loss, expected_max - posterior.means, atol=1e-12)


def test_ranks_and_loss_agree_with_draws_from_the_posterior() -> None:
    posterior = beta_posterior([30, 40, 35, 50], [900, 1_000, 800, 1_300])
    draws = np.random.default_rng(3).beta(posterior.alpha, posterior.beta, (200_000, 4))
    ranks = (-draws).argsort(axis=1)

    comparison = compare_arms(posterior)

    for rank, probabilities in enumerate((comparison.best, comparison.second, comparison.third)):
        sampled = np.bincount(ranks[:, rank], minlength=4) / len(draws)
        np.testing.assert_allclose(probabilities, sampled, atol=5e-3)
    loss = (draws.max(axis=1)[:, np.newaxis] - draws).mean(axis=0)
    np.testing.assert_allclose(comparison.expected_loss, loss, atol=1e-4)


def test_where_lower_is_better_the_smallest_value_wins() -> None:
    posterior = beta_posterior([10, 60], [1_000, 1_000])

    comparison = compare_arms(posterior, better=Better.LOWER)

    assert comparison.best[0] > 0.999
    assert comparison.expected_best == pytest.approx(float(posterior.means[0]), abs=1e-6)


def test_one_arm_is_certainly_the_best() -> None:
    comparison = compare_arms(beta_posterior([3], [10]))

    assert comparison.best.tolist() == [1.0]
    assert comparison.second.tolist() == [0.0]
    assert comparison.expected_loss == pytest.approx([0.0], abs=1e-9)


@given(arms)
def test_probabilities_are_finite_and_permute_with_the_arms(data: list[tuple[int, int]]) -> None:
    successes, units = np.array(data, dtype=float).T
    order = np.random.default_rng(len(data)).permutation(len(data))

    comparison = compare_arms(beta_posterior(successes, units))
    permuted = compare_arms(beta_posterior(successes[order], units[order]))

    fields = ("best", "second", "third", "expected_loss")
    for mine, theirs in ((getattr(comparison, f), getattr(permuted, f)) for f in fields):
        assert np.isfinite(mine).all()
        np.testing.assert_allclose(theirs, mine[order], atol=1e-8)
    assert comparison.best.sum() == pytest.approx(1, abs=1e-12)


@given(counts, st.integers(min_value=2, max_value=20))
def test_identical_arms_are_equally_likely_to_be_best(data: tuple[int, int], number: int) -> None:
    successes, units = data

    comparison = compare_arms(beta_posterior([successes] * number, [units] * number))

    np.testing.assert_allclose(comparison.best, 1 / number, atol=1e-9)


@given(arms)
def test_moving_the_scale_of_normal_means_changes_nothing_but_the_scale(
    data: list[tuple[int, int]],
) -> None:
    means, sds = (np.array(column, dtype=float) for column in zip(*data, strict=True))
    sds = np.sqrt(sds)

    comparison = compare_arms(NormalPosterior(means, sds))
    scaled = compare_arms(NormalPosterior(3 + 7 * means, 7 * sds))

    np.testing.assert_allclose(scaled.best, comparison.best, atol=1e-9)
    np.testing.assert_allclose(
        scaled.expected_loss, 7 * comparison.expected_loss, rtol=1e-6, atol=1e-6
    )


def test_a_density_that_is_none_is_caught() -> None:
    class Broken(NormalPosterior):
        def densities(self, axis: NDArray[np.float64]) -> NDArray[np.float64]:
            return 1.01 * NormalPosterior.densities(self, axis)

    with pytest.raises(ArithmeticError, match="add up to"):
        compare_arms(Broken(np.zeros(1), np.ones(1)))


def test_one_arm_beats_another_as_often_as_it_is_the_best_of_the_two() -> None:
    posterior = NormalPosterior(np.array([1.0, 5.0, 1.3]), np.array([0.3, 0.1, 0.4]))

    assert beats(posterior, arm=2) == pytest.approx(special.ndtr(0.6), abs=1e-12)
    assert beats(posterior, arm=2, better=Better.LOWER) == pytest.approx(special.ndtr(-0.6))
