"""What learning loses beside another library's Thompson sampling, on the same visitors.

    pip install mabwiser
    python -m benchmarks.thompson [--seeds N]

100,000 visitors in batches of 1,000 and five arms, without floors. Every visitor's answer to every
arm is drawn beforehand and shown to both; either learns after each batch from the answers to the
arms it chose. Lost is what the best arm would have added in expectation.
"""

import argparse
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from math import sqrt
from statistics import mean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from byleave.experiments.allocation import evidence, next_weights, observe
from byleave.experiments.assignment import Slices
from byleave.experiments.definitions import Allocate, Policy
from byleave.experiments.goals import Goal, GoalKind
from byleave.segments import Share

ARMS: tuple[str, ...] = ("control", "b", "c", "d", "e")
RATES = np.array([0.05, 0.04, 0.04, 0.03, 0.03])
BATCHES, BATCH = 100, 1_000
DAY_MS = 86_400_000
GOAL = Goal(event="sign_up", kind=GoalKind.CONVERSION, within="page")
ALLOCATE = Allocate(policy=Policy.THOMPSON, goal="signup", control=Share(0.0), floor=Share(0.0))


def answers(seed: int) -> NDArray[np.bool_]:
    """Return whether each visitor converts with each arm, shape (batches, visitors, arms)."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.random((BATCHES, BATCH, len(ARMS))) < RATES)


def byleave_chooses(batches: NDArray[np.bool_], seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield the arm of every visitor, batch by batch, by the weights that a server publishes."""
    rng = np.random.default_rng((seed, 1))
    counts, sums = np.zeros((2, 1, len(ARMS)))
    weights = dict.fromkeys(ARMS, 1 / len(ARMS))
    for number, batch in enumerate(batches, start=1):
        slices = Slices(weights)
        chosen = np.array([ARMS.index(slices.arm(draw)) for draw in rng.random(BATCH)])
        yield chosen
        counts[0] += np.bincount(chosen, minlength=len(ARMS))
        hits = batch[np.arange(BATCH), chosen]
        sums[0] += np.bincount(chosen, hits, minlength=len(ARMS))
        seen = observe(
            {"counts": counts, "reached": sums, "sums": sums, "squares": sums},
            cells=["everyone"],
            arms=ARMS,
            cell_of_row=["everyone"],
            youngest_ms=[0],
            oldest_ms=[number * DAY_MS],
            window_ms=0,
            curve=None,
        )
        known = evidence(seen, "everyone", goal=GOAL, before=weights, age_ms=number * DAY_MS)
        weights = dict(next_weights(ALLOCATE, GOAL, known).weights)


def mabwiser_chooses(batches: NDArray[np.bool_], seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield the same as mabwiser chooses, the first batch evenly at random."""
    mab: Any = import_module("mabwiser.mab")  # a peer, not a dependency
    policy = mab.LearningPolicy.ThompsonSampling()
    bandit = mab.MAB(arms=list(range(len(ARMS))), learning_policy=policy, seed=seed)
    chosen = np.random.default_rng((seed, 1)).integers(len(ARMS), size=BATCH)
    for batch in batches:
        yield chosen
        bandit.partial_fit(chosen, batch[np.arange(BATCH), chosen].astype(int))
        chosen = np.array(bandit.predict(np.zeros((BATCH, 1))))


def lost(chosen: Iterator[NDArray[np.int64]]) -> float:
    """Return by how many conversions the best arm would have been better, in expectation."""
    return sum(float((RATES.max() - RATES[batch]).sum()) for batch in chosen)


def main() -> int:
    """Print the table; return 1 where ours loses more by over two standard errors."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    data = [(seed, answers(seed)) for seed in range(options.seeds)]
    ours = [lost(byleave_chooses(batches, seed)) for seed, batches in data]
    theirs = [lost(mabwiser_chooses(batches, seed)) for seed, batches in data]
    difference = [mine - other for mine, other in zip(ours, theirs, strict=True)]
    print("| allocator | lost | standard error |")
    print("|---|---|---|")
    for name, values in (
        ("Byleave", ours),
        (f"mabwiser {version('mabwiser')}", theirs),
        ("difference", difference),
    ):
        print(f"| {name} | {mean(values):.1f} | {stdev(values) / sqrt(len(values)):.1f} |")
    return int(mean(difference) > 2 * stdev(difference) / sqrt(len(difference)))


if __name__ == "__main__":
    raise SystemExit(main())
