"""Learning loses no more than it should on visitors that another library learns from, too."""

from statistics import mean

import numpy as np
import pytest
from benchmarks.thompson import (
    BATCH,
    BATCHES,
    RATES,
    answers,
    byleave_chooses,
    lost,
    mabwiser_chooses,
)


def test_every_visitor_gets_one_arm_and_the_best_one_more_and_more_often() -> None:
    batches = answers(0)

    chosen = [*byleave_chooses(batches, 0)]

    assert [len(batch) for batch in chosen] == [BATCH] * BATCHES
    assert np.mean(chosen[0] == 0) == pytest.approx(0.2, abs=0.06)
    assert np.mean(np.concatenate(chosen[-10:]) == 0) > 0.8


def test_what_is_lost_is_the_gap_to_the_best_arm() -> None:
    assert lost(iter([np.array([0, 1, 4]), np.array([3])])) == pytest.approx(0.01 + 0.02 + 0.02)
    assert RATES.max() == RATES[0]


def test_less_is_lost_than_another_simulation_of_the_same_policy_lost() -> None:
    losses = [lost(byleave_chooses(answers(seed), seed)) for seed in range(5)]

    # It lost 107. Five seeds have a standard error of about 14; equal shares lose 1,200.
    assert 40 < mean(losses) < 107 + 3 * 14


@pytest.mark.long
def test_no_more_is_lost_than_mabwiser_loses() -> None:
    pytest.importorskip("mabwiser")
    data = [(seed, answers(seed)) for seed in range(20)]

    excess = [
        lost(byleave_chooses(batches, seed)) - lost(mabwiser_chooses(batches, seed))
        for seed, batches in data
    ]

    assert mean(excess) <= 2 * float(np.std(excess, ddof=1)) / np.sqrt(len(excess))
