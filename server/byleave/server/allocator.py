"""The allocator: from what was learned to the weights of the next allocation rows.

The rule itself, when a row is replaced and by what weights, is that of
`byleave.experiments.allocation`; here it meets the store.
"""

from typing import Any

from sqlalchemy import Connection, Row, func, select

from byleave.experiments.allocation import (
    Method,
    Step,
    evidence,
    is_replaced,
    is_ripe,
    next_weights,
)
from byleave.segments import plain
from byleave.server import schema
from byleave.server.freezing import frozen_runs
from byleave.server.learning import EVERYONE
from byleave.server.observing import observe_run, site_rate
from byleave.server.rows import NewRow, weights_of
from byleave.server.runs import Measured, measured, readable_runs
from byleave.server.sites import Site, next_number


def due_rows(connection: Connection, site: Site, *, now_ms: int) -> list[NewRow]:
    """Return a successor for every allocation row whose time has come.

    This only reads. Publishing them is another, short transaction, so that events need not wait
    for the computation.
    """
    frozen = frozen_runs(connection, site)
    return [
        row
        for run in readable_runs(connection, site)
        for row in _successors(connection, site, run, is_frozen=run.run in frozen, now_ms=now_ms)
    ]


def _successors(
    connection: Connection, site: Site, run: Row[Any], *, is_frozen: bool, now_ms: int
) -> list[NewRow]:
    fixed = measured(run)
    allocate = fixed.experiment.allocate
    goal = fixed.goals[allocate.goal]
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
        if is_ripe(
            list(weights_of(row).values()),
            units=_units_of(connection, site, row, fixed),
            age_ms=now_ms - row.opened_ms,
            epoch_ms=allocate.epoch,
        )
    ]
    if not ripe:
        return []
    last = connection.execute(select(func.max(rows.sequence)).where(*of_run)).scalar_one()
    observed = observe_run(
        connection, site, run, fixed, cells=[row.cell for row in open_now], now_ms=now_ms
    )
    rate = site_rate(connection, site, run, fixed, now_ms=now_ms)
    successors = []
    for row in ripe:
        before = weights_of(row)
        seen = evidence(
            observed,
            row.cell,
            goal=goal,
            before=before,
            age_ms=now_ms - run.started_ms,
            site_rate=rate,
        )
        step = Step(Method.FROZEN, before) if is_frozen else next_weights(allocate, goal, seen)
        if is_replaced(before, step.weights, age_ms=now_ms - row.opened_ms):
            successors.append(
                NewRow(
                    run=run.run,
                    sequence=next_number(connection, site.key, last),
                    index=row.cell_index,
                    cell=row.cell,
                    weights=step.weights,
                    inputs={"method": step.method} | plain(seen),
                    follows=row.allocation,
                )
            )
    return successors


def _units_of(connection: Connection, site: Site, row: Row[Any], fixed: Measured) -> int:
    stats = schema.stratum_stats.c
    units = connection.execute(
        select(func.sum(stats.units)).where(
            stats.site == site.key,
            stats.run == row.run,
            stats.stratum == row.allocation,
            stats.goal == fixed.experiment.allocate.goal,
            stats.segment == EVERYONE,
        )
    ).scalar_one()
    return int(units or 0)
