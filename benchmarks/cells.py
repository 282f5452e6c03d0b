"""What cells are worth where they differ, and what they cost where they do not.

    python -m benchmarks.cells [--seeds N] [--processes N]

200,000 visits with the default floors. `gain` is what was earned above the control's rate, as a
share of what the best arm of each cell would have earned with the same floors. `without cells` is
the same for weights that are learned for all cells together, and `change` what cells add to all
that is earned.
"""

import argparse
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from statistics import mean

from byleave.experiments.allocation import floors
from byleave.experiments.simulation import Rate, Scenario, Truth, run_scenario
from byleave.segments import read

VISITS, ROWS = 200_000, 100

#: An arm's rate in each cell.
Rates = Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One line of the table: arms by their rates in each cell, all cells of one size.

    Attributes:
        name: What it is called.
        rates: The rates.
        least_gain: The least share of the oracle's gain, in [0, 1]; None where none is asked.
        least_change: The least change of all that is earned.
    """

    name: str
    rates: Rates
    least_gain: float | None = None
    least_change: float = -0.02

    @property
    def cells(self) -> int:
        """How many there are."""
        return len(self.rates["control"])

    @property
    def scenario(self) -> Scenario:
        """What is simulated."""
        names = [f"cell{index}" for index in range(self.cells)]
        return read(
            Scenario,
            {
                "arms": {
                    arm: dict(zip(names, rates, strict=True)) for arm, rates in self.rates.items()
                },
                "cells": dict.fromkeys(names, 1 / self.cells),
                "allocate": {"policy": "thompson", "goal": "signup", "epoch": "24h"},
                "days": ROWS,
                "visits_per_day": VISITS // ROWS,
            },
        )

    @property
    def together(self) -> Scenario:
        """The same truth for weights that know no cells: rates averaged over them."""
        arms = {arm: Truth({"": Rate(((0.0, mean(rates)),))}) for arm, rates in self.rates.items()}
        return replace(self.scenario, arms=arms, cells={})

    @property
    def oracle(self) -> float:
        """What the best arm of each cell earns with the same floors."""
        kept = floors(len(self.rates))
        by_cell = [list(rates) for rates in zip(*self.rates.values(), strict=True)]
        earned = [float(kept @ rates) + (1 - float(kept.sum())) * max(rates) for rates in by_cell]
        return float(VISITS * mean(earned))


STUDIES = (
    Study(
        name="2 cells prefer opposite arms, by a quarter",
        rates={"control": (0.04, 0.04), "b": (0.05, 0.03), "c": (0.03, 0.05)},
        least_gain=0.8,
    ),
    Study(
        name="2 cells prefer opposite arms, by an eighth",
        rates={"control": (0.04, 0.04), "b": (0.045, 0.035), "c": (0.035, 0.045)},
        least_gain=0.8,
    ),
    Study(
        name="opposite arms where rates differ tenfold",
        rates={"control": (0.02, 0.2), "b": (0.024, 0.16), "c": (0.016, 0.24)},
        least_gain=0.8,
    ),
    Study(
        name="4 cells prefer 4 arms",
        rates={
            "control": (0.04, 0.04, 0.04, 0.04),
            "b": (0.052, 0.03, 0.04, 0.04),
            "c": (0.04, 0.052, 0.03, 0.04),
            "d": (0.04, 0.04, 0.052, 0.03),
            "e": (0.03, 0.04, 0.04, 0.052),
        },
    ),
    Study(
        name="2 cells, 3 arms, none differing",
        rates={"control": (0.04, 0.04), "b": (0.05, 0.05), "c": (0.045, 0.045)},
    ),
    Study(
        name="4 cells, 3 arms, none differing",
        rates={"control": (0.04,) * 4, "b": (0.05,) * 4, "c": (0.045,) * 4},
    ),
    Study(
        name="4 cells, 5 arms, none differing",
        rates={
            "control": (0.04,) * 4,
            "b": (0.05,) * 4,
            "c": (0.045,) * 4,
            "d": (0.04,) * 4,
            "e": (0.035,) * 4,
        },
    ),
    Study(
        name="4 cells, 3 arms, rates differ but not which is best",
        rates={
            "control": (0.02, 0.04, 0.06, 0.08),
            "b": (0.025, 0.05, 0.075, 0.1),
            "c": (0.0225, 0.045, 0.0675, 0.09),
        },
    ),
)


def rewards(study: Study, seed: int) -> tuple[float, float]:
    """Return what one run earns with cells, and without."""
    return run_scenario(study.scenario, seed).reward, run_scenario(study.together, seed).reward


def main() -> int:
    """Print the table; return 1 where cells gain or lose other than promised."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    print("| setting | gain | without cells | change |")
    print("|---|---|---|---|")
    is_fine = True
    with ProcessPoolExecutor(options.processes) as pool:
        for study in STUDIES:
            found = [*pool.map(partial(rewards, study), range(options.seeds))]
            cells, together = (mean(column) for column in zip(*found, strict=True))
            control = VISITS * mean(study.rates["control"])
            gain, plain = (
                (earned - control) / (study.oracle - control) for earned in (cells, together)
            )
            change = cells / together - 1
            print(f"| {study.name} | {gain:.3f} | {plain:.3f} | {change:+.2%} |", flush=True)
            is_fine &= gain >= (study.least_gain or -1) and change >= study.least_change
    return 0 if is_fine else 1


if __name__ == "__main__":
    raise SystemExit(main())
