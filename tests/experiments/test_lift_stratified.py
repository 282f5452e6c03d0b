from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from byleave.experiments.lift import Strata, StratifiedContrast, stratified_contrast
from byleave.experiments.lift.mixture import boundary, mixture_e_value, mixture_variance
from byleave.experiments.lift.stratified import shrunk_variances

seeds = st.integers(min_value=0, max_value=2**32 - 1)


def draw(seed: int, *, rows: int = 8, arms: int = 3, values: bool = False) -> Strata:
    """An experiment with random weights, rates and sizes; outcomes are 0/1 or log-normal."""
    rng = np.random.default_rng(seed)
    propensities = rng.dirichlet(np.full(arms, 2.0), rows) * 0.9 + 0.1 / arms
    counts = np.array([rng.multinomial(rng.integers(40, 400), row) for row in propensities])
    rates = rng.uniform(0.05, 0.3, (rows, arms))
    sums = rng.binomial(counts, rates).astype(float)
    squares = sums
    if values:
        drawn = [[np.minimum(rng.lognormal(3, 1, int(k)), 200) for k in row] for row in sums]
        sums = np.array([[part.sum() for part in row] for row in drawn])
        squares = np.array([[(part**2).sum() for part in row] for row in drawn])
    return Strata.of(counts=counts, sums=sums, squares=squares, propensities=propensities)


def contrast(strata: Strata, arm: int = 1, control: int = 0) -> StratifiedContrast:
    result = stratified_contrast(strata, arm=arm, control=control)
    assert result is not None
    return result


def permuted(strata: Strata, order: NDArray[np.int64]) -> Strata:
    return Strata.of(
        counts=strata.counts[:, order],
        sums=strata.sums[:, order],
        squares=strata.squares[:, order],
        propensities=strata.propensities[:, order],
    )


def test_one_large_row_equals_the_pooled_two_sample_test() -> None:
    rng = np.random.default_rng(1)
    groups = [rng.normal(2.0, 1.5, 3_000), rng.normal(2.1, 1.5, 4_000)]
    strata = Strata.of(
        counts=np.array([[len(y) for y in groups]]),
        sums=np.array([[y.sum() for y in groups]]),
        squares=np.array([[(y**2).sum() for y in groups]]),
        propensities=np.array([[0.5, 0.5]]),
    )

    result = contrast(strata)

    oracle = CompareMeans(DescrStatsW(groups[1]), DescrStatsW(groups[0]))
    assert result.difference == pytest.approx(groups[1].mean() - groups[0].mean())
    assert result.standard_error == pytest.approx(oracle.std_meandiff_pooledvar, rel=1e-9)
    assert [result.fixed.low, result.fixed.high] == pytest.approx(
        list(oracle.zconfint_diff(usevar="pooled")), rel=1e-9
    )
    assert result.fixed_p == pytest.approx(oracle.ztest_ind(usevar="pooled")[1], rel=1e-6)


@given(seeds, st.booleans())
def test_the_e_value_reaches_its_threshold_where_the_interval_ends(seed: int, values: bool) -> None:
    result = contrast(draw(seed, values=values))

    assert (0.0 not in result.always_valid) == (result.e_value > 20)
    assert result.always_valid_p == min(1.0, 1 / result.e_value)
    assert result.always_valid.low < result.fixed.low < result.fixed.high < result.always_valid.high
    assert result.difference == pytest.approx(result.arm_mean - result.control_mean)
    assert result.standard_error**2 == pytest.approx(result.arm_variance + result.control_variance)


@given(seeds, st.booleans())
def test_permuting_the_arms_permutes_the_results(seed: int, values: bool) -> None:
    strata = draw(seed, values=values)
    order = np.array([2, 0, 1])

    mine = contrast(strata, arm=2, control=1)
    theirs = contrast(permuted(strata, order), arm=0, control=2)

    assert theirs.difference == pytest.approx(mine.difference)
    assert theirs.standard_error == pytest.approx(mine.standard_error)
    assert theirs.e_value == pytest.approx(mine.e_value)


@given(seeds)
def test_exchanging_arm_and_control_turns_the_interval_around(seed: int) -> None:
    strata = draw(seed)

    there, back = contrast(strata), contrast(strata, arm=0, control=1)

    assert back.difference == pytest.approx(-there.difference)
    assert back.always_valid.low == pytest.approx(-there.always_valid.high)
    assert back.fixed_p == pytest.approx(there.fixed_p)


@given(seeds, st.floats(min_value=1e-3, max_value=1e6))
def test_scaling_outcomes_scales_everything_but_the_evidence(seed: int, factor: float) -> None:
    strata = draw(seed, values=True)

    plain, scaled = contrast(strata), contrast(strata.scaled(factor))

    assert scaled.difference == pytest.approx(plain.difference * factor)
    assert scaled.standard_error == pytest.approx(plain.standard_error * factor)
    assert scaled.always_valid.width == pytest.approx(plain.always_valid.width * factor)
    assert scaled.e_value == pytest.approx(plain.e_value, rel=1e-5)


# Nothing that cancels out, and nothing whose square is too small for a float.
@given(seeds, st.just(0.0) | st.floats(min_value=1e-6, max_value=100))
def test_what_raises_both_arms_of_a_row_alike_moves_no_difference(seed: int, shift: float) -> None:
    strata = draw(seed, values=True)
    offsets = shift * np.arange(strata.rows)[:, np.newaxis]
    moved = Strata.of(
        counts=strata.counts,
        sums=strata.sums + offsets * strata.counts,
        squares=strata.squares + 2 * offsets * strata.sums + offsets**2 * strata.counts,
        propensities=strata.propensities,
    )

    assert contrast(moved).difference == pytest.approx(contrast(strata).difference, abs=1e-6)


@given(seeds)
def test_a_row_without_one_of_the_arms_adds_nothing_to_their_scores(seed: int) -> None:
    strata = draw(seed)
    extra = Strata.of(
        counts=np.vstack([strata.counts, [50, 0, 50]]),
        sums=np.vstack([strata.sums, [5, 0, 40]]),
        squares=np.vstack([strata.squares, [5, 0, 40]]),
        propensities=np.vstack([strata.propensities, [0.5, 0.0, 0.5]]),
    )

    assert contrast(extra).rows == contrast(strata).rows


@pytest.mark.parametrize("seed", range(20))
def test_halving_every_row_at_random_moves_the_estimate_less_than_half_an_error(seed: int) -> None:
    strata = draw(seed, rows=60)
    rng = np.random.default_rng(seed)
    hits = strata.sums.astype(int)
    # Split every row in two at random and use both halves as rows of their own.
    half = rng.hypergeometric(
        hits, strata.counts.astype(int) - hits, strata.counts.astype(int) // 2
    )
    counts = np.vstack([strata.counts // 2, strata.counts - strata.counts // 2])
    sums = np.vstack([half, strata.sums - half])
    split = Strata.of(
        counts=counts,
        sums=sums,
        squares=sums,
        propensities=np.vstack([strata.propensities] * 2),
    )

    whole, halves = contrast(strata), contrast(split)

    assert abs(halves.difference - whole.difference) < 0.5 * whole.standard_error


@given(seeds, st.integers(min_value=2, max_value=5))
def test_the_same_rows_again_keep_the_estimate_and_shrink_its_error(seed: int, times: int) -> None:
    rows = draw(seed)
    repeated = Strata(
        counts=np.tile(rows.counts, (times, 1)),
        sums=np.tile(rows.sums, (times, 1)),
        squares=np.tile(rows.squares, (times, 1)),
        propensities=np.tile(rows.propensities, (times, 1)),
    )

    once, often = contrast(rows), contrast(repeated)

    assert often.difference == pytest.approx(once.difference)
    assert often.standard_error == pytest.approx(once.standard_error / sqrt(times))
    assert often.rows == times * once.rows


def test_without_common_rows_or_variation_there_is_no_contrast() -> None:
    apart = Strata.of(
        counts=np.array([[10, 0], [0, 10]]),
        sums=np.array([[3, 0], [0, 4]]),
        squares=np.array([[3, 0], [0, 4]]),
        propensities=np.array([[1.0, 0], [0, 1.0]]),
    )
    constant = Strata.of(
        counts=np.array([[10, 10]]),
        sums=np.zeros((1, 2)),
        squares=np.zeros((1, 2)),
        propensities=np.array([[0.5, 0.5]]),
    )

    assert stratified_contrast(apart, arm=1) is None
    assert stratified_contrast(constant, arm=1) is None


def test_a_row_without_conversions_borrows_its_variance_from_the_others() -> None:
    strata = Strata.of(
        counts=np.array([[6, 6], [501, 501]]),
        sums=np.array([[0, 0], [100, 110]]),
        squares=np.array([[0, 0], [100, 110]]),
        propensities=np.full((2, 2), 0.5),
    )

    variances = shrunk_variances(strata)

    overall = strata.scatter.sum() / 1010
    assert variances[0] == pytest.approx(50 * overall / 60)
    assert variances[1] == pytest.approx((strata.scatter[1].sum() + 50 * overall) / 1050)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("tuned", [5, 20, 500])
def test_the_boundary_is_narrowest_per_root_clock_near_where_it_is_tuned(
    alpha: float, tuned: float
) -> None:
    clocks = tuned * np.geomspace(0.1, 10, 401)

    per_root = [boundary(t, alpha=alpha, tuned=tuned) / sqrt(t) for t in clocks]

    assert clocks[int(np.argmin(per_root))] == pytest.approx(tuned, rel=0.15)


def test_the_boundary_is_that_of_the_mixture() -> None:
    alpha, tuned, clock = 0.05, 20.0, 13.0
    edge = boundary(clock, alpha=alpha, tuned=tuned)

    assert mixture_variance(alpha=alpha, tuned=tuned) == pytest.approx(
        (-2 * log(0.05) + log(1 - 2 * log(0.05))) / 20
    )
    assert mixture_e_value(edge, clock, alpha=alpha, tuned=tuned) == pytest.approx(1 / alpha)
    assert mixture_e_value(1e6, clock, alpha=alpha, tuned=tuned) > 1e300
