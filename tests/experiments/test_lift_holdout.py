import numpy as np
import pytest

from byleave.experiments.lift import Group, RelativeLift, holdout_contrast, welch
from byleave.experiments.lift.mixture import mixture_variance


def test_the_always_valid_interval_is_that_of_the_formula() -> None:
    personalised, holdout = Group(19_000, 1_140, 1_140), Group(1_000, 50, 50)

    result = holdout_contrast(personalised, holdout, tuned_units=8_000)

    assert result is not None
    n, v = 20_000, mixture_variance(alpha=0.05, tuned=8_000)
    deviation = welch(personalised, holdout).standard_error * np.sqrt(n)
    margin = deviation * np.sqrt(2 * (n * v + 1) / (n**2 * v) * np.log(np.sqrt(n * v + 1) / 0.05))
    assert result.fixed.difference == pytest.approx(0.01)
    assert result.always_valid.low == pytest.approx(0.01 - margin)
    assert result.always_valid.high == pytest.approx(0.01 + margin)
    assert isinstance(result.relative, RelativeLift)
    assert result.relative.estimate == pytest.approx(0.2)


@pytest.mark.parametrize("hits", [40, 50, 60, 70, 80, 90, 100, 150])
def test_evidence_interval_and_relative_interval_agree_on_no_difference(hits: int) -> None:
    result = holdout_contrast(Group(19_000, 950, 950), Group(1_000, hits, hits))

    assert result is not None
    assert isinstance(result.relative, RelativeLift)
    excluded = 0.0 not in result.always_valid
    assert excluded == (result.e_value > 20)
    assert excluded == (0.0 not in result.relative.interval)
    assert result.always_valid_p == min(1.0, 1 / result.e_value)


def test_without_variation_there_is_no_contrast() -> None:
    assert holdout_contrast(Group(100, 0, 0), Group(10, 0, 0)) is None
