"""What the allocator looks at: every unit of a run so far, fresh ones counted for less.

A unit whose window is still open may reach the goal yet. It counts as the share of conversions
that have arrived by its age, learnt from the conversions of rows that are older.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, func, select

from byleave.experiments.allocation import (
    GRACE_MS,
    DelayCurve,
    Observed,
    delay_curve,
    delay_edges,
    observe,
)
from byleave.experiments.cells import remaining_cell
from byleave.experiments.goals import GoalKind
from byleave.server import schema
from byleave.server.learning import DELAY_BUCKETS, EVERYONE, window_ms
from byleave.server.runs import Measured
from byleave.server.sites import Site


def observe_run(
    connection: Connection,
    site: Site,
    run: Row[Any],
    fixed: Measured,
    *,
    cells: Sequence[str],
    now_ms: int,
) -> Observed:
    """Return the sums of a run for the goal that its allocation learns from, as of one moment.

    What a cell saw before arms were retired counts in the cell that is left of it.
    """
    allocate = fixed.experiment.allocate
    arms = sorted(fixed.experiment.variants)
    retired = set(arms).difference(*(cell.partition(":")[2].split("+") for cell in cells))
    parts = parts_of(connection, site, run, allocate.goal)
    place = {name: j for j, name in enumerate(dict.fromkeys(part.allocation for part in parts))}
    figures = np.zeros((4, len(place), len(arms)))
    ages_ms = np.zeros((2, len(place)))
    cell_of_row = dict.fromkeys(place, "")
    for part in parts:
        j = place[part.allocation]
        closed_ms = now_ms if part.closed_ms is None else part.closed_ms
        ages_ms[:, j] = now_ms - closed_ms, now_ms - part.opened_ms
        values = (part.units, part.reached, part.total, part.squares)
        figures[:, j, arms.index(part.arm)] = values
        cell_of_row[part.allocation] = remaining_cell(part.cell, retired)
    return observe(
        dict(zip(("counts", "reached", "sums", "squares"), figures, strict=True)),
        cells=list(dict.fromkeys([*cells, *cell_of_row.values()])),
        arms=arms,
        cell_of_row=list(cell_of_row.values()),
        youngest_ms=ages_ms[0],
        oldest_ms=ages_ms[1],
        window_ms=window_ms(fixed.goals[allocate.goal]),
        curve=_curve(connection, site, run, fixed, now_ms=now_ms),
        half_life_ms=allocate.half_life,
    )


def site_rate(
    connection: Connection, site: Site, run: Row[Any], fixed: Measured, *, now_ms: int
) -> float | None:
    """Return the rate at which the site's earlier runs reached the goal of this name.

    Only rows count whose units have all had the goal's whole window. None where the run's prior
    does not ask for it, or where nothing was reached yet.
    """
    allocate = fixed.experiment.allocate
    if allocate.prior is None or allocate.prior.rate is not None:
        return None
    rows, stats = schema.allocations.c, schema.stratum_stats.c
    last_draw_ms = now_ms - GRACE_MS - window_ms(fixed.goals[allocate.goal])
    units, reached = connection.execute(
        select(func.sum(stats.units), func.sum(stats.reached))
        .join_from(
            schema.allocations,
            schema.stratum_stats,
            (stats.site == rows.site)
            & (stats.run == rows.run)
            & (stats.stratum == rows.allocation),
        )
        .where(
            rows.site == site.key,
            rows.run != run.run,
            rows.closed_ms <= last_draw_ms,
            stats.goal == allocate.goal,
            stats.segment == EVERYONE,
        )
    ).one()
    return float(reached / units) if reached and reached < units else None


class Part(Protocol):
    """The sums of one arm of an allocation row for one goal."""

    allocation: str
    cell: str
    opened_ms: int
    closed_ms: int | None
    arm: str
    units: int
    reached: int
    total: float
    squares: float


def parts_of(connection: Connection, site: Site, run: Row[Any], goal: str) -> Sequence[Part]:
    """Return the sums of each row and arm, the oldest row first."""
    rows, stats = schema.allocations.c, schema.stratum_stats.c
    found: Sequence[Any] = connection.execute(
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
            (stats.site == rows.site)
            & (stats.run == rows.run)
            & (stats.stratum == rows.allocation),
        )
        .where(
            rows.site == site.key,
            rows.run == run.run,
            stats.goal == goal,
            stats.segment == EVERYONE,
        )
        .order_by(rows.sequence)
    ).all()
    return found


def _curve(
    connection: Connection, site: Site, run: Row[Any], fixed: Measured, *, now_ms: int
) -> DelayCurve | None:
    """Return how conversions spread over their window; None where that is not known yet.

    Only whether a unit converts is corrected this way: what it spends grows for longer.
    """
    key = fixed.experiment.allocate.goal
    if fixed.goals[key].kind is not GoalKind.CONVERSION:
        return None
    window = window_ms(fixed.goals[key])
    rows, delays = schema.allocations.c, schema.delay_stats.c
    statement = (
        select(rows.closed_ms, delays.bucket, func.sum(delays.units).label("units"))
        .join_from(
            schema.allocations,
            schema.delay_stats,
            (delays.site == rows.site)
            & (delays.run == rows.run)
            & (delays.stratum == rows.allocation),
        )
        .where(
            rows.site == site.key,
            rows.run == run.run,
            rows.closed_ms <= now_ms,
            delays.goal == key,
        )
        .group_by(rows.closed_ms, delays.bucket)
    )
    by_close: dict[int, NDArray[np.float64]] = {}
    for row in connection.execute(statement):
        by_close.setdefault(row.closed_ms, np.zeros(DELAY_BUCKETS))[row.bucket] = row.units
    return delay_curve(
        np.array([*by_close.values()]).reshape(-1, DELAY_BUCKETS),
        edges_ms=delay_edges(window, buckets=DELAY_BUCKETS),
        youngest_ms=now_ms - np.array([*by_close], dtype=np.float64),
    )
