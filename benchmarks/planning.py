"""How long plans say that it takes until a lift is seen, and how long it takes when simulated.

python -m benchmarks.planning [--seeds N] [--processes N]
"""

import argparse
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import inf
from statistics import median_low
from typing import Any

from byleave.experiments.definitions import Allocate
from byleave.experiments.lift.multiplicity import adjusted_alpha
from byleave.experiments.simulation import (
    Design,
    Rate,
    Scenario,
    Truth,
    look_often,
    plan,
    run_scenario,
)
from byleave.segments import read

DAY_MS = 86_400_000
LEARNED = {"policy": "thompson", "goal": "signup", "epoch": "24h"}
FIXED = {"policy": "fixed", "goal": "signup"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One line of the table.

    Attributes:
        allocate: How units are divided.
        arms: Number of arms; the second one has the lift.
        baseline: Conversion rate of all others.
        lift: The relative lift.
        units_per_day: Visits per day.
        days: For how long it is simulated; more than twice as long as it takes.
    """

    allocate: Mapping[str, Any]
    arms: int
    baseline: float
    lift: float
    units_per_day: int
    days: int

    def __str__(self) -> str:
        """Return what the table calls it."""
        kind = "learned" if self.allocate["policy"] == "thompson" else "fixed"
        return (
            f"{kind}, {self.arms} arms, {self.baseline:.0%}, lift {self.lift:+.0%}, "
            f"{self.units_per_day} a day"
        )

    @property
    def design(self) -> Design:
        """What is planned."""
        return Design(
            allocate=read(Allocate, self.allocate),
            arms=("control", "b", "c", "d")[: self.arms],
            baseline=self.baseline,
            lift=self.lift,
            units_per_day=self.units_per_day,
        )

    @property
    def scenario(self) -> Scenario:
        """What is simulated."""
        design = self.design
        return Scenario(
            arms={
                arm: Truth({"": Rate(((0.0, float(mean)),))})
                for arm, mean in zip(design.arms, design.means, strict=True)
            },
            allocate=design.allocate,
            days=self.days,
            visits_per_day=self.units_per_day,
        )


STUDIES = (
    Study(allocate=FIXED, arms=2, baseline=0.05, lift=0.2, units_per_day=2_000, days=40),
    Study(allocate=FIXED, arms=4, baseline=0.04, lift=0.3, units_per_day=3_000, days=40),
    Study(allocate=LEARNED, arms=2, baseline=0.05, lift=0.2, units_per_day=2_000, days=60),
    Study(allocate=LEARNED, arms=3, baseline=0.04, lift=0.25, units_per_day=3_000, days=60),
    Study(allocate=LEARNED, arms=3, baseline=0.1, lift=-0.4, units_per_day=3_000, days=80),
    Study(
        allocate={**LEARNED, "control": 0.18, "epoch": "6h"},
        arms=2,
        baseline=0.03,
        lift=0.3,
        units_per_day=3_000,
        days=40,
    ),
)


def seen_days(study: Study, seed: int) -> float:
    """Return after how many days one simulated run sees the lift; infinite if it never does."""
    scenario = study.scenario
    alpha = adjusted_alpha(0.05, arms=study.arms)
    seen = look_often(scenario, run_scenario(scenario, seed), "b", alpha=alpha).seen_ms
    return inf if seen is None else seen / DAY_MS


def planned_days(study: Study) -> float:
    """Return after how many days the plan sees it."""
    planned = plan(study.design)
    return inf if planned is None else planned.seen_ms / DAY_MS


def main() -> int:
    """Print the table; return 1 where a plan is not within a fifth of the simulated median."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    print("| setting | planned days | simulated median | ratio |")
    print("|---|---|---|---|")
    is_fine = True
    with ProcessPoolExecutor(options.processes) as pool:
        for study in STUDIES:
            planned = planned_days(study)
            simulated = median_low(pool.map(partial(seen_days, study), range(options.seeds)))
            ratio = planned / simulated
            print(f"| {study} | {planned:.2f} | {simulated:.2f} | {ratio:.2f} |", flush=True)
            is_fine &= 0.8 <= ratio <= 1.2
    return 0 if is_fine else 1


if __name__ == "__main__":
    raise SystemExit(main())
