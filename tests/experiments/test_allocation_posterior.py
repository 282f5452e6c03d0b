from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, special

from byleave.experiments.allocation import (
    BetaPosterior,
    NormalPosterior,
    beta_posterior,
    normal_posterior,
    pooled_variance,
)


def test_a_prior_is_worth_its_strength_in_units() -> None:
    posterior = beta_posterior([3], [10], prior_mean=0.2, prior_strength=50)

    assert posterior.alpha.tolist() == [13.0]
    assert posterior.beta.tolist() == [47.0]


def test_each_arm_may_have_a_prior_of_its_own() -> None:
    posterior = beta_posterior([0, 0], [0, 0], prior_mean=[0.1, 0.3], prior_strength=10)

    np.testing.assert_allclose(posterior.means, [0.1, 0.3], rtol=1e-15)


def test_more_conversions_than_corrected_units_count_no_failure() -> None:
    posterior = beta_posterior([8], [5.5])

    assert posterior.beta.tolist() == [1.0]


@pytest.mark.parametrize(
    ("successes", "units", "prior_mean", "prior_strength"),
    [
        ([-1], [5], 0.5, 2),
        ([1], [-5], 0.5, 2),
        ([1], [float("nan")], 0.5, 2),
        ([1], [5], 0.0, 2),
        ([1], [5], 1.0, 2),
        ([1], [5], 0.5, 0),
        ([1], [5], 0.5, float("inf")),
    ],
)
def test_impossible_counts_and_priors_are_refused(
    successes: list[float], units: list[float], prior_mean: float, prior_strength: float
) -> None:
    with pytest.raises(ValueError, match="expected"):
        beta_posterior(successes, units, prior_mean=prior_mean, prior_strength=prior_strength)


def test_parameters_of_a_beta_posterior_must_fit_each_other() -> None:
    with pytest.raises(ValueError, match="shape"):
        BetaPosterior(np.ones(2), np.ones(3))


@pytest.mark.parametrize("sds", [[1.0, 0.0], [1.0], []])
def test_parameters_of_a_normal_posterior_must_fit_each_other(sds: list[float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        NormalPosterior(np.zeros(2), np.array(sds))


def test_normal_beliefs_pool_the_variance_within_arms() -> None:
    values = [np.array([1.0, 2.0, 6.0]), np.array([2.0, 4.0])]

    sums = [v.sum() for v in values]

    variance = pooled_variance([3, 2], sums, [float((v * v).sum()) for v in values])
    posterior = normal_posterior([3, 2], sums, variance=variance)

    assert variance == pytest.approx((14.0 + 2.0) / 3)
    np.testing.assert_allclose(posterior.means, [3.0, 3.0])
    np.testing.assert_allclose(posterior.sds, np.sqrt([variance / 3, variance / 2]))


@pytest.mark.parametrize(("sums", "means"), [([0, 0], [0, 0]), ([6, 9], [2, 3])])
def test_values_that_never_vary_leave_next_to_no_doubt(
    sums: list[float], means: list[float]
) -> None:
    variance = pooled_variance([3, 3], sums, [s * s / 3 for s in sums])

    posterior = normal_posterior([3, 3], sums, variance=variance)

    assert posterior.means.tolist() == means
    assert 0 < posterior.sds.max() < 4e-9


def test_nothing_varies_without_units() -> None:
    assert pooled_variance([], [], []) == 0


def test_an_arm_without_units_has_no_normal_beliefs() -> None:
    with pytest.raises(ValueError, match="units"):
        normal_posterior([3, 0], [1, 0], variance=1.0)


@pytest.mark.parametrize(("alpha", "beta"), [(1, 1), (0.02, 50), (3, 1e6), (1e6, 2), (40, 0.05)])
def test_density_and_distribution_of_a_rate_agree_on_the_logit_axis(
    alpha: float, beta: float
) -> None:
    posterior = BetaPosterior(np.array([float(alpha)]), np.array([float(beta)]))
    ends = posterior.breaks()[0]

    pieces = [
        integrate.quad(lambda t: posterior.densities(np.array([t]))[0, 0], low, high)[0]
        for low, high in pairwise(ends)
    ]

    np.testing.assert_allclose(pieces, np.diff(posterior.cdf(ends)[0]), atol=2e-8)
    assert sum(pieces) == pytest.approx(1, abs=2e-8)
    assert (np.diff(ends) > 0).all()


def test_values_and_axis_are_inverse_to_each_other() -> None:
    beta = BetaPosterior(np.ones(1), np.ones(1))
    normal = NormalPosterior(np.zeros(1), np.ones(1))
    rates = np.array([1e-9, 0.3, 0.999])

    assert np.allclose(beta.to_values(beta.to_axis(rates)), rates, rtol=1e-12)
    assert beta.to_axis(np.array([1.5])).tolist() == [np.inf]
    assert normal.to_values(normal.to_axis(rates)).tolist() == rates.tolist()


def test_mirroring_reverses_the_order_of_values() -> None:
    beta = beta_posterior([3, 5], [10, 10])
    normal = NormalPosterior(np.array([1.0, 2.0]), np.array([0.1, 0.2]))

    assert np.allclose(beta.mirrored().means, 1 - beta.means)
    assert normal.mirrored().means.tolist() == [-1.0, -2.0]
    assert normal.select([1]).sds.tolist() == [0.2]


def test_the_normal_distribution_function_is_that_of_its_density() -> None:
    posterior = NormalPosterior(np.array([2.0]), np.array([0.5]))

    below = integrate.quad(lambda t: posterior.densities(np.array([t]))[0, 0], -3, 2.4)[0]

    assert below == pytest.approx(posterior.cdf(np.array([2.4]))[0, 0], abs=1e-9)
    assert below == pytest.approx(special.ndtr(0.8), abs=1e-9)


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_the_variance_within_one_group_is_that_of_a_sample(size: int) -> None:
    values = np.arange(size) ** 1.5

    variance = pooled_variance([size], [values.sum()], [(values**2).sum()])

    assert variance == pytest.approx(values.var(ddof=1) if size > 1 else 0.0)
