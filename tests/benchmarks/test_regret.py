"""What learning costs, against what an independent simulation of the same policy lost."""

from dataclasses import replace
from math import log
from statistics import mean

import numpy as np
import pytest
from benchmarks.regret import RATES, STUDIES, Study, regret

from byleave.experiments.simulation import run_scenario
from byleave.segments import Share


@pytest.mark.parametrize("study", [STUDIES[1], STUDIES[5], STUDIES[7]], ids=lambda s: s.name)
def test_learning_loses_no_more_than_it_should(study: Study) -> None:
    lost = mean(regret(study, seed) for seed in range(12))

    # Equal shares lose 600. Twelve seeds have a standard error of about 15.
    assert 40 < lost < study.most + 30


def test_floors_cost_little_more_than_their_share_of_the_gaps_between_arms() -> None:
    free = STUDIES[1].scenario
    floored = replace(free, allocate=replace(free.allocate, control=Share(0.1), floor=Share(0.01)))

    extra = mean(
        run_scenario(floored, seed).regret - run_scenario(free, seed).regret for seed in range(6)
    )

    # The control is the best arm here, so its floor costs nothing.
    gaps = sum(0.01 * (max(RATES) - rate) for rate in RATES[1:])
    assert extra < 1.5 * 50_000 * gaps + 15


def test_the_same_seed_loses_the_same() -> None:
    assert regret(STUDIES[1], 5) == regret(STUDIES[1], 5)


@pytest.mark.long
@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_every_line_of_the_table_is_as_promised(study: Study) -> None:
    lost = [regret(study, seed) for seed in range(100)]

    error = float(np.std(lost, ddof=1)) / 10
    assert study.least <= mean(lost) <= study.most + 2 * error


@pytest.mark.long
def test_regret_grows_like_the_logarithm_of_the_visits() -> None:
    longest = STUDIES[0]
    short = Study(name="a tenth", most=120, rows=100, batch=1_000)

    lost = mean(run_scenario(longest.scenario, seed).regret for seed in range(20))
    early = mean(run_scenario(short.scenario, seed).regret for seed in range(100))

    # Lai & Robbins (1985): 25.94 per unit of the logarithm for these rates, in the limit.
    assert 12 < (lost - early) / log(10) < 30
