"""The sums of one run, read from the store and laid out for the estimators.

Reports rest on mature rows: those that nobody can be drawn from any more, and whose last unit
has had the whole window of the goal. Whoever is enrolled later is not in them yet, in any arm.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, select

from byleave.experiments import CONTROL, HOLDOUT
from byleave.experiments.lift import Group, Strata
from byleave.server import schema
from byleave.server.learning import EVERYONE, holdout_hour_end_ms, holdout_stratum, window_ms
from byleave.server.rows import last_draw_ms, weights_of
from byleave.server.runs import measured
from byleave.server.sites import Site

_BySource = Mapping[tuple[str, str], Row[Any]]


class RunSums:
    """What is kept of one run.

    Attributes:
        run: The run's row of the store.
        fixed: What the run holds fixed.
        arms: Its arms, the control first, then by name: the columns of all arrays.
        rows: Its allocation rows, oldest first.
    """

    def __init__(self, connection: Connection, site: Site, run: Row[Any], *, now_ms: int) -> None:
        """Read the run's rows; sums are read when they are asked for."""
        table = schema.allocations.c
        self.run = run
        self.fixed = measured(run)
        self.arms = (CONTROL, *sorted(set(self.fixed.experiment.variants) - {CONTROL}))
        self.rows: Sequence[Row[Any]] = connection.execute(
            select(schema.allocations)
            .where(table.site == site.key, table.run == run.run)
            .order_by(table.opened_ms, table.cell_index)
        ).all()
        self._connection = connection
        self._site = site
        self._now_ms = now_ms

    def mature(self, goal: str) -> list[Row[Any]]:
        """Return the rows that are mature for a goal, oldest first."""
        window = window_ms(self.fixed.goals[goal])
        return [
            row
            for row in self.rows
            if row.closed_ms is not None and self._now_ms >= last_draw_ms(row) + window
        ]

    def mature_until_ms(self, goal: str) -> int | None:
        """Return the moment before which all rows are mature; None before the first one is."""
        mature = self.mature(goal)
        if not mature:
            return None
        known = {row.allocation for row in mature}
        waiting = [row.opened_ms for row in self.rows if row.allocation not in known]
        return int(min(waiting, default=max(row.closed_ms for row in mature)))

    def enrolled(self, goal: str) -> int:
        """Return how many units were enrolled so far, mature or not, the holdout apart."""
        return sum(row.units for row in self._read(schema.stratum_stats, goal).values())

    def strata(self, goal: str, segment: str = EVERYONE) -> Strata:
        """Return the sums of mature rows for a goal and a reporting segment."""
        rows = self.mature(goal)
        found = self._read(schema.stratum_stats, goal, segment)
        counts = self._column(rows, found, "units")
        # Corrections leave rounding errors behind that no sum of values has.
        reached = self._column(rows, found, "reached") > 0
        totals = np.where(reached, self._column(rows, found, "total"), 0.0)
        least = totals**2 / np.maximum(counts, 1.0)
        squares = np.where(reached, np.maximum(self._column(rows, found, "squares"), least), 0.0)
        weights = [[weights_of(row).get(arm, 0.0) for arm in self.arms] for row in rows]
        return Strata(
            counts=counts,
            sums=totals,
            squares=squares,
            propensities=np.array(weights).reshape(counts.shape),
        )

    def withdrawn(self, goal: str, segment: str = EVERYONE) -> NDArray[np.float64]:
        """Return how many units of each mature row and arm were erased, shaped like `strata`."""
        return self._column(self.mature(goal), self._read(schema.ledger, goal, segment), "units")

    def against_holdout(self, goal: str) -> tuple[Group, Group] | None:
        """Return everything personalised and the holdout, for the same time; None when too few.

        Both hold whoever came in before the moment up to which all is mature.
        """
        until_ms = self.mature_until_ms(goal)
        if until_ms is None:
            return None
        before = {
            row.allocation for row in self.rows if row.closed_ms and row.closed_ms <= until_ms
        }
        personalised = [
            row
            for (stratum, _), row in self._read(schema.stratum_stats, goal).items()
            if stratum in before
        ]
        return _groups(personalised, self._held_out(goal, until_ms=until_ms))

    def _held_out(self, goal: str, *, until_ms: int) -> list[Row[Any]]:
        stats = schema.stratum_stats.c
        first, last = (
            holdout_stratum(self.run.run, at_ms) for at_ms in (self.run.started_ms, until_ms)
        )
        statement = select(schema.stratum_stats).where(
            stats.site == self._site.key,
            stats.stratum.between(first, last),
            stats.arm == HOLDOUT,
            stats.goal == goal,
            stats.segment == EVERYONE,
        )
        rows = self._connection.execute(statement).all()
        return [row for row in rows if holdout_hour_end_ms(row.stratum) <= until_ms]

    def _read(self, table: Any, goal: str, segment: str = EVERYONE) -> _BySource:
        """Return the sums of a goal and segment by allocation row and arm."""
        stats, rows = table.c, schema.allocations.c
        statement = (
            select(table)
            .join_from(
                schema.allocations,
                table,
                (stats.site == rows.site) & (stats.stratum == rows.allocation),
            )
            .where(
                rows.site == self._site.key,
                rows.run == self.run.run,
                stats.goal == goal,
                stats.segment == segment,
            )
        )
        return {(row.stratum, row.arm): row for row in self._connection.execute(statement)}

    def _column(self, rows: Sequence[Row[Any]], found: _BySource, name: str) -> NDArray[np.float64]:
        """Return one figure per row and arm, shape (J, K), 0 where nothing was seen."""
        figures = [
            [getattr(found.get((row.allocation, arm)), name, 0.0) for arm in self.arms]
            for row in rows
        ]
        return np.array(figures, dtype=np.float64).reshape(len(rows), len(self.arms))


def _groups(
    personalised: Iterable[Row[Any]], held_out: Iterable[Row[Any]]
) -> tuple[Group, Group] | None:
    groups = []
    for rows in (list(personalised), list(held_out)):
        units, total, squares = (
            float(sum(getattr(row, name) for row in rows)) for name in ("units", "total", "squares")
        )
        if units < 2:
            return None
        groups.append(Group(units, total, max(squares, total**2 / units)))
    return groups[0], groups[1]
