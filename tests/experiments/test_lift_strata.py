from typing import Any

import numpy as np
import pytest

from byleave.experiments.lift import Strata, StrataError


def given(**changes: Any) -> dict[str, Any]:
    """Two rows of two arms, with some parts replaced."""
    parts = {
        "counts": [[10, 20], [30, 0]],
        "sums": [[2, 5], [6, 0]],
        "squares": [[2, 5], [6, 0]],
        "propensities": [[0.5, 0.5], [0.9, 0.1]],
    }
    return {name: np.array(value) for name, value in (parts | changes).items()}


def test_sums_are_copied_and_cannot_be_changed() -> None:
    parts = given()

    strata = Strata.of(**parts)
    parts["counts"][0, 0] = 99

    assert strata.counts.tolist() == [[10, 20], [30, 0]]
    with pytest.raises(ValueError, match="read-only"):
        strata.counts[0, 0] = 1


def test_rows_arms_means_and_scatter_follow_from_the_sums() -> None:
    strata = Strata.of(**given())

    assert (strata.rows, strata.arms) == (2, 2)
    np.testing.assert_allclose(strata.means, [[0.2, 0.25], [0.2, 0]])
    np.testing.assert_allclose(strata.scatter, [[1.6, 3.75], [4.8, 0]])
    assert strata.usable(1, 0).tolist() == [True, False]


def test_scaling_outcomes_scales_sums_and_squares() -> None:
    strata = Strata.of(**given()).scaled(3)

    assert strata.sums[0].tolist() == [6, 15]
    assert strata.squares[0].tolist() == [18, 45]


def test_a_run_before_its_first_row_has_empty_strata() -> None:
    empty = np.zeros((0, 3))

    strata = Strata.of(counts=empty, sums=empty, squares=empty, propensities=empty)

    assert (strata.rows, strata.arms) == (0, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"counts": [1, 2]}, r"counts: expected shape \(rows, arms\), got \(2,\)"),
        ({"counts": np.zeros((2, 0))}, r"counts: expected shape \(rows, arms\), got \(2, 0\)"),
        ({"sums": [[1, 2]]}, r"sums: expected shape \(2, 2\) as counts, got \(1, 2\)"),
        ({"sums": [[1, np.nan], [1, 1]]}, r"sums\[0, 1\]: expected a finite number, got nan"),
        ({"counts": [[10, -1], [30, 0]]}, r"counts\[0, 1\]: expected a number of units >= 0"),
        ({"sums": [[2, 5], [6, 1]]}, r"sums\[1, 1\]: expected no outcome where there are no units"),
        ({"squares": [[2, 1], [6, 0]]}, r"squares\[0, 1\]: expected at least"),
        ({"propensities": [[0.5, 0.5], [1.2, -0.2]]}, r"propensities\[1, 0\]: expected a share"),
        ({"propensities": [[1, 0], [1, 0]]}, r"propensities\[0, 1\]: expected a positive share"),
        ({"propensities": [[0.5, 0.5], [0.5, 0.4]]}, r"propensities\[1\]: expected rows adding up"),
    ],
)
def test_impossible_sums_are_refused_with_their_place(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(StrataError, match=message):
        Strata.of(**given(**changes))
