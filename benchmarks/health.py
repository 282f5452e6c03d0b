"""How often the tests of an experiment's health find units that got lost, and how often nothing.

    python -m benchmarks.health [--seeds N] [--processes N]

40 allocation rows whose weights move as if an arm were learned to be best; then a share of that
arm's units, or of the holdout's, never arrives.
"""

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from scipy import stats

from byleave.experiments.lift import Strata, holdout_ratio, live_sample_ratio, sample_ratio

WEIGHTS: Final = np.array(
    [[1 / 3, 1 / 3, 1 / 3]] * 5 + [[0.1, 0.2, 0.7]] * 15 + [[0.1, 0.03, 0.87]] * 20
)
HOLDOUT: Final = 0.1
#: The chance of a false alarm that each test promises.
LEVEL: Final = 0.001


class Setting(NamedTuple):
    """One line of the table: how much gets lost, and how many units come in a row."""

    lost: float
    units: int

    def __str__(self) -> str:
        """Return its name in the table."""
        return f"{self.lost:.0%} lost of {self.units} a row"


class Alarms(NamedTuple):
    """Whether each test raised an alarm in one run."""

    one_look: bool
    any_look: bool
    holdout: bool
    equal_shares: bool


SETTINGS: Final = (
    Setting(0.0, 500),
    Setting(0.0, 2_000),
    Setting(0.02, 500),
    Setting(0.02, 2_000),
    Setting(0.05, 500),
    Setting(0.05, 2_000),
    Setting(0.1, 500),
    Setting(0.1, 2_000),
)


def alarms(setting: Setting, seed: int) -> Alarms:
    """Return which tests raise an alarm; those of any look are looked at after every row."""
    rng = np.random.default_rng(seed)
    counts = np.array([rng.multinomial(setting.units, row) for row in WEIGHTS])
    counts[:, 2] = rng.binomial(counts[:, 2], 1 - setting.lost)
    nothing = np.zeros(counts.shape)
    strata = Strata.of(counts=counts, sums=nothing, squares=nothing, propensities=WEIGHTS)
    held_out = rng.binomial(setting.units, HOLDOUT, size=len(WEIGHTS))
    arrived = np.cumsum(rng.binomial(held_out, 1 - setting.lost))
    others = np.cumsum(setting.units - held_out)
    least = min(
        holdout_ratio(float(n), (float(x), float(x)), share=HOLDOUT)
        for n, x in zip(others, arrived, strict=True)
    )
    return Alarms(
        one_look=sample_ratio(strata).alert,
        any_look=live_sample_ratio(strata).alert,
        holdout=least < LEVEL,
        equal_shares=bool(stats.chisquare(counts.sum(axis=0)).pvalue < LEVEL),
    )


def shares(found: Sequence[Alarms]) -> list[float]:
    """Return in which share of runs each test raised an alarm."""
    return [float(share) for share in np.mean(found, axis=0)]


def faults(setting: Setting, found: Sequence[Alarms]) -> Iterator[str]:
    """Yield what is not as promised, beyond three standard errors."""
    one_look, any_look, holdout, _ = shares(found)
    slack = 3 * (LEVEL / len(found)) ** 0.5
    if not setting.lost and max(one_look, any_look, holdout) > LEVEL + slack:
        yield f"{setting}: false alarms"
    # Of all runs that lose a tenth, at least 80 % must be found.
    if setting.lost >= 0.1 and one_look < 0.8:
        yield f"{setting}: found in {one_look:.0%} only"


def main() -> int:
    """Print the table; return 1 where something is not as promised."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=2_000)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    print("| setting | one look | any look | holdout | equal shares |")
    print("|---|---|---|---|---|")
    wrong: list[str] = []
    with ProcessPoolExecutor(options.processes) as pool:
        for setting in SETTINGS:
            found = [*pool.map(partial(alarms, setting), range(options.seeds), chunksize=50)]
            cells = " | ".join(f"{share:.4f}" for share in shares(found))
            print(f"| {setting} | {cells} |", flush=True)
            wrong += faults(setting, found)
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
