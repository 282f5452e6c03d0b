from typing import Any

import numpy as np
import pytest

from byleave.experiments.allocation import DelayCurve, Observed, observe

DAY_MS = 86_400_000
CURVE = DelayCurve(np.array([0.0, DAY_MS]), np.array([0.0, 1.0]))


def observed(units: Any, sums: Any, *, squares: Any = None) -> Observed:
    """Cells a, b, … and arms control, proof, …, with conversions unless squares are given."""
    n, y = np.array(units, dtype=float), np.array(sums, dtype=float)
    y2 = y if squares is None else np.array(squares, dtype=float)
    return Observed(
        cells=tuple("abcdef"[: len(n)]),
        arms=("control", "proof", "finder")[: n.shape[1]],
        enrolled=n,
        units=n,
        reached=y,
        sums=y,
        squares=y2,
    )


def test_rows_are_summed_by_cell_with_fresh_units_counting_for_less() -> None:
    found = observe(
        {
            "counts": [[10, 20], [30, 40], [50, 60]],
            "reached": [[1, 2], [3, 4], [5, 6]],
            "sums": [[1, 2], [3, 4], [5, 6]],
            "squares": [[1, 2], [3, 4], [5, 6]],
        },
        cells=["a", "b", "empty"],
        arms=["control", "proof"],
        cell_of_row=["b", "a", "b"],
        youngest_ms=[2 * DAY_MS, 2 * DAY_MS, 0],
        oldest_ms=[3 * DAY_MS, 3 * DAY_MS, DAY_MS],
        window_ms=DAY_MS,
        curve=CURVE,
    )

    assert found.enrolled.tolist() == [[30, 40], [60, 80], [0, 0]]
    assert found.units.tolist() == [[30, 40], [10 + 25, 20 + 30], [0, 0]]
    assert found.reached.tolist() == found.sums.tolist() == [[3, 4], [6, 8], [0, 0]]


def test_old_units_count_for_less_but_stay_enrolled() -> None:
    found = observe(
        {name: [[8]] for name in ("counts", "reached", "sums", "squares")},
        cells=["a"],
        arms=["control"],
        cell_of_row=["a"],
        youngest_ms=[2 * DAY_MS],
        oldest_ms=[3 * DAY_MS],
        window_ms=DAY_MS,
        curve=None,
        half_life_ms=DAY_MS,
    )

    assert found.enrolled.tolist() == [[8]]
    assert found.units.tolist() == found.sums.tolist() == found.squares.tolist() == [[2]]


def test_a_run_without_rows_has_seen_nothing() -> None:
    found = observe(
        {name: [] for name in ("counts", "reached", "sums", "squares")},
        cells=["a"],
        arms=["control", "proof"],
        cell_of_row=[],
        youngest_ms=[],
        oldest_ms=[],
        window_ms=DAY_MS,
        curve=None,
    )

    assert found.units.tolist() == [[0, 0]]
    assert found.variance == 0


def test_a_cell_alone_borrows_nothing() -> None:
    units, sums = observed([[900, 900]], [[40, 50]]).borrowed(
        "a", ["control", "proof"], is_conversion=True
    )

    assert units.tolist() == sums.tolist() == [0, 0]


def test_an_empty_cell_takes_the_means_of_the_others() -> None:
    found = observed([[0, 0], [9_000, 9_000], [9_000, 9_000]], [[0, 0], [360, 450], [360, 450]])

    units, sums = found.borrowed("a", ["control", "proof"], is_conversion=True)

    np.testing.assert_allclose(sums / units, [0.04, 0.05], rtol=0.01)
    # Twenty conversions' worth, reduced by a fortieth because the others hold but 18,000 units.
    np.testing.assert_allclose(sums, [20 * 0.96, 20 * 0.95], rtol=0.04)


def test_what_is_borrowed_is_never_worth_more_than_the_others_hold() -> None:
    found = observed([[0, 0], [30, 60]], [[0, 0], [3, 4]])

    units, _ = found.borrowed("a", ["control", "proof"], is_conversion=True)

    assert (units < [30, 60]).all()
    assert (units > [20, 30]).all()


def test_borrowed_means_have_the_level_of_the_cell_not_that_of_the_others() -> None:
    # Every arm is alike; the second one got most of the traffic of the better cell.
    found = observed(
        [[2_000, 2_000, 2_000], [500, 9_000, 500], [9_000, 500, 500]],
        [[40, 40, 40], [100, 1_800, 100], [180, 10, 10]],
    )

    units, sums = found.borrowed("a", ["control", "proof", "finder"], is_conversion=True)

    np.testing.assert_allclose(sums / units, 0.02, rtol=0.05)


def test_only_the_arms_of_the_cell_are_asked_for_and_an_unknown_arm_brings_no_worth() -> None:
    found = observed([[500, 500, 500], [900, 0, 900]], [[20, 20, 20], [36, 0, 45]])

    units, sums = found.borrowed("a", ["finder", "proof"], is_conversion=True)

    assert units[0] > 100
    assert (units[1], sums[1]) == (0, 0)


def test_a_borrowed_rate_is_never_above_one() -> None:
    found = observed([[100, 100], [100, 100]], [[99, 99], [50, 99]])

    units, sums = found.borrowed("a", ["control", "proof"], is_conversion=True)

    assert (sums <= units).all()


def test_a_value_is_borrowed_by_its_relative_error() -> None:
    # A variance of 4 around a mean of 2 is a relative error of 1 per unit.
    found = observed(
        [[0, 0], [50_000, 50_000]],
        [[0, 0], [100_000, 100_000]],
        squares=[[0, 0], [400_000, 400_000]],
    )

    units, sums = found.borrowed("a", ["control", "proof"], is_conversion=False)

    assert found.variance == pytest.approx(4, rel=1e-3)
    np.testing.assert_allclose(units, 20, rtol=0.01)
    np.testing.assert_allclose(sums, 40, rtol=0.01)


def test_values_that_never_vary_borrow_nothing_of_worth_and_losses_nothing_at_all() -> None:
    constant = observed([[9, 9], [9, 9]], [[9, 9], [9, 9]], squares=[[9, 9], [9, 9]])
    losses = observed([[9, 9], [9, 9]], [[9, 9], [-9, -9]], squares=[[9, 9], [9, 9]])

    for found in (constant, losses):
        units, sums = found.borrowed("a", ["control", "proof"], is_conversion=False)
        assert units.tolist() == sums.tolist() == [0, 0]
