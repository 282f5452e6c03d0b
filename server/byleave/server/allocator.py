"""The allocator: from what was learned to the weights of the next allocation rows.

A row is replaced once it is at least an epoch old and every arm expects 10 units in it, and in
any case after 24 hours. Fixed weights, and those of the warm-up, stay the same from row to row;
such rows are replaced after 24 hours only, so that strata do not become needlessly thin.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, func, select

from byleave.experiments import CONTROL
from byleave.experiments.allocation import (
    Posterior,
    beta_posterior,
    compare_arms,
    equal_weights,
    floors,
    is_warming_up,
    normal_posterior,
    thompson_weights,
)
from byleave.experiments.definitions import GoalKind, Policy
from byleave.server import schema
from byleave.server.learning import EVERYONE
from byleave.server.publishing import Measured, live_runs, measured, next_version
from byleave.server.rows import LONGEST_MS, NewRow, open_rows, weights_of
from byleave.server.sites import Site

_LEAST_EXPECTED: Final = 10
_LEAST_ORDERS: Final = 40


def tick(connection: Connection, site: Site, *, now_ms: int) -> bool:
    """Replace every allocation row whose time has come, as one publication.

    Returns:
        Whether there was one.
    """
    new = [
        row
        for run in live_runs(connection, site)
        for row in _successors(connection, site, run, now_ms=now_ms)
    ]
    if new:
        open_rows(connection, site.key, new, now_ms=now_ms)
        next_version(connection, site, now_ms=now_ms)
    return bool(new)


@dataclass(frozen=True, slots=True)
class _Observed:
    """What was observed of a cell's arms so far, over all rows of the run; arrays of shape (K,)."""

    arms: tuple[str, ...]
    units: NDArray[np.float64]
    reached: NDArray[np.float64]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def of(cls, arms: tuple[str, ...], rows: Mapping[str, Any]) -> "_Observed":
        """Take the figures of some arms from rows of the store; no row means zero."""

        def column(name: str) -> NDArray[np.float64]:
            return np.array([getattr(rows[a], name) if a in rows else 0.0 for a in arms], float)

        return cls(arms, *map(column, ("units", "reached", "total", "squares")))

    def by_arm(self, weights: NDArray[np.float64]) -> dict[str, float]:
        """Return weights by the arms they belong to."""
        return dict(zip(self.arms, weights.tolist(), strict=True))

    def plain(self) -> dict[str, Any]:
        """Return the figures as JSON-able data, to be kept beside what follows from them."""
        columns = {name: getattr(self, name) for name in ("units", "reached", "sums", "squares")}
        return {"arms": list(self.arms)} | {name: c.tolist() for name, c in columns.items()}


def _successors(connection: Connection, site: Site, run: Row[Any], *, now_ms: int) -> list[NewRow]:
    fixed = measured(run)
    rows = schema.allocations.c
    of_run = (rows.site == site.key, rows.run == run.run)
    open_now = connection.execute(
        select(schema.allocations)
        .where(*of_run, rows.closed_ms.is_(None))
        .order_by(rows.cell_index)
    ).all()
    ripe = [
        row
        for row in open_now
        if _is_ripe(row, fixed, units=_units_of(connection, site, row, fixed), now_ms=now_ms)
    ]
    if not ripe:
        return []
    last = connection.execute(select(func.max(rows.sequence)).where(*of_run)).scalar_one()
    observed = _observed(connection, site, run.run, goal=fixed.experiment.allocate.goal)
    successors = []
    for row in ripe:
        seen = _Observed.of(tuple(weights_of(row)), observed.get(row.cell, {}))
        method, weights = _weights(
            fixed, seen, in_force=weights_of(row), age_ms=now_ms - run.started_ms
        )
        if weights != weights_of(row) or now_ms - row.opened_ms >= LONGEST_MS:
            successors.append(
                NewRow(
                    run=run.run,
                    sequence=last + 1,
                    index=row.cell_index,
                    cell=row.cell,
                    weights=weights,
                    inputs={"method": method} | seen.plain(),
                )
            )
    return successors


def _weights(
    fixed: Measured, seen: _Observed, *, in_force: Mapping[str, float], age_ms: int
) -> tuple[str, dict[str, float]]:
    """Return how the next weights of a cell come about, and what they are."""
    allocate = fixed.experiment.allocate
    if allocate.policy is Policy.FIXED:
        return "fixed", dict(in_force)
    if is_warming_up(seen.units, age_ms=age_ms):
        return "warm-up", seen.by_arm(equal_weights(len(seen.arms)))
    goal = fixed.goals[allocate.goal]
    posterior: Posterior
    if goal.kind is GoalKind.CONVERSION:
        posterior = beta_posterior(seen.sums, seen.units)
    elif seen.reached.min() < _LEAST_ORDERS:
        return "warm-up", seen.by_arm(equal_weights(len(seen.arms)))
    else:
        posterior = normal_posterior(seen.units, seen.sums, seen.squares)
    kept = floors(
        len(seen.arms),
        control=seen.arms.index(CONTROL),
        control_floor=allocate.control,
        arm_floor=allocate.floor,
    )
    best = compare_arms(posterior, better=goal.better).best
    return "thompson", seen.by_arm(thompson_weights(best, floors=kept))


def _is_ripe(row: Row[Any], fixed: Measured, *, units: int, now_ms: int) -> bool:
    age_ms = now_ms - row.opened_ms
    if age_ms >= LONGEST_MS:
        return True
    least = min(weights_of(row).values())
    return age_ms >= fixed.experiment.allocate.epoch and units * least >= _LEAST_EXPECTED


def _units_of(connection: Connection, site: Site, row: Row[Any], fixed: Measured) -> int:
    stats = schema.stratum_stats.c
    units = connection.execute(
        select(func.sum(stats.units)).where(
            stats.site == site.key,
            stats.stratum == row.allocation,
            stats.goal == fixed.experiment.allocate.goal,
            stats.segment == EVERYONE,
        )
    ).scalar_one()
    return int(units or 0)


def _observed(
    connection: Connection, site: Site, run: str, *, goal: str
) -> dict[str, dict[str, Any]]:
    """Return the sums over all rows of a run so far, by cell and arm."""
    stats, rows = schema.stratum_stats.c, schema.allocations.c
    statement = (
        select(
            rows.cell,
            stats.arm,
            func.sum(stats.units).label("units"),
            func.sum(stats.reached).label("reached"),
            func.sum(stats.total).label("total"),
            func.sum(stats.squares).label("squares"),
        )
        .join_from(
            schema.allocations,
            schema.stratum_stats,
            (stats.site == rows.site) & (stats.stratum == rows.allocation),
        )
        .where(
            rows.site == site.key, rows.run == run, stats.goal == goal, stats.segment == EVERYONE
        )
        .group_by(rows.cell, stats.arm)
    )
    found: dict[str, dict[str, Any]] = {}
    for row in connection.execute(statement):
        found.setdefault(row.cell, {})[row.arm] = row
    return found
