"""Learning from conversions that have not all arrived yet.

Counting a fresh visitor as a failure punishes whichever arm got the most recent traffic; waiting
for the whole attribution window wastes it. A visitor of age a instead counts as the share of
conversions that arrive within a, learnt from visitors whose window has passed (Vernade, Cappé &
Perchet 2017, "Stochastic bandit models for delayed conversions"; Wang et al. 2022).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["DelayCurve", "delay_curve", "delay_edges", "row_shares"]

_LEAST_CONVERSIONS = 50


@dataclass(frozen=True, slots=True)
class DelayCurve:
    """The share of a window's conversions that arrive within an age, linear between the edges.

    Attributes:
        edges_ms: Ascending ages from 0 to the window, shape (B + 1,).
        shares: Share of conversions that arrived by each edge, from 0 to 1, shape (B + 1,).
    """

    edges_ms: NDArray[np.float64]
    shares: NDArray[np.float64]

    def arrived(self, ages_ms: ArrayLike) -> NDArray[np.float64]:
        """Return the share in [0, 1] that has arrived by each age, in the shape of the ages."""
        ages = np.asarray(ages_ms, dtype=np.float64)
        return np.asarray(np.interp(ages, self.edges_ms, self.shares))

    def mean_arrived(self, youngest_ms: ArrayLike, oldest_ms: ArrayLike) -> NDArray[np.float64]:
        """Return the mean share over ages that spread evenly from youngest to oldest.

        Exact for a curve that is linear between its edges.

        Args:
            youngest_ms: Age of the last unit of each group.
            oldest_ms: Age of the first unit of each group, not below the youngest.
        """
        youngest = np.asarray(youngest_ms, dtype=np.float64)
        oldest = np.asarray(oldest_ms, dtype=np.float64)
        spread = oldest - youngest
        area = self._area(oldest) - self._area(youngest)
        mean = area / np.where(spread > 0, spread, 1.0)
        return np.asarray(np.where(spread > 0, mean, self.arrived(oldest)))

    def _area(self, ages: NDArray[np.float64]) -> NDArray[np.float64]:
        """Integral of the curve from 0 to each age."""
        widths = np.diff(self.edges_ms)
        pieces = widths * (self.shares[1:] + self.shares[:-1]) / 2
        sums = np.concatenate([[0.0], np.cumsum(pieces)])
        inside = np.clip(ages, 0.0, self.edges_ms[-1])
        piece = np.searchsorted(self.edges_ms, inside, side="right") - 1
        start = self.edges_ms[piece]
        height = (self.shares[piece] + self.arrived(inside)) / 2
        beyond = np.maximum(ages - self.edges_ms[-1], 0.0)
        return np.asarray(sums[piece] + (inside - start) * height + beyond)


def delay_edges(window_ms: int, *, buckets: int = 64) -> NDArray[np.float64]:
    """Return the edges of delay buckets, (b/B)² of the window, shape (B + 1,).

    Most conversions come early, where buckets are short: 2.5 minutes at the start of 7 days.
    """
    return np.asarray(window_ms * (np.arange(buckets + 1) / buckets) ** 2)


def delay_curve(
    conversions: ArrayLike, *, edges_ms: ArrayLike, youngest_ms: ArrayLike
) -> DelayCurve | None:
    """Learn how conversions spread over their attribution window, from rows of any age.

    The product-limit estimate for delays that are seen only where they are shorter than the age
    of their unit (Lynden-Bell 1971; Woodroofe 1985): of the conversions of rows that are wholly
    older than the end of bucket b, the share 1 - d_b/R_b came before it. Multiplied downwards
    from the last bucket that enough conversions tell about, that gives the curve; for rows whose
    window has passed it is the share of their conversions by each edge. What comes after that
    last bucket is left out: it would be left out of every arm alike.

    Args:
        conversions: Conversions so far per row and delay bucket, all arms together, shape (J, B).
        edges_ms: Ascending edges of the buckets, from 0 to the window, shape (B + 1,).
        youngest_ms: Age of each row's last unit, shape (J,).

    Returns:
        None below 50 conversions: then only mature rows should be used.

    Raises:
        ValueError: A count is negative, or the edges do not ascend from 0 or do not fit.
    """
    edges, ages = (np.asarray(part, dtype=np.float64) for part in (edges_ms, youngest_ms))
    counts = np.asarray(conversions, dtype=np.float64)
    if counts.ndim != 2 or len(counts) != len(ages):
        raise ValueError(f"expected {len(ages)} rows of conversions, got shape {counts.shape}")
    if edges.shape != (counts.shape[1] + 1,) or edges[0] != 0 or not (np.diff(edges) > 0).all():
        raise ValueError(
            f"expected {counts.shape[1] + 1} edges ascending from 0, got {edges.tolist()}"
        )
    if not (counts >= 0).all():
        raise ValueError(f"expected conversions >= 0, got {counts.tolist()}")
    is_seen = ages[:, np.newaxis] >= edges[1:]
    in_bucket = (counts * is_seen).sum(axis=0)
    until_end = (np.cumsum(counts, axis=1) * is_seen).sum(axis=0)
    told = np.flatnonzero(until_end >= _LEAST_CONVERSIONS)
    if not len(told):
        return None
    last = int(told[-1])
    before_end = 1 - np.divide(
        in_bucket, until_end, out=np.zeros_like(in_bucket), where=until_end > 0
    )
    before_end[last + 1 :] = 1.0
    shares = np.ones(len(edges))
    shares[:-1] = np.cumprod(before_end[::-1])[::-1]
    shares[0] = 0.0
    return DelayCurve(edges, shares)


def row_shares(
    youngest_ms: ArrayLike,
    oldest_ms: ArrayLike,
    *,
    window_ms: int,
    curve: DelayCurve | None,
    half_life_ms: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how much the units of each row count in a posterior, and how much their outcomes.

    Units count as G(age), the share of outcomes that has arrived, with a row's units spread
    evenly over its life and G the curve; outcomes count in full, since they are those that
    arrived. Without a curve, mature rows count in full and others not at all. Where rates drift,
    both count half after each half-life (Garivier & Moulines 2011, discounted UCB; here applied
    to the counts of a posterior).

    Args:
        youngest_ms: Age of each row's last unit, shape (J,); before that moment it counts as 0.
        oldest_ms: Age of each row's first unit, shape (J,).
        window_ms: The goal's attribution window.
        curve: What `delay_curve` learnt, or None.
        half_life_ms: The half-life, > 0; None for no discount.

    Returns:
        Shares in [0, 1] of units and of outcomes, each of shape (J,).
    """
    youngest = np.maximum(np.asarray(youngest_ms, dtype=np.float64), 0.0)
    oldest = np.maximum(np.asarray(oldest_ms, dtype=np.float64), youngest)
    if curve is None:
        outcomes = units = (youngest >= window_ms).astype(np.float64)
    else:
        outcomes, units = np.ones_like(youngest), curve.mean_arrived(youngest, oldest)
    if half_life_ms is not None:
        discount = np.exp2(-youngest / half_life_ms)
        outcomes, units = discount * outcomes, discount * units
    return units, outcomes
