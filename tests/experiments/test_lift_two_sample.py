from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from byleave.experiments.lift import (
    BaselineTooUncertain,
    Group,
    RelativeLift,
    newcombe,
    two_sample_lift,
    welch,
)

rates = st.tuples(st.integers(0, 500), st.integers(1, 500)).map(lambda p: (p[0], sum(p) + 1))


def of(values: np.ndarray) -> Group:
    return Group(len(values), float(values.sum()), float((values**2).sum()))


def binary(hits: float, units: float) -> Group:
    return Group(units, hits, hits)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_welch_equals_statsmodels(alpha: float) -> None:
    rng = np.random.default_rng(4)
    treated, reference = rng.lognormal(2.1, 1.0, 60), rng.lognormal(2.0, 0.5, 400)

    result = welch(of(treated), of(reference), alpha=alpha)

    oracle = CompareMeans(DescrStatsW(treated), DescrStatsW(reference))
    statistic, p, freedom = oracle.ttest_ind(usevar="unequal")
    assert result.freedom == pytest.approx(freedom)
    assert result.p == pytest.approx(p)
    assert result.difference / result.standard_error == pytest.approx(statistic)
    assert [result.interval.low, result.interval.high] == pytest.approx(
        list(oracle.tconfint_diff(alpha=alpha, usevar="unequal"))
    )


@given(rates, rates)
def test_newcombe_equals_statsmodels(treated: tuple[int, int], reference: tuple[int, int]) -> None:
    interval = newcombe(binary(*treated), binary(*reference))

    expected = confint_proportions_2indep(*treated, *reference, method="newcomb", compare="diff")
    assert (interval.low, interval.high) == pytest.approx(expected, abs=1e-12)
    assert interval.low >= -1
    assert interval.high <= 1


@pytest.mark.parametrize(("mean", "p"), [(3.0, 1.0), (4.0, 0.0)])
def test_groups_that_never_vary_differ_certainly_or_not_at_all(mean: float, p: float) -> None:
    result = welch(Group(5, 5 * mean, 5 * mean**2), Group(4, 12.0, 36.0))

    assert result.freedom == inf
    assert result.p == p
    assert result.interval.low == result.interval.high == mean - 3.0


def test_the_relative_difference_of_two_rates_covers_the_truth() -> None:
    rng = np.random.default_rng(9)
    covered = []
    for _ in range(400):
        lift = two_sample_lift(
            binary(float(rng.binomial(4_000, 0.06)), 4_000),
            binary(float(rng.binomial(2_000, 0.05)), 2_000),
        )
        assert isinstance(lift, RelativeLift)
        covered.append(0.2 in lift.interval)

    assert np.mean(covered) == pytest.approx(0.95, abs=0.035)


def test_a_reference_without_outcomes_has_no_relative_difference() -> None:
    assert isinstance(two_sample_lift(binary(5, 100), binary(0, 100)), BaselineTooUncertain)


@pytest.mark.parametrize(
    ("units", "total", "squares"), [(1, 1, 1), (10, 8, 2), (10, 1, float("nan"))]
)
def test_sums_that_cannot_be_those_of_a_group_are_refused(
    units: float, total: float, squares: float
) -> None:
    with pytest.raises(ValueError, match="expected"):
        Group(units, total, squares)
