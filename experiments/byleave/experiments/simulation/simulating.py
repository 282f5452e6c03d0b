"""A whole experiment in memory: the production rule of allocation on simulated visitors."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from byleave.experiments.allocation import (
    Observed,
    evidence,
    fixed_weights,
    is_replaced,
    is_ripe,
    next_weights,
    observe,
)
from byleave.experiments.goals import Better
from byleave.experiments.lift import Strata
from byleave.experiments.simulation.scenario import Scenario
from byleave.experiments.simulation.visits import Ledger, order_mean

__all__ = ["Row", "Run", "run_scenario"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One allocation row of a simulated run.

    Attributes:
        cell: Its cell.
        opened_ms: When it was published, since the run began.
        closed_ms: When its successor was.
        weights: The propensity of each arm.
    """

    cell: str
    opened_ms: int
    closed_ms: int
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a simulated run came to.

    Attributes:
        rows: Its allocation rows, oldest first.
        strata: Their sums, once all conversions have arrived; the control is the first column.
        reward: Expected sum of the goal over all visits, given what they were shown.
        regret: By how much that is worse than with the best arm of each cell at every moment.
        control_reward: The sum that the control alone would have brought.
    """

    rows: tuple[Row, ...]
    strata: Strata
    reward: float
    regret: float
    control_reward: float


def run_scenario(scenario: Scenario, seed: int) -> Run:
    """Simulate all visits of a scenario, allocated as the server allocates them.

    Time passes in ticks of an epoch: within one, visits come evenly and draw from the open rows;
    at its end, conversions that have arrived are counted and ripe rows are replaced.

    Args:
        scenario: What is simulated.
        seed: Seed of the random numbers; the same seed gives the same run.
    """
    return _Simulation(scenario, np.random.default_rng(seed)).run()


class _Simulation:
    def __init__(self, scenario: Scenario, rng: np.random.Generator) -> None:
        allocate = scenario.allocate
        self._scenario = scenario
        self._rng = rng
        self._ends_ms = [
            min(start + allocate.epoch, scenario.length_ms)
            for start in range(0, scenario.length_ms, allocate.epoch)
        ]
        room = len(self._ends_ms) * len(scenario.shares)
        self._ledger = Ledger(scenario, rows=room, rng=rng)
        self._opened_ms, self._closed_ms = np.zeros(room), np.full(room, np.inf)
        self._cells: list[str] = []
        self._weights: list[Mapping[str, float]] = []
        self._open: dict[str, int] = {}

    def run(self) -> Run:
        scenario = self._scenario
        ends = np.array(self._ends_ms)
        starts = np.concatenate([[0], ends[:-1]])
        rates = scenario.rates((starts + ends) / 2 / scenario.length_ms)
        drawn = np.zeros(rates.shape)
        visits = np.diff(np.round(ends * scenario.visits_per_day / 86_400_000), prepend=0)
        for cell in scenario.shares:
            self._publish(cell, self._first_weights(), 0)
        for tick, end_ms in enumerate(self._ends_ms):
            drawn[tick] = self._visit(int(visits[tick]), rates[tick], int(starts[tick]), end_ms)
            self._ledger.settle(end_ms)
            if end_ms < scenario.length_ms:
                self._replace(end_ms)
        self._closed_ms = np.minimum(self._closed_ms, scenario.length_ms)
        self._ledger.settle(np.inf)
        return self._result(rates, drawn)

    def _first_weights(self) -> Mapping[str, float]:
        keys, shares = self._scenario.keys, self._scenario.allocate.shares
        first = [float(shares.get(arm, 0.0)) if shares else 1 / len(keys) for arm in keys]
        return dict(zip(keys, fixed_weights(first).tolist(), strict=True))

    def _publish(self, cell: str, weights: Mapping[str, float], now_ms: int) -> None:
        if cell in self._open:
            self._closed_ms[self._open[cell]] = now_ms
        self._open[cell] = len(self._cells)
        self._opened_ms[len(self._cells)] = now_ms
        self._cells.append(cell)
        self._weights.append(weights)

    def _visit(
        self, visits: int, rates: NDArray[np.float64], start_ms: int, end_ms: int
    ) -> NDArray[np.float64]:
        """Let visits draw from the open rows; return how many drew each arm, by cell."""
        keys, lost = self._scenario.keys, self._scenario.lost
        stay = np.array([1 - float(lost.get(arm, 0.0)) for arm in keys])
        by_cell = self._rng.multinomial(visits, list(self._scenario.shares.values()))
        drawn = np.zeros(rates.shape)
        for place, row in enumerate(self._open.values()):
            units = self._rng.multinomial(by_cell[place], list(self._weights[row].values()))
            drawn[place] = units
            enrolled = self._rng.binomial(units, stay) if lost else units
            self._ledger.enrol(row, enrolled, rates[place], start_ms=start_ms, end_ms=end_ms)
        return drawn

    def _replace(self, now_ms: int) -> None:
        """Publish successors of the rows that are ripe, as the server's allocator does."""
        allocate, goal = self._scenario.allocate, self._scenario.goal
        ripe = [
            (cell, row, round(now_ms - self._opened_ms[row]))
            for cell, row in self._open.items()
            if is_ripe(
                list(self._weights[row].values()),
                units=float(self._ledger.counts[row].sum()),
                age_ms=round(now_ms - self._opened_ms[row]),
                epoch_ms=allocate.epoch,
            )
        ]
        if not ripe:
            return
        observed = self._observed(now_ms)
        for cell, row, age_ms in ripe:
            before = self._weights[row]
            seen = evidence(observed, cell, goal=goal, before=before, age_ms=now_ms)
            step = next_weights(allocate, goal, seen)
            if is_replaced(before, step.weights, age_ms=age_ms):
                self._publish(cell, step.weights, now_ms)

    def _observed(self, now_ms: int) -> Observed:
        scenario, ledger, rows = self._scenario, self._ledger, slice(len(self._cells))
        figures = ("counts", "reached", "sums", "squares")
        youngest_ms = now_ms - np.minimum(self._closed_ms[rows], now_ms)
        return observe(
            {name: getattr(ledger, name)[rows] for name in figures},
            cells=list(scenario.shares),
            arms=scenario.keys,
            cell_of_row=self._cells,
            youngest_ms=youngest_ms,
            oldest_ms=now_ms - self._opened_ms[rows],
            window_ms=scenario.within,
            curve=ledger.curve(youngest_ms),
            half_life_ms=scenario.allocate.half_life,
        )

    def _result(self, rates: NDArray[np.float64], drawn: NDArray[np.float64]) -> Run:
        scenario, ledger, rows = self._scenario, self._ledger, slice(len(self._cells))
        worth = order_mean(scenario.order)
        higher = scenario.better is Better.HIGHER
        best = rates.max(axis=2) if higher else rates.min(axis=2)
        visits = drawn.sum(axis=2)
        reward = worth * float((drawn * rates).sum())
        lost = worth * float((visits * best).sum()) - reward
        return Run(
            rows=tuple(
                Row(cell=cell, opened_ms=round(opened), closed_ms=round(closed), weights=weights)
                for cell, opened, closed, weights in zip(
                    self._cells,
                    self._opened_ms[rows],
                    self._closed_ms[rows],
                    self._weights,
                    strict=True,
                )
            ),
            strata=Strata.of(
                counts=ledger.counts[rows],
                sums=ledger.sums[rows],
                squares=ledger.squares[rows],
                propensities=[list(weights.values()) for weights in self._weights],
            ),
            reward=reward,
            regret=lost if higher else -lost,
            control_reward=worth * float((visits * rates[:, :, 0]).sum()),
        )
