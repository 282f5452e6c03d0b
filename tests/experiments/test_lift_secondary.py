import numpy as np
import pytest

from byleave.experiments.lift import Strata
from byleave.experiments.lift.secondary import (
    aipw_stable,
    aipw_uniform,
    naive_pooled,
    period_weighted,
)

REPLICATIONS = 300


def drifting(seed: int) -> Strata:
    """Two arms that differ by 2 points while rate and weights drift together."""
    rng = np.random.default_rng(seed)
    share = np.linspace(0.2, 0.8, 10)
    weights = np.stack([1 - share, share], axis=1)
    counts = np.array([rng.multinomial(300, row) for row in weights])
    rates = np.linspace(0.05, 0.20, 10)[:, np.newaxis] + [0, 0.02]
    sums = rng.binomial(counts, rates)
    return Strata.of(counts=counts, sums=sums, squares=sums, propensities=weights)


def test_pooling_is_biased_by_weights_that_follow_the_rate_and_the_others_are_not() -> None:
    runs = [drifting(seed) for seed in range(REPLICATIONS)]

    pooled = [naive_pooled(run, arm=1) for run in runs]
    scored = [aipw_uniform(run, arm=1) for run in runs]
    stable = [aipw_stable(run, arm=1) for run in runs]
    weighted = [period_weighted(run, arm=1) for run in runs]

    assert np.mean([e.difference for e in pooled if e]) > 0.05
    for estimates in (
        [e for e in scored if e],
        [e for e in stable if e],
        [w.estimate for w in weighted if w],
    ):
        differences = np.array([e.difference for e in estimates])
        errors = np.array([e.standard_error for e in estimates])
        assert abs(differences.mean() - 0.02) < 4 * differences.std() / np.sqrt(REPLICATIONS)
        assert errors.mean() == pytest.approx(differences.std(), rel=0.15)


def test_without_units_in_both_arms_there_is_no_estimate() -> None:
    strata = Strata.of(counts=[[9, 1]], sums=[[2, 0]], squares=[[2, 0]], propensities=[[0.9, 0.1]])
    apart = Strata.of(
        counts=[[9, 0], [0, 9]],
        sums=[[2, 0], [0, 3]],
        squares=[[2, 0], [0, 3]],
        propensities=[[1.0, 0], [0, 1.0]],
    )

    two = Strata.of(counts=[[9, 2]], sums=[[2, 1]], squares=[[2, 1]], propensities=[[0.9, 0.1]])
    assert naive_pooled(strata, arm=1) is None
    assert naive_pooled(two, arm=1) is not None
    assert period_weighted(apart, arm=1) is None
    assert aipw_uniform(apart, arm=1) is None
    assert aipw_stable(apart, arm=1) is None


def test_rows_in_which_an_arm_was_rare_weigh_less_and_the_error_shrinks() -> None:
    rng = np.random.default_rng(5)
    weights = np.array([[0.5, 0.5]] * 5 + [[0.98, 0.02]] * 5)
    counts = np.array([rng.multinomial(1_000, row) for row in weights])
    sums = rng.binomial(counts, 0.1)
    run = Strata.of(counts=counts, sums=sums, squares=sums, propensities=weights)

    even, stable = aipw_uniform(run, arm=1), aipw_stable(run, arm=1)

    assert even is not None
    assert stable is not None
    assert stable.standard_error < 0.7 * even.standard_error


def test_a_row_counts_by_its_traffic_in_both_arms() -> None:
    strata = Strata.of(
        counts=[[500, 500], [100, 900]],
        sums=[[20, 30], [10, 180]],
        squares=[[20, 30], [10, 180]],
        propensities=[[0.5, 0.5], [0.1, 0.9]],
    )

    weighted = period_weighted(strata, arm=1)

    assert weighted is not None
    assert weighted.arm_mean == pytest.approx(0.13)
    assert weighted.control_mean == pytest.approx(0.07)
    assert weighted.estimate.difference == pytest.approx(0.06)
