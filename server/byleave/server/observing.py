"""What the allocator looks at: every unit of a run so far, fresh ones counted for less.

A unit whose window is still open may reach the goal yet. It counts as the share of conversions
that have arrived by its age, learnt from rows whose windows are over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, func, select

from byleave.experiments.allocation import DelayCurve, corrected_totals, delay_curve
from byleave.experiments.definitions import GoalKind
from byleave.server import schema
from byleave.server.learning import DELAY_BUCKETS, EVERYONE, window_ms
from byleave.server.rows import GRACE_MS
from byleave.server.runs import measured
from byleave.server.sites import Site

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of the arms of a cell, over all rows of the run; arrays of shape (K,).

    Attributes:
        arms: The arms.
        enrolled: Units, each counted in full.
        units: Units as the posterior counts them, fresh ones for less.
        reached: How many of those reached the goal.
        totals: The goal's sum over them.
        squares: The sum of its squares.
    """

    arms: tuple[str, ...]
    enrolled: Array
    units: Array
    reached: Array
    totals: Array
    squares: Array

    def inputs(self, method: str) -> dict[str, Any]:
        """Return the figures as plain data, to be kept with the weights that follow from them."""
        names = ("enrolled", "units", "reached", "totals", "squares")
        figures = {name: getattr(self, name).tolist() for name in names}
        return {"method": method, "arms": list(self.arms), **figures}


class Observation:
    """The sums of a run for the goal that its allocation learns from, as of one moment."""

    def __init__(self, connection: Connection, site: Site, run: Row[Any], *, now_ms: int) -> None:
        """Read the sums of each row and arm, and how long conversions take."""
        fixed = measured(run)
        self._goal = fixed.goals[fixed.experiment.allocate.goal]
        self._now_ms = now_ms
        rows, stats = schema.allocations.c, schema.stratum_stats.c
        self._parts: Sequence[Any] = connection.execute(
            select(
                rows.allocation,
                rows.cell,
                rows.opened_ms,
                rows.closed_ms,
                stats.arm,
                stats.units,
                stats.reached,
                stats.total,
                stats.squares,
            )
            .join_from(
                schema.allocations,
                schema.stratum_stats,
                (stats.site == rows.site) & (stats.stratum == rows.allocation),
            )
            .where(
                rows.site == site.key,
                rows.run == run.run,
                stats.goal == fixed.experiment.allocate.goal,
                stats.segment == EVERYONE,
            )
            .order_by(rows.sequence)
        ).all()
        self._curve = self._learn_curve(connection, site, run, fixed.experiment.allocate.goal)

    def of_cell(self, cell: str, arms: tuple[str, ...]) -> Seen:
        """Return what was seen of the arms of a cell."""
        parts = [part for part in self._parts if part.cell == cell and part.arm in arms]
        row_of = {name: j for j, name in enumerate(dict.fromkeys(p.allocation for p in parts))}
        figures = np.zeros((4, len(row_of), len(arms)))
        ages = np.zeros((2, len(row_of)))
        for part in parts:
            j = row_of[part.allocation]
            closed_ms = self._now_ms if part.closed_ms is None else part.closed_ms
            ages[:, j] = self._now_ms - closed_ms, self._now_ms - part.opened_ms
            values = (part.units, part.reached, part.total, part.squares)
            figures[:, j, arms.index(part.arm)] = values
        units, reached, totals, squares = figures

        def corrected(values: Array) -> tuple[Array, Array]:
            return corrected_totals(
                units,
                values,
                youngest_ms=np.maximum(ages[0], 0.0),
                oldest_ms=np.maximum(ages[1], 0.0),
                window_ms=window_ms(self._goal),
                curve=self._curve,
            )

        counted, arrived = corrected(totals)
        return Seen(
            arms=arms,
            enrolled=units.sum(axis=0),
            units=counted,
            reached=corrected(reached)[1],
            totals=arrived,
            squares=corrected(squares)[1],
        )

    def _learn_curve(
        self, connection: Connection, site: Site, run: Row[Any], goal: str
    ) -> DelayCurve | None:
        """Return how conversions spread over their window; None where that is not known yet.

        Only whether a unit converts is corrected this way: what it spends grows for longer.
        """
        if self._goal.kind is not GoalKind.CONVERSION:
            return None
        window = window_ms(self._goal)
        rows, delays = schema.allocations.c, schema.delay_stats.c
        statement = (
            select(delays.bucket, func.sum(delays.units).label("units"))
            .join_from(
                schema.allocations,
                schema.delay_stats,
                (delays.site == rows.site) & (delays.stratum == rows.allocation),
            )
            .where(
                rows.site == site.key,
                rows.run == run.run,
                rows.closed_ms <= self._now_ms - GRACE_MS - window,
                delays.goal == goal,
            )
            .group_by(delays.bucket)
        )
        counts = np.zeros(DELAY_BUCKETS)
        for row in connection.execute(statement):
            counts[row.bucket] = row.units
        edges = window * (np.arange(DELAY_BUCKETS + 1) / DELAY_BUCKETS) ** 2
        return delay_curve(counts, edges_ms=edges)
