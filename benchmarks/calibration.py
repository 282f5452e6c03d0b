"""How often the arm that is said to be best with some probability is the best one.

    python -m benchmarks.calibration [--seeds N] [--processes N]

Three arms whose rates are drawn anew for every run; the production rule allocates 10,000 visits
in ten rows, and the production report says the probabilities.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from math import sqrt
from typing import Any, Final, NamedTuple

import numpy as np

from byleave.experiments.simulation import Scenario, simulate
from byleave.segments import read

ARMS: Final = ("control", "b", "c")
BINS: Final = (0.0, 0.02, 0.1, 0.3, 0.7, 0.9, 0.98, 1.0)
#: By how much what is said may differ from what comes true, beyond three standard errors: this
#: part of p (1 - p), which is 5 points in the middle and less the surer one is.
TOLERANCE: Final = 0.2


class Study(NamedTuple):
    """One part of the table: the lowest and the highest rate that an arm may have."""

    low: float
    high: float

    def __str__(self) -> str:
        """Return its name in the table."""
        return f"rates from {self.low:.0%} to {self.high:.0%}"


class Said(NamedTuple):
    """What was said of an arm, and whether it was true."""

    probability: float
    is_best: bool


class Line(NamedTuple):
    """What came true of all probabilities in a bin."""

    low: float
    high: float
    times: int
    said: float
    true: float

    @property
    def is_fault(self) -> bool:
        """Whether too much or too little came true."""
        spread = self.said * (1 - self.said)
        error = sqrt(max(spread, 1e-4) / self.times)
        return abs(self.said - self.true) > TOLERANCE * spread + 3 * error

    def __str__(self) -> str:
        """Return its cells in the table."""
        span = f"{self.low:.0%} to {self.high:.0%}"
        return f"{span} | {self.times} | {self.said:.3f} | {self.true:.3f}"


STUDIES: Final = (Study(0.02, 0.08), Study(0.4, 0.6))


def said(study: Study, seed: int) -> list[Said]:
    """Return what the report of one run says of every arm."""
    rates = np.random.default_rng([seed, 1]).uniform(study.low, study.high, len(ARMS))
    declared: dict[str, Any] = {
        "arms": dict(zip(ARMS, rates.tolist(), strict=True)),
        "allocate": {"policy": "thompson", "goal": "signup", "epoch": "24h"},
        "days": 10,
        "visits_per_day": 1_000,
    }
    report = simulate(read(Scenario, declared), seed).report
    return [
        Said(row.best_probability, ARMS[int(rates.argmax())] == row.arm)
        for row in report.arms
        if row.best_probability is not None
    ]


def lines(found: Iterable[Said]) -> Iterator[Line]:
    """Yield what came true, bin by bin, of those that hold anything."""
    every = np.array([*found], dtype=np.float64).reshape(-1, 2)
    places = np.digitize(every[:, 0], BINS[1:-1])
    for place, (low, high) in enumerate(pairwise(BINS)):
        inside = every[places == place]
        if len(inside):
            yield Line(low, high, len(inside), *inside.mean(axis=0).tolist())


def main() -> int:
    """Print the table; return 1 where a probability is not what comes true."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=2_000)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    print("| setting | said | times | said in the mean | came true |")
    print("|---|---|---|---|---|")
    is_fine = True
    with ProcessPoolExecutor(options.processes) as pool:
        for study in STUDIES:
            runs: Sequence[list[Said]] = [
                *pool.map(partial(said, study), range(options.seeds), chunksize=20)
            ]
            for line in lines(each for run in runs for each in run):
                print(f"| {study} | {line} |", flush=True)
                is_fine &= not line.is_fault
    return 0 if is_fine else 1


if __name__ == "__main__":
    raise SystemExit(main())
