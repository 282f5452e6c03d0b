"""Plans say what simulations show."""

from statistics import median_low

import pytest
from benchmarks.planning import STUDIES, Study, planned_days, seen_days


@pytest.mark.parametrize("study", [STUDIES[1], STUDIES[4]], ids=str)
def test_a_plan_is_near_the_median_of_a_few_simulated_runs(study: Study) -> None:
    simulated = median_low(seen_days(study, seed) for seed in range(15))

    # The median of 15 runs has a standard error of about a tenth.
    assert planned_days(study) == pytest.approx(simulated, rel=0.35)


@pytest.mark.long
@pytest.mark.parametrize("study", STUDIES, ids=str)
def test_a_plan_is_within_a_fifth_of_the_simulated_median(study: Study) -> None:
    simulated = median_low(seen_days(study, seed) for seed in range(200))

    assert planned_days(study) == pytest.approx(simulated, rel=0.2)
