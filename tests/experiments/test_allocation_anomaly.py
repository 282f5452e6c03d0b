"""An arm that moves against the others is noticed, what moves all of them is not."""

import numpy as np
import pytest

from byleave.experiments.allocation import sudden_change

RATES = np.array([0.10, 0.05, 0.07])


def rows(
    draw: np.random.Generator, factors: list[float], units: int = 4_000
) -> tuple[np.ndarray, np.ndarray]:
    weights = draw.dirichlet(np.full(3, 5.0), size=len(factors))
    counts = np.round(weights * units)
    return counts, draw.binomial(counts.astype(int), RATES * np.array(factors)[:, None])


def test_what_changes_for_everybody_is_no_anomaly_in_2_000_histories() -> None:
    draw = np.random.default_rng(1)
    found = [sudden_change(*rows(draw, [*draw.uniform(0.3, 2.0, size=20)])) for _ in range(2_000)]

    assert np.mean(np.array(found) < 0.01) <= 0.01
    assert min(found) > 1e-6


@pytest.mark.parametrize("arm", [0, 1, 2])
def test_rewards_for_one_arm_are_noticed(arm: int) -> None:
    draw = np.random.default_rng(arm)
    counts, reached = rows(draw, [1.0] * 20)
    poisoned = reached.copy()
    poisoned[-3:, arm] += np.round(0.05 * counts[-3:, arm]).astype(int)

    assert sudden_change(counts, reached) > 1e-3
    assert sudden_change(counts, poisoned) < 1e-6


def test_an_arm_that_fails_is_noticed() -> None:
    counts, reached = rows(np.random.default_rng(7), [1.0] * 20)
    reached[-3:, 0] = 0

    assert sudden_change(counts, reached) < 1e-6


def test_too_little_says_nothing() -> None:
    counts, reached = np.full((5, 2), 100.0), np.full((5, 2), 1.0)
    reached[-1] = (90, 0)

    assert sudden_change(counts, reached) == 1.0
    assert sudden_change(counts[:2], reached[:2]) == 1.0
    assert sudden_change(np.zeros((9, 2)), np.zeros((9, 2))) == 1.0
