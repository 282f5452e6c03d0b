"""When a report gives no lift, or shows no arm, and says why."""

import numpy as np
import pytest
from tests.experiments.reports import conversions, reported

from byleave.experiments.lift import (
    Refusal,
    RefusalCode,
    RunFacts,
    Status,
    Strata,
)


def test_a_mismatch_of_sizes_and_weights_refuses_every_lift() -> None:
    strata = conversions(0.05, 0.065)
    skewed = Strata.of(
        counts=strata.counts,
        sums=strata.sums,
        squares=strata.squares,
        propensities=np.tile([0.45, 0.55], (10, 1)),
    )

    report = reported(skewed)

    assert report.status is Status.UNHEALTHY
    assert report.refusals[0].code is RefusalCode.SAMPLE_RATIO
    assert "do not fit their published weights" in report.sentence
    assert [arm.units for arm in report.arms] == [20_000, 20_000]
    assert all(arm.mean is arm.lift is arm.best_probability is None for arm in report.arms)
    assert report.health.sample_ratio_p < 0.001


def test_rows_that_were_not_served_as_published_refuse_every_lift() -> None:
    strata = conversions(0.05, 0.065)
    weights = np.array([[0.5, 0.5]] * 8 + [[0.4, 0.6], [0.6, 0.4]])

    report = reported(
        Strata.of(
            counts=strata.counts, sums=strata.sums, squares=strata.squares, propensities=weights
        )
    )

    assert report.health.sample_ratio_p == pytest.approx(1.0)
    assert report.status is Status.UNHEALTHY
    assert [(r.code, r.words) for r in report.refusals] == [
        (RefusalCode.ROW_MISMATCH, "2 allocation rows do not match what was served")
    ]
    assert all(arm.mean is None for arm in report.arms)


def test_more_than_one_percent_of_conflicts_refuses_every_lift() -> None:
    fine = reported(conversions(0.05, 0.065), run=RunFacts(enrolled=50_000, conflicts=500))
    bad = reported(conversions(0.05, 0.065), run=RunFacts(enrolled=50_000, conflicts=501))

    assert fine.refusals == ()
    assert bad.refusals == (
        Refusal(code=RefusalCode.CONFLICTS, words="1 % of the units were seen in two arms"),
    )
    assert bad.status is Status.UNHEALTHY
    assert bad.health.conflict_share == pytest.approx(0.01002)


def test_an_arm_that_drives_people_away_is_refused() -> None:
    strata = conversions(0.05, 0.065)

    even = reported(strata, withdrawals=np.full((10, 2), 20))
    driven = reported(strata, withdrawals=np.tile([10, 30], (10, 1)))

    assert even.health.withdrawal_p == pytest.approx(1.0)
    assert even.refusals == ()
    assert [refusal.code for refusal in driven.refusals] == [RefusalCode.WITHDRAWALS]
    assert "withdrawals of consent are not equally frequent" in driven.sentence
    assert driven.status is Status.UNHEALTHY


def test_an_arm_of_fewer_than_ten_units_is_not_shown() -> None:
    strata = conversions(0.05, 0.065, 0.05)
    counts, sums = strata.counts.copy(), strata.sums.copy()
    counts[:, 2], sums[:, 2] = 0, 0
    counts[0, 2], sums[0, 2] = 9, 3
    weights = np.array([[0.4989, 0.4989, 0.0022]] + [[0.5, 0.5, 0.0]] * 9)
    small = Strata.of(counts=counts, sums=sums, squares=sums, propensities=weights)

    report = reported(small)

    assert report.arms[2].units is None
    assert report.arms[2].mean is None
    assert report.units is None
    assert [(r.code, r.arm) for r in report.refusals] == [(RefusalCode.SMALL_GROUP, "finder")]
    assert report.arms[1].lift is not None
    assert report.arms[1].best_probability is None


def test_beside_a_tiny_control_no_arm_is_measured() -> None:
    counts = np.array([[9, 90]])
    sums = np.array([[1, 9]])
    strata = Strata.of(counts=counts, sums=sums, squares=sums, propensities=np.array([[0.1, 0.9]]))

    report = reported(strata)

    assert report.arms[1].units == 90
    assert report.arms[1].mean is None
    assert report.status is Status.NOT_ENOUGH_DATA
