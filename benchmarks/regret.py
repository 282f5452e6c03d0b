"""What learning costs: conversions lost against always showing the best arm.

    python -m benchmarks.regret [--seeds N] [--processes N]

Five arms that convert at 5, 4, 4, 3 and 3 %, no floors and no share for the control. Beside each
result stands what an independent simulation of the same policy lost.
"""

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from statistics import mean, stdev
from typing import Any

from byleave.experiments.simulation import Scenario, run_scenario
from byleave.segments import read

RATES = (0.05, 0.04, 0.04, 0.03, 0.03)
SWITCHED = (0.03, 0.04, 0.04, 0.03, 0.05)


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One line of the table.

    Attributes:
        name: What it is called.
        least: The least regret that is believable; less means that something is not counted.
        most: The most that is accepted.
        rows: Number of allocation rows; each is a day.
        batch: Visits per row.
        later: The rates from half-way on.
        half_life: The time after which a visit counts half.
        times: When conversions come; at once, without it.
    """

    name: str
    most: float
    least: float = 0.0
    rows: int = 100
    batch: int = 500
    later: Sequence[float] = RATES
    half_life: str | None = None
    times: Mapping[str, str] = field(default_factory=dict)

    @property
    def scenario(self) -> Scenario:
        """What is simulated."""
        names = ["control", "b", "c", "d", "e"]
        arms = {
            name: [[0, before], [0.5, before], [0.5, after], [1, after]]
            for name, before, after in zip(names, RATES, self.later, strict=True)
        }
        allocate: dict[str, Any] = {
            "policy": "thompson",
            "goal": "signup",
            "control": 0,
            "floor": 0,
            "epoch": "24h",
        }
        if self.half_life:
            allocate["half_life"] = self.half_life
        declared = {"arms": arms, "allocate": allocate, **self.times}
        return read(Scenario, {**declared, "days": self.rows, "visits_per_day": self.batch})


STUDIES = (
    Study(name="1,000,000 visits in rows of 1,000", least=130, most=175, rows=1_000, batch=1_000),
    Study(name="steady", most=107),
    Study(name="steady, half-life 30 rows", most=160, half_life="30d"),
    Study(name="steady, half-life 10 rows", most=232, half_life="10d"),
    Study(name="the best arm switches half-way", most=501, later=SWITCHED),
    Study(name="switch, half-life 30 rows", most=337, later=SWITCHED, half_life="30d"),
    Study(name="switch, half-life 10 rows", most=301, later=SWITCHED, half_life="10d"),
    Study(
        name="conversions 2 rows late in the mean, 7 at most",
        most=96,
        times={"within": "7d", "delay": "2d"},
    ),
)


def regret(study: Study, seed: int) -> float:
    """Return the conversions that one run loses."""
    return run_scenario(study.scenario, seed).regret


def main() -> int:
    """Print the table; return 1 where more is lost than accepted, beyond two standard errors."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    print("| setting | lost | standard error | accepted |")
    print("|---|---|---|---|")
    is_fine = True
    with ProcessPoolExecutor(options.processes) as pool:
        for study in STUDIES:
            lost = [*pool.map(partial(regret, study), range(options.seeds))]
            error = stdev(lost) / len(lost) ** 0.5
            accepted = f"{study.least:g} to {study.most:g}" if study.least else f"{study.most:g}"
            print(f"| {study.name} | {mean(lost):.0f} | {error:.1f} | {accepted} |", flush=True)
            is_fine &= study.least - 2 * error <= mean(lost) <= study.most + 2 * error
    return 0 if is_fine else 1


if __name__ == "__main__":
    raise SystemExit(main())
