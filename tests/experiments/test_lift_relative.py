import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from byleave.experiments.lift import (
    BaselineTooUncertain,
    RelativeLift,
    Strata,
    relative_lift,
    stratified_contrast,
)
from byleave.experiments.lift.relative import fieller

means = st.floats(min_value=0.01, max_value=100)
errors = st.floats(min_value=1e-4, max_value=20)


@given(means, means, errors, errors, st.floats(min_value=0.5, max_value=5))
def test_the_ends_of_fiellers_interval_solve_its_equation(
    numerator: float, denominator: float, error_a: float, error_b: float, multiplier: float
) -> None:
    assume(denominator > 1.01 * multiplier * error_b)

    result = fieller(
        numerator,
        denominator,
        numerator_variance=error_a**2,
        denominator_variance=error_b**2,
        multiplier=multiplier,
    )

    assert isinstance(result, RelativeLift)
    for ratio in (result.interval.low + 1, result.interval.high + 1):
        assert (numerator - ratio * denominator) ** 2 == pytest.approx(
            multiplier**2 * (error_a**2 + ratio**2 * error_b**2), rel=1e-6
        )
    assert result.estimate in result.interval


@pytest.mark.parametrize(("baseline", "error"), [(0.1, 0.06), (0.0, 0.0), (-5.0, 0.1)])
def test_a_baseline_that_may_be_zero_has_no_relative_lift(baseline: float, error: float) -> None:
    result = fieller(
        1.0,
        baseline,
        numerator_variance=0.01,
        denominator_variance=error**2,
        multiplier=1.96,
    )

    assert isinstance(result, BaselineTooUncertain)
    assert result.baseline == baseline
    assert result.standard_error == pytest.approx(error)


@pytest.mark.parametrize("always_valid", [True, False])
def test_relative_and_absolute_intervals_agree_on_no_difference(always_valid: bool) -> None:
    for lifted in range(100, 200, 3):
        strata = Strata.of(
            counts=np.full((6, 2), 500),
            sums=np.tile([100, lifted], (6, 1)),
            squares=np.tile([100, lifted], (6, 1)),
            propensities=np.full((6, 2), 0.5),
        )
        contrast = stratified_contrast(strata, arm=1)
        assert contrast is not None

        lift = relative_lift(contrast, always_valid=always_valid)

        absolute = contrast.always_valid if always_valid else contrast.fixed
        assert isinstance(lift, RelativeLift)
        assert (0.0 in lift.interval) == (0.0 in absolute)
        assert lift.estimate == pytest.approx(lifted / 100 - 1)
