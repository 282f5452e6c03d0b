"""How long the statistics of a server take: new weights for all experiments, and one report.

    python -m benchmarks.allocation [--rounds N]

Times are of the processor, not of the clock, and the median over rounds.
"""

import argparse
from collections.abc import Callable
from time import process_time

import numpy as np
from benchmarks.bars import Bar, say

from byleave.experiments.allocation import (
    beta_posterior,
    compare_arms,
    delay_curve,
    delay_edges,
    evidence,
    next_weights,
    observe,
)
from byleave.experiments.definitions import (
    Allocate,
    Policy,
)
from byleave.experiments.goals import Goal, GoalKind
from byleave.experiments.lift import Population, RunFacts, Strata, build_report
from byleave.experiments.simulation import Scenario, run_scenario
from byleave.segments import Duration, read

DAY_MS = 86_400_000
ARMS: tuple[str, ...] = ("control", "b", "c", "d", "e")
CELLS = ("00", "01", "10", "11")
GOAL = Goal(event="sign_up", kind=GoalKind.CONVERSION, within=Duration(7 * DAY_MS))
ALLOCATE = Allocate(policy=Policy.THOMPSON, goal="signup")


def strata(rows: int, *, seed: int) -> Strata:
    """Return rows of about 1,000 units each."""
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(len(ARMS), 5.0), rows)
    counts = rng.multinomial(1_000, weights)
    sums = rng.binomial(counts, [0.05, 0.05, 0.045, 0.04, 0.05])
    return Strata.of(counts=counts, sums=sums, squares=sums, propensities=weights)


def reallocate(experiments: int, *, rows: int = 400) -> Callable[[], object]:
    """Return what gives every cell of so many experiments its next weights."""
    sums = [strata(rows, seed=seed) for seed in range(experiments)]
    ages_ms = np.arange(rows, 0, -1.0) * DAY_MS / 24
    edges_ms = delay_edges(GOAL.within if GOAL.within != "page" else DAY_MS)
    delays = np.random.default_rng(1).poisson(0.7, (rows, len(edges_ms) - 1))

    def run() -> None:
        for each in sums:
            figures = {"reached": each.sums, "sums": each.sums, "squares": each.squares}
            seen = observe(
                {"counts": each.counts, **figures},
                cells=CELLS,
                arms=ARMS,
                cell_of_row=[CELLS[row % len(CELLS)] for row in range(rows)],
                youngest_ms=ages_ms - DAY_MS / 24,
                oldest_ms=ages_ms,
                window_ms=7 * DAY_MS,
                curve=delay_curve(delays, edges_ms=edges_ms, youngest_ms=ages_ms),
            )
            for cell in CELLS:
                before = dict.fromkeys(ARMS, 0.2)
                known = evidence(seen, cell, goal=GOAL, before=before, age_ms=30 * DAY_MS)
                next_weights(ALLOCATE, GOAL, known)

    return run


def twenty_arms() -> Callable[[], object]:
    """Return what ranks 20 arms with 5 to a million units, of which none, some or all convert."""
    units = np.geomspace(5, 1e6, 20)
    rates = np.resize([0.0, 0.05, 0.05, 1.0, 0.3], 20)
    posterior = beta_posterior(units * rates, units)
    return lambda: compare_arms(posterior)


def report(rows: int) -> Callable[[], object]:
    """Return what makes a report from the sums of so many rows."""
    sums = strata(rows, seed=0)
    return lambda: build_report(
        sums,
        arms=ARMS,
        goal_key="signup",
        goal=GOAL,
        population=Population(),
        run=RunFacts(age_ms=30 * DAY_MS),
    )


def simulate(days: int) -> Callable[[], object]:
    """Return what simulates 10,000 visits a day with hourly rows and conversions that come late."""
    scenario = read(
        Scenario,
        {
            "arms": {"control": 0.05, "better": 0.07},
            "allocate": {"policy": "thompson", "goal": "signup", "epoch": "1h"},
            "days": days,
            "visits_per_day": 10_000,
            "within": "7d",
            "delay": "1d",
        },
    )
    return lambda: run_scenario(scenario, 1)


def measured(work: Callable[[], object], *, rounds: int) -> list[float]:
    """Return the times of the processor in milliseconds, after a first run."""
    work()
    times = []
    for _ in range(rounds):
        before = process_time()
        work()
        times.append(1_000 * (process_time() - before))
    return times


def main() -> int:
    """Print the figures; return 1 where something takes longer than it may."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    works = {
        "new weights of 20 experiments with 5 arms and 4 cells": (reallocate(20), 150.0),
        "probabilities of 20 arms to be best": (twenty_arms(), 5.0),
        "report of 500 rows and 5 arms": (report(500), 20.0),
        "100,000 simulated visits": (simulate(10), 500.0),
    }
    return say(
        Bar.of(name, measured(work, rounds=options.rounds), " ms", most=most)
        for name, (work, most) in works.items()
    )


if __name__ == "__main__":
    raise SystemExit(main())
