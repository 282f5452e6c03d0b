import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.experiments.allocation import (
    equal_weights,
    fixed_weights,
    floors,
    is_warming_up,
    limited_step,
    thompson_weights,
)

DAY_MS = 86_400_000

distributions = (
    st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=11)
    .filter(lambda parts: sum(parts) > 1e-6)
    .map(lambda parts: [part / sum(parts) for part in parts])
)


def test_the_control_keeps_ten_percent_and_others_one() -> None:
    assert floors(3, control=1).tolist() == [0.01, 0.1, 0.01]


@pytest.mark.parametrize(
    ("arms", "control", "control_floor", "arm_floor"),
    [
        (3, 3, 0.1, 0.01),
        (3, -1, 0.1, 0.01),
        (12, 0, 0.1, 0.01),
        (2, 0, -0.1, 0.01),
        (2, 0, 0.1, -1),
    ],
)
def test_floors_that_are_negative_or_leave_too_little_are_refused(
    arms: int, control: int, control_floor: float, arm_floor: float
) -> None:
    with pytest.raises(ValueError, match="expected"):
        floors(arms, control=control, control_floor=control_floor, arm_floor=arm_floor)


def test_eleven_arms_fit_the_default_floors_exactly() -> None:
    assert floors(11).sum() == pytest.approx(0.2)


def test_weights_add_the_floors_to_the_probabilities_that_are_left() -> None:
    weights = thompson_weights([0.2, 0.7, 0.1], floors=[0.1, 0.01, 0.01])

    np.testing.assert_allclose(weights, [0.276, 0.626, 0.098], atol=1e-11)


@given(distributions)
def test_weights_add_up_to_exactly_one_in_any_order_and_never_undercut_a_floor(
    best: list[float],
) -> None:
    kept = floors(len(best))

    weights = thompson_weights(best, floors=kept)

    for order in (weights, weights[::-1], np.sort(weights)):
        assert float(np.cumsum(order)[-1]) == 1.0
    assert (weights >= kept - 1e-11).all()
    np.testing.assert_allclose(weights, kept + (1 - kept.sum()) * np.array(best), atol=1e-11)


def test_a_step_within_the_limit_is_taken_whole() -> None:
    wanted = thompson_weights([0.5, 0.3, 0.2], floors=[0.0, 0.0, 0.0])

    assert limited_step([0.4, 0.3, 0.3], wanted, most=0.1).tolist() == wanted.tolist()


def test_a_larger_step_goes_part_of_the_way_and_moves_no_more_traffic_than_allowed() -> None:
    moved = limited_step([0.2, 0.3, 0.5], [0.6, 0.3, 0.1], most=0.1)

    np.testing.assert_allclose(moved, [0.3, 0.3, 0.4], atol=1e-11)
    assert float(moved.sum()) == 1.0


@given(distributions, st.integers(min_value=0, max_value=10), st.floats(0.001, 1))
def test_a_limited_step_respects_the_floors_that_both_ends_respect(
    best: list[float], favourite: int, most: float
) -> None:
    kept = floors(len(best))
    other = np.eye(len(best))[favourite % len(best)]
    before, wanted = (thompson_weights(ends, floors=kept) for ends in (best, other))

    moved = limited_step(before, wanted, most=most)

    assert float(moved.sum()) == 1.0
    assert (moved >= kept - 1e-11).all()
    assert np.abs(moved - before).sum() / 2 <= most + 1e-9


def test_a_step_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        limited_step([1.0], [1.0], most=0)


@pytest.mark.parametrize("arms", range(1, 21))
def test_equal_weights_add_up_to_exactly_one(arms: int) -> None:
    weights = equal_weights(arms)

    assert float(weights.sum()) == 1.0
    np.testing.assert_allclose(weights, 1 / arms, atol=1e-10)


def test_no_arm_has_no_weights() -> None:
    with pytest.raises(ValueError, match="one arm"):
        equal_weights(0)


def test_a_fixed_split_is_kept() -> None:
    weights = fixed_weights([0.1, 0.2, 0.7])

    np.testing.assert_allclose(weights, [0.1, 0.2, 0.7], atol=1e-11)
    assert float(weights.sum()) == 1.0


@pytest.mark.parametrize("shares", [[0.5, 0.4], [-0.1, 1.1], [float("nan"), 1.0], []])
def test_shares_that_are_no_distribution_are_refused(shares: list[float]) -> None:
    with pytest.raises(ValueError, match="add up to 1"):
        fixed_weights(shares)


def test_probabilities_must_fit_the_floors() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        thompson_weights([0.5, 0.5], floors=[0.1, 0.01, 0.01])


@pytest.mark.parametrize(
    ("units", "age_ms", "expected"),
    [
        ([100, 100], DAY_MS, False),
        ([99, 5_000], DAY_MS, True),
        ([100, 100], DAY_MS - 1, True),
    ],
)
def test_a_run_warms_up_until_every_arm_has_units_and_a_day_passed(
    units: list[int], age_ms: int, expected: bool
) -> None:
    assert is_warming_up(units, age_ms=age_ms) is expected
