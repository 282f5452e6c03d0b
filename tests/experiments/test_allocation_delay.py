from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from byleave.experiments.allocation import DelayCurve, delay_curve, delay_edges, row_shares

HOUR_MS = 3_600_000
EDGES = [0, HOUR_MS, 24 * HOUR_MS, 168 * HOUR_MS]
OLD = 168 * HOUR_MS
CURVE = delay_curve([[100, 60, 40]], edges_ms=EDGES, youngest_ms=[OLD])

ages = st.floats(min_value=0, max_value=300 * HOUR_MS)


def curve() -> DelayCurve:
    assert CURVE is not None
    return CURVE


def test_of_mature_rows_the_curve_is_the_share_that_arrived_by_each_edge() -> None:
    split = delay_curve([[60, 60, 0], [40, 0, 40]], edges_ms=EDGES, youngest_ms=[OLD, OLD])

    assert curve().shares.tolist() == pytest.approx([0, 0.5, 0.8, 1])
    ages_ms = [-5, 0, HOUR_MS / 2, 168 * HOUR_MS, 999 * HOUR_MS]
    assert curve().arrived(ages_ms).tolist() == pytest.approx([0, 0, 0.25, 1, 1])
    assert split is not None
    assert split.shares.tolist() == pytest.approx(curve().shares.tolist())


def test_rows_tell_of_the_buckets_that_they_are_older_than() -> None:
    # The second row is a day old: it knows how many of a day's conversions come in an hour.
    both = delay_curve(
        [[100, 60, 40], [60, 20, 999]], edges_ms=EDGES, youngest_ms=[OLD, 24 * HOUR_MS]
    )

    assert both is not None
    assert both.shares.tolist() == pytest.approx([0, 0.8 * 160 / 240, 0.8, 1])


def test_what_no_row_is_old_enough_to_tell_is_left_out() -> None:
    young = delay_curve([[60, 20, 0]], edges_ms=EDGES, youngest_ms=[25 * HOUR_MS])

    assert young is not None
    assert young.shares.tolist() == pytest.approx([0, 0.75, 1, 1])


@pytest.mark.parametrize(
    ("conversions", "youngest_ms"),
    [([[30, 19, 0]], [OLD]), ([[300, 0, 0]], [HOUR_MS - 1]), (np.zeros((0, 3)), [])],
)
def test_below_fifty_conversions_nothing_is_learnt(conversions: Any, youngest_ms: Any) -> None:
    assert delay_curve(conversions, edges_ms=EDGES, youngest_ms=youngest_ms) is None


def test_buckets_are_shortest_where_most_conversions_come() -> None:
    edges = delay_edges(64 * HOUR_MS, buckets=8)

    assert (edges / HOUR_MS).tolist() == [0, 1, 4, 9, 16, 25, 36, 49, 64]
    assert len(delay_edges(64 * HOUR_MS)) == 65


@pytest.mark.parametrize(
    ("conversions", "edges"),
    [
        ([[100, 60, 40]], [0, 1, 2]),
        ([[100, 60, 40]], [1, 2, 3, 4]),
        ([[100, 60, 40]], [0, 2, 2, 3]),
        ([[300, -1, 40]], [0, 1, 2, 3]),
        ([100, 60, 40], [0, 1, 2, 3]),
        ([[100, 60, 40], [100, 60, 40]], [0, 1, 2, 3]),
    ],
)
def test_buckets_that_do_not_fit_are_refused(conversions: Any, edges: list[int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        delay_curve(conversions, edges_ms=edges, youngest_ms=[OLD])


def test_the_delay_of_young_units_is_learnt_without_bias() -> None:
    rng = np.random.default_rng(3)
    edges = delay_edges(168 * HOUR_MS)
    youngest = np.arange(0.0, 72.0, 3.0) * HOUR_MS
    delays = rng.exponential(30 * HOUR_MS, (len(youngest), 400))
    seen = [
        np.histogram(row[row <= age], edges)[0] for row, age in zip(delays, youngest, strict=True)
    ]

    learnt = delay_curve(np.array(seen), edges_ms=edges, youngest_ms=youngest)

    assert learnt is not None
    hours = np.array([3, 10, 24, 48])
    known = -np.expm1(-hours / 30) / -np.expm1(-edges[edges <= 69 * HOUR_MS][-1] / HOUR_MS / 30)
    np.testing.assert_allclose(learnt.arrived(hours * HOUR_MS), known, atol=0.02)


@given(ages, ages)
def test_the_mean_over_ages_is_the_integral_of_the_curve(first: float, second: float) -> None:
    youngest, oldest = sorted([first, second])

    mean = float(curve().mean_arrived(youngest, oldest))

    if oldest - youngest < 1:
        expected = float(curve().arrived(oldest))
    else:
        cuts = [edge for edge in EDGES if youngest < edge < oldest]
        expected = integrate.quad(
            lambda age: float(curve().arrived(age)), youngest, oldest, points=cuts
        )[0] / (oldest - youngest)
    assert mean == pytest.approx(expected, abs=1e-6)


def test_fresh_units_count_by_what_of_them_could_have_arrived() -> None:
    units, outcomes = row_shares(
        youngest_ms=[200 * HOUR_MS, HOUR_MS, -HOUR_MS],
        oldest_ms=[201 * HOUR_MS, HOUR_MS, HOUR_MS],
        window_ms=168 * HOUR_MS,
        curve=curve(),
    )

    # The open row's ages run from 0 to 1 h; the curve rises evenly there, from 0 to 0.5.
    assert units.tolist() == pytest.approx([1, 0.5, 0.25])
    assert outcomes.tolist() == [1, 1, 1]


def test_a_row_of_the_future_counts_as_one_of_now() -> None:
    units, _ = row_shares([-2 * HOUR_MS], [-HOUR_MS], window_ms=168 * HOUR_MS, curve=curve())

    assert units.tolist() == [0]


def test_without_a_curve_only_mature_rows_count() -> None:
    units, outcomes = row_shares(
        [168 * HOUR_MS, 168 * HOUR_MS - 1],
        [170 * HOUR_MS, 169 * HOUR_MS],
        window_ms=168 * HOUR_MS,
        curve=None,
    )

    assert (units.tolist(), outcomes.tolist()) == ([1, 0], [1, 0])


def test_units_and_outcomes_count_half_after_each_half_life() -> None:
    ages_ms = [0, 24 * HOUR_MS, 168 * HOUR_MS, 336 * HOUR_MS]

    units, outcomes = row_shares(
        ages_ms, ages_ms, window_ms=168 * HOUR_MS, curve=curve(), half_life_ms=168 * HOUR_MS
    )

    assert outcomes.tolist() == pytest.approx([1, 2 ** (-1 / 7), 0.5, 0.25])
    assert (units / outcomes).tolist() == pytest.approx([0, 0.8, 1, 1])


def test_the_correction_removes_the_bias_of_fresh_units() -> None:
    rng = np.random.default_rng(8)
    mature = rng.exponential(20 * HOUR_MS, 5_000)
    window = 168 * HOUR_MS
    edges = np.concatenate([[0], np.geomspace(HOUR_MS / 4, window, 24)])
    learnt = delay_curve(
        [np.histogram(mature[mature <= window], edges)[0]], edges_ms=edges, youngest_ms=[window]
    )
    ages = rng.uniform(0, 40 * HOUR_MS, 200_000)
    delays = rng.exponential(20 * HOUR_MS, ages.size)
    converted = (rng.random(ages.size) < 0.05) & (delays <= ages)

    units, outcomes = row_shares(ages, ages, window_ms=window, curve=learnt)

    assert converted.mean() < 0.03
    assert converted @ outcomes / units.sum() == pytest.approx(0.05, rel=0.03)
