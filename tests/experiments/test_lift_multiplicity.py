import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from byleave.experiments.lift import e_benjamini_hochberg, holm
from byleave.experiments.lift.multiplicity import adjusted_alpha


@pytest.mark.parametrize(("arms", "expected"), [(1, 0.06), (2, 0.06), (4, 0.02)])
def test_the_error_is_shared_by_all_arms_but_the_control(arms: int, expected: float) -> None:
    assert adjusted_alpha(0.06, arms=arms) == pytest.approx(expected)


@settings(max_examples=10)  # the oracle takes 60 ms a call
@given(st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=12))
def test_holm_equals_statsmodels(p_values: list[float]) -> None:
    oracle = multipletests(p_values, method="holm")[1]
    assert holm(p_values) == pytest.approx(list(np.asarray(oracle)))


def test_no_p_values_need_no_adjustment() -> None:
    assert holm([]) == []
    assert e_benjamini_hochberg([]) == []


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_p_value_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        holm([0.5, p])


def test_what_is_no_e_value_is_refused() -> None:
    with pytest.raises(ValueError, match=">= 0"):
        e_benjamini_hochberg([1.0, -1.0])


@given(st.lists(st.floats(min_value=0, max_value=1e4), min_size=1, max_size=12))
def test_rejections_are_those_of_benjamini_and_hochberg_on_inverse_evidence(
    e_values: list[float],
) -> None:
    p_values = [min(1 / e, 1.0) if e > 0 else 1.0 for e in e_values]

    rejected = e_benjamini_hochberg(e_values)

    ordered = np.sort(p_values)
    ranks = np.arange(1, len(ordered) + 1)
    passing = ordered <= 0.05 * ranks / len(ordered) * (1 + 1e-12)
    assert sum(rejected) == (int(ranks[passing].max()) if passing.any() else 0)
    if any(rejected):
        least = min(e for e, reject in zip(e_values, rejected, strict=True) if reject)
        assert all(e <= least for e, reject in zip(e_values, rejected, strict=True) if not reject)
