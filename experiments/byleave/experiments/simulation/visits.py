"""What simulated visitors do: who converts, when, and for how much."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from byleave.experiments.allocation import DelayCurve, delay_curve, delay_edges
from byleave.experiments.simulation.scenario import Order, Scenario

__all__ = ["Ledger", "order_mean"]

Array = NDArray[np.float64]


class Ledger:
    """The sums per allocation row and arm, growing as conversions arrive.

    Attributes:
        counts: Enrolled units, shape (R, K) for room for R rows.
        reached: Units whose conversion has arrived.
        sums: The goal's sum over them.
        squares: The sum of its squares.
    """

    def __init__(self, scenario: Scenario, *, rows: int, rng: np.random.Generator) -> None:
        self.counts, self.reached, self.sums, self.squares = np.zeros((4, rows, len(scenario.keys)))
        self._scenario = scenario
        self._rng = rng
        self._coming = np.zeros((5, 0))  # when it arrives, row, arm, value, bucket of its delay
        self._edges = delay_edges(scenario.within)
        self._delays = np.zeros((rows, len(self._edges) - 1))

    def enrol(
        self, row: int, units: NDArray[np.int64], rates: Array, *, start_ms: int, end_ms: int
    ) -> None:
        """Enrol units of every arm in a row, at even times from `start_ms` to `end_ms`.

        Args:
            row: Index of the allocation row.
            units: Units per arm, shape (K,).
            rates: How likely a unit of each arm converts, shape (K,).
            start_ms: When the first one comes.
            end_ms: When the last one comes.
        """
        self.counts[row] += units
        converted = self._rng.binomial(units, rates)
        if self._scenario.delay is None:
            self._arrive(row, converted)
            return
        arms = np.repeat(np.arange(len(units)), converted)
        delays = self._draw_delays(len(arms))
        buckets = np.searchsorted(self._edges, delays, side="right") - 1
        arrivals = self._rng.uniform(start_ms, end_ms, len(arms)) + delays
        coming = [arrivals, np.full(len(arms), row), arms, self._draw_values(len(arms)), buckets]
        self._coming = np.concatenate([self._coming, coming], axis=1)

    def settle(self, now_ms: float) -> None:
        """Count the conversions that arrive until now."""
        arrived = self._coming[0] <= now_ms
        if not arrived.any():
            return
        _, rows, arms, values, buckets = self._coming[:, arrived]
        self._coming = self._coming[:, ~arrived]
        place = (rows.astype(int), arms.astype(int))
        np.add.at(self._delays, (place[0], buckets.astype(int)), 1)
        np.add.at(self.reached, place, 1)
        np.add.at(self.sums, place, values)
        np.add.at(self.squares, place, values**2)

    def curve(self, youngest_ms: Array) -> DelayCurve | None:
        """Return how conversions arrive, as far as the rows tell; None while that is not known.

        Args:
            youngest_ms: Age of the last unit of each row so far.
        """
        # What a visitor spends grows for longer than it takes to convert.
        if self._scenario.delay is None or self._scenario.order is not None:
            return None
        return delay_curve(
            self._delays[: len(youngest_ms)], edges_ms=self._edges, youngest_ms=youngest_ms
        )

    def _arrive(self, row: int, converted: NDArray[np.int64]) -> None:
        self.reached[row] += converted
        if self._scenario.order is None:
            self.sums[row] += converted
            self.squares[row] += converted
            return
        arms = np.repeat(np.arange(len(converted)), converted)
        values = self._draw_values(len(arms))
        self.sums[row] += np.bincount(arms, values, minlength=len(converted))
        self.squares[row] += np.bincount(arms, values**2, minlength=len(converted))

    def _draw_delays(self, size: int) -> Array:
        """Exponential times, given that they are within the window."""
        mean, window = float(self._scenario.delay or 1), float(self._scenario.within)
        within = -np.expm1(-window / mean)
        delays = -mean * np.log1p(-within * self._rng.random(size))
        return np.asarray(np.minimum(delays, np.nextafter(window, 0.0)))

    def _draw_values(self, size: int) -> Array:
        order = self._scenario.order
        if order is None:
            return np.ones(size)
        location, scale = _log_normal(order)
        return np.minimum(self._rng.lognormal(location, scale, size), order.cap)


def order_mean(order: Order | None) -> float:
    """Return the mean of what a conversion counts for: E[min(X, cap)], 1 for a conversion."""
    if order is None:
        return 1.0
    location, scale = _log_normal(order)
    cut = (np.log(order.cap) - location) / scale
    below = order.mean * special.ndtr(cut - scale)
    return float(below + order.cap * special.ndtr(-cut))


def _log_normal(order: Order) -> tuple[float, float]:
    """Location and scale of a log-normal with the order's mean and deviation."""
    variance = np.log1p((order.deviation / order.mean) ** 2)
    return float(np.log(order.mean) - variance / 2), float(np.sqrt(variance))
