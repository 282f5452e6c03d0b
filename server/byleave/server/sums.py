"""The sums of one run, read from the store and laid out for the estimators.

Reports rest on mature rows: those that nobody can be drawn from any more, and whose last unit
has had the whole window of the goal. Whoever is enrolled later is not in them yet, in any arm.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, Table, select

from byleave.experiments import CONTROL, HOLDOUT
from byleave.experiments.lift import Group, Strata
from byleave.server import schema
from byleave.server.learning import EVERYONE, HOUR_MS, holdout_hour_end_ms, window_ms
from byleave.server.rows import last_draw_ms, weights_of
from byleave.server.runs import measured
from byleave.server.sites import Site

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstHoldout:
    """Everything personalised and the holdout, for the same time.

    Attributes:
        personalised: Those who may be personalised.
        holdout: Those who never are, of the hours that lie wholly in that time.
        holdout_range: The least and the most units that were held out in that time.
    """

    personalised: Group
    holdout: Group
    holdout_range: tuple[float, float]


class RunSums:
    """What is kept of one run.

    Attributes:
        run: The run's row of the store.
        fixed: What the run holds fixed.
        arms: Its arms, the control first, then by name: the columns of all arrays.
        rows: Its allocation rows, oldest first: the rows of all arrays.
        weights: The weights of each row by arm.
        closed_ms: When each row was closed; None where it was open then.
        now_ms: The moment of which all of it is.
    """

    def __init__(
        self,
        connection: Connection,
        site: Site,
        run: Row[Any],
        *,
        now_ms: int,
        is_past: bool = False,
    ) -> None:
        """Read everything at once, as of one moment.

        What has matured changes no more but by corrections, so a moment that is past is read
        from the same sums: by the rows that were there, and that were mature then.
        """
        table = schema.allocations.c
        self.run = run
        self.fixed = measured(run)
        self.arms = (CONTROL, *sorted(set(self.fixed.experiment.variants) - {CONTROL}))
        self.rows: Sequence[Row[Any]] = connection.execute(
            select(schema.allocations)
            .where(table.site == site.key, table.run == run.run, table.opened_ms <= now_ms)
            .order_by(table.opened_ms, table.cell_index)
        ).all()
        self.weights = [weights_of(row) for row in self.rows]
        self.closed_ms = [
            row.closed_ms if row.closed_ms is not None and row.closed_ms <= now_ms else None
            for row in self.rows
        ]
        self._is_counted = [not is_past or closed is not None for closed in self.closed_ms]
        # What is open can be drawn from, and so cannot be mature.
        self._last_draws_ms = np.array(
            [
                np.inf if closed is None else last_draw_ms(row)
                for row, closed in zip(self.rows, self.closed_ms, strict=True)
            ]
        )
        self.now_ms = now_ms
        self._figures, held_out = self._read(connection, site, schema.stratum_stats)
        self._erased, _ = self._read(connection, site, schema.ledger)
        self._held_out = held_out

    @property
    def has_comparison(self) -> bool:
        """Whether any row divides units between the control and another arm."""
        return any(0 < weights.get(CONTROL, 0.0) < 1 for weights in self.weights)

    def mature(self, goal: str) -> NDArray[np.bool_]:
        """Return which rows are mature for a goal, shape (J,)."""
        return np.asarray(self.matured_ms(goal) <= self.now_ms)

    def matured_ms(self, goal: str) -> Array:
        """Return when each row is mature for a goal, shape (J,); never while it is open."""
        return np.asarray(self._last_draws_ms + window_ms(self.fixed.goals[goal]))

    def units(self, goal: str, segment: str) -> Array:
        """Return how many units each row and arm enrolled, mature or not, shape (J, K)."""
        return np.asarray(self._figures[goal, segment][0])

    def mature_until_ms(self, goal: str) -> int | None:
        """Return the moment before which all rows are mature; None before the first one is."""
        mature = self.mature(goal)
        if not mature.any():
            return None
        opened = [
            row.opened_ms for row, is_mature in zip(self.rows, mature, strict=True) if not is_mature
        ]
        return int(min(opened, default=max(each for each in self.closed_ms if each is not None)))

    def enrolled(self, goal: str) -> int:
        """Return how many units were enrolled so far, mature or not, the holdout apart.

        Of a moment that is past, those of the rows that were closed by then.
        """
        return round(float(self.units(goal, EVERYONE)[self._is_counted].sum()))

    def strata(self, goal: str, segment: str = EVERYONE) -> Strata:
        """Return the sums of mature rows for a goal and a reporting segment."""
        mature = self.mature(goal)
        counts, reached, totals, squares = self._figures[goal, segment][:, mature]
        # Corrections leave rounding errors behind that no sum of values has.
        totals = np.where(reached > 0, totals, 0.0)
        least = totals**2 / np.maximum(counts, 1.0)
        return Strata(
            counts=counts,
            sums=totals,
            squares=np.where(reached > 0, np.maximum(squares, least), 0.0),
            propensities=self._propensities[mature],
        )

    def withdrawn(self, goal: str, segment: str = EVERYONE) -> Array:
        """Return how many units of each mature row and arm were erased, shaped like `strata`."""
        return np.asarray(self._erased[goal, segment][0][self.mature(goal)])

    @property
    def has_holdout(self) -> bool:
        """Whether anyone was held out."""
        return bool(self._held_out)

    def against_holdout(self, goal: str, *, since_ms: int) -> AgainstHoldout | None:
        """Return everything personalised and the holdout, for the same time; None when too few.

        Both hold whoever came in before the moment up to which all is mature.

        Args:
            goal: The goal's key.
            since_ms: Leaves out the rows that opened earlier.
        """
        until_ms = self.mature_until_ms(goal)
        if until_ms is None:
            return None
        is_in = [
            since_ms <= row.opened_ms and closed is not None and closed <= until_ms
            for row, closed in zip(self.rows, self.closed_ms, strict=True)
        ]
        opened = [row.opened_ms for row, counts in zip(self.rows, is_in, strict=True) if counts]
        if not opened:
            return None
        personalised = self._figures[goal, EVERYONE][:, is_in].sum(axis=(1, 2))
        # Nobody came to a run before it began, so its first hour is whole.
        first_ms = min(opened) if min(opened) > self.run.started_ms else 0
        inside, touching = [], []
        for stratum, figures in self._held_out[goal]:
            end_ms = holdout_hour_end_ms(stratum)
            if end_ms - HOUR_MS >= first_ms and end_ms <= until_ms:
                inside.append(figures)
            elif end_ms > first_ms and end_ms - HOUR_MS < until_ms:
                touching.append(figures[0])
        held_out = np.array(inside).reshape(-1, 4).sum(axis=0)
        if min(personalised[0], held_out[0]) < 2:
            return None
        return AgainstHoldout(
            personalised=_group(personalised),
            holdout=_group(held_out),
            holdout_range=(float(held_out[0]), float(held_out[0] + sum(touching))),
        )

    @cached_property
    def _propensities(self) -> Array:
        table = [[weights.get(arm, 0.0) for arm in self.arms] for weights in self.weights]
        return np.array(table).reshape(len(self.rows), len(self.arms))

    def _read(
        self, connection: Connection, site: Site, table: Table
    ) -> tuple[dict[tuple[str, str], Array], dict[str, list[tuple[str, list[float]]]]]:
        """Return units, units that reached the goal, sums and squares.

        The first are arrays of shape (4, J, K) by goal and segment. The second are those of the
        holdout for everyone, by goal, with the stratum of each hour.
        """
        stats = table.c
        statement = select(
            stats.stratum,
            stats.arm,
            stats.goal,
            stats.segment,
            stats.units,
            stats.reached,
            stats.total,
            stats.squares,
        ).where(stats.site == site.key, stats.run == self.run.run)
        row_of = {row.allocation: j for j, row in enumerate(self.rows)}
        arm_of = {arm: k for k, arm in enumerate(self.arms)}
        shape = (4, len(row_of), len(arm_of))
        found: defaultdict[tuple[str, str], list[tuple[float, ...]]] = defaultdict(list)
        held_out: defaultdict[str, list[tuple[str, list[float]]]] = defaultdict(list)
        for stratum, arm, goal, segment, *values in connection.execute(statement).all():
            j = row_of.get(stratum)
            if j is not None:
                found[goal, segment].append((j, arm_of[arm], *values))
            elif arm == HOLDOUT and segment == EVERYONE:
                held_out[goal].append((stratum, values))
        figures: defaultdict[tuple[str, str], Array] = defaultdict(lambda: np.zeros(shape))
        for place, entries in found.items():
            # One assignment for all: row by row it takes longer than all estimators together.
            columns = np.array(entries).T
            j, k = columns[:2].astype(int)
            figures[place][:, j, k] = columns[2:]
        return figures, held_out


def _group(figures: Array) -> Group:
    units, _, total, squares = figures.tolist()
    return Group(units, total, max(squares, total**2 / units))
