import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from byleave.experiments.lift import Strata, live_sample_ratio, mismatched_rows, sample_ratio

ADAPTIVE = np.array([[1 / 3, 1 / 3, 1 / 3]] * 5 + [[0.1, 0.2, 0.7]] * 15 + [[0.1, 0.03, 0.87]] * 20)


def counted(counts: NDArray[np.int64], propensities: NDArray[np.float64]) -> Strata:
    empty = np.zeros(counts.shape)
    return Strata.of(counts=counts, sums=empty, squares=empty, propensities=propensities)


def drawn(seed: int, *, units: int = 500, lost: float = 0.0) -> Strata:
    """Counts drawn by the adaptive weights, after a share of the leading arm's units is lost."""
    rng = np.random.default_rng(seed)
    counts = np.array([rng.multinomial(units, row) for row in ADAPTIVE])
    counts[:, 2] = rng.binomial(counts[:, 2], 1 - lost)
    return counted(counts, ADAPTIVE)


def test_one_row_is_the_chi_squared_test() -> None:
    counts = np.array([[480, 560, 930]])
    shares = np.array([[0.25, 0.25, 0.5]])

    result = sample_ratio(counted(counts, shares))

    expected = stats.chisquare(counts[0], counts.sum() * shares[0])
    assert result.wald == pytest.approx(expected.statistic)
    assert result.freedom == 2
    assert result.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert result.observed.tolist() == [480, 560, 930]
    np.testing.assert_allclose(result.expected, [492.5, 492.5, 985])


def test_weights_that_change_are_no_mismatch() -> None:
    alarms = [sample_ratio(drawn(seed)).p < 0.05 for seed in range(600)]

    assert np.mean(alarms) == pytest.approx(0.05, abs=0.03)


def test_losing_a_tenth_of_the_leading_arm_raises_the_alert() -> None:
    results = [sample_ratio(drawn(seed, lost=0.1)) for seed in range(100)]

    assert np.mean([result.alert for result in results]) >= 0.8


def test_the_live_test_raises_no_false_alarm_and_finds_the_loss() -> None:
    calm = [live_sample_ratio(drawn(seed)).e_value for seed in range(200)]
    lossy = [live_sample_ratio(drawn(seed, units=2_000, lost=0.1)) for seed in range(50)]

    assert max(calm) < 1_000
    assert np.mean(calm) < 2.0
    assert np.mean([result.alert for result in lossy]) >= 0.8


def test_an_alarm_of_the_live_test_stays_when_sizes_fit_again() -> None:
    lost, found = np.array([[1_100, 900]] * 10), np.array([[900, 1_100]] * 10)
    both = np.concatenate([lost, found])

    early, late = (counted(counts, np.full(counts.shape, 0.5)) for counts in (lost, both))

    assert live_sample_ratio(early).e_value >= 1_000
    assert live_sample_ratio(late).e_value < 1_000
    assert live_sample_ratio(late).alert
    assert not sample_ratio(late).alert


def test_the_mean_of_the_live_evidence_is_one_without_a_mismatch() -> None:
    values = [live_sample_ratio(drawn(seed, units=40)).e_value for seed in range(3_000)]

    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values) - 1) < 4 * error


@given(st.permutations(range(3)), st.integers(min_value=0, max_value=1_000))
def test_permuting_the_arms_changes_no_test(order: list[int], seed: int) -> None:
    strata = drawn(seed)
    shuffled = counted(strata.counts[:, order].astype(int), ADAPTIVE[:, order])

    assert sample_ratio(shuffled).wald == pytest.approx(sample_ratio(strata).wald, rel=1e-6)
    assert live_sample_ratio(shuffled).e_value == pytest.approx(live_sample_ratio(strata).e_value)


def test_observed_expected_and_evidence_add_up_over_rows() -> None:
    strata = drawn(11)
    parts = [
        counted(strata.counts[rows].astype(int), ADAPTIVE[rows])
        for rows in (slice(20), slice(20, 40))
    ]

    whole, halves = sample_ratio(strata), [sample_ratio(part) for part in parts]

    np.testing.assert_allclose(whole.observed, sum(half.observed for half in halves))
    np.testing.assert_allclose(whole.expected, sum(half.expected for half in halves))


def test_arms_that_never_shared_a_row_are_tested_within_their_rows() -> None:
    weights = np.array([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])
    counts = np.array([[55, 45, 0, 0], [0, 0, 70, 30]])

    result = sample_ratio(counted(counts, weights))

    assert result.freedom == 2
    assert result.wald == pytest.approx(1.0 + 16.0)


def test_one_arm_or_no_units_cannot_mismatch() -> None:
    alone = sample_ratio(counted(np.array([[50]]), np.ones((1, 1))))
    empty = sample_ratio(counted(np.zeros((0, 2), dtype=int), np.zeros((0, 2))))

    assert (alone.p, alone.freedom, alone.alert) == (1.0, 0, False)
    assert (empty.p, empty.alert) == (1.0, False)
    assert live_sample_ratio(counted(np.zeros((0, 2), dtype=int), np.zeros((0, 2)))).e_value == 1


def test_a_handful_of_units_raises_no_alert() -> None:
    few = sample_ratio(counted(np.array([[0, 8]]), np.array([[0.9, 0.1]])))

    assert few.p < 0.001
    assert not few.alert


def test_rows_that_exchanged_their_weights_are_found_although_totals_fit() -> None:
    weights = np.array([[0.5, 0.5], [0.3, 0.7], [0.7, 0.3], [0.5, 0.5]])
    counts = np.array([[500, 500], [700, 300], [300, 700], [500, 500]])

    exchanged = counted(counts, weights)

    assert sample_ratio(exchanged).p == pytest.approx(1.0)
    assert mismatched_rows(exchanged) == [1, 2]


def test_the_tails_of_a_row_are_those_of_the_binomial_distribution() -> None:
    # Of three arms, so that what one has too few of need not be what another has too many of.
    weights = np.array([[0.6, 0.3, 0.1]])
    level = 0.001 / 2 / (2 * 3)

    for rare in range(60):
        for other in (40, 60, 80):
            counts = np.array([200 - rare - other, other, rare])
            at_least = np.min(stats.binom.sf(counts - 1, 200, weights[0]))
            at_most = np.min(stats.binom.cdf(counts, 200, weights[0]))
            found = mismatched_rows(counted(counts[np.newaxis], weights))
            assert found == ([0] if min(at_least, at_most) < level else []), counts


def test_rows_that_were_served_as_published_are_hardly_ever_doubted() -> None:
    doubted = [seed for seed in range(400) if mismatched_rows(drawn(seed))]

    # At most one in a thousand, so 0.4 of these.
    assert len(doubted) <= 2
    assert mismatched_rows(counted(np.array([[0, 3], [0, 0]]), np.array([[0, 1.0]] * 2))) == []
