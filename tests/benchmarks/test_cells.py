"""Cells gain where they differ and cost little where they do not."""

from statistics import mean

import pytest
from benchmarks.cells import STUDIES, VISITS, Study, rewards


def gain_and_change(study: Study, *, seeds: int) -> tuple[float, float]:
    found = [rewards(study, seed) for seed in range(seeds)]
    cells, together = (mean(column) for column in zip(*found, strict=True))
    control = VISITS * mean(study.rates["control"])
    return (cells - control) / (study.oracle - control), cells / together - 1


def test_cells_that_prefer_opposite_arms_gain_four_fifths_of_what_can_be_gained() -> None:
    gain, change = gain_and_change(STUDIES[0], seeds=3)

    assert gain >= 0.85
    assert change >= 0.15


def test_cells_that_do_not_differ_lose_next_to_nothing() -> None:
    gain, change = gain_and_change(STUDIES[4], seeds=3)

    assert gain >= 0.9
    assert change >= -0.02


@pytest.mark.long
@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_every_line_of_the_table_is_as_promised(study: Study) -> None:
    gain, change = gain_and_change(study, seeds=20)

    assert gain >= (study.least_gain or 0)
    assert change >= study.least_change
