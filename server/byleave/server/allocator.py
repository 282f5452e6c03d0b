"""The allocator: from what was learned to the weights of the next allocation rows.

A row is replaced once it is at least an epoch old and every arm expects 10 units in it, and in
any case after 24 hours. Fixed weights, and those of the warm-up, stay the same from row to row;
such rows are replaced after 24 hours only, so that strata do not become needlessly thin.
"""

from collections.abc import Mapping
from typing import Any, Final

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
from byleave.server.observing import Observation
from byleave.server.rows import LONGEST_MS, NewRow, weights_of
from byleave.server.runs import Measured, live_runs, measured
from byleave.server.sites import Site

_LEAST_EXPECTED: Final = 10
_LEAST_ORDERS: Final = 40


def due_rows(connection: Connection, site: Site, *, now_ms: int) -> list[NewRow]:
    """Return a successor for every allocation row whose time has come.

    This only reads. Publishing them is another, short transaction, so that events need not wait
    for the computation.
    """
    return [
        row
        for run in live_runs(connection, site)
        for row in _successors(connection, site, run, now_ms=now_ms)
    ]


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
    observation = Observation(connection, site, run, now_ms=now_ms)
    successors = []
    for row in ripe:
        in_force = weights_of(row)
        inputs, weights = _weights(
            fixed, observation, row.cell, in_force=in_force, age_ms=now_ms - run.started_ms
        )
        if weights != in_force or now_ms - row.opened_ms >= LONGEST_MS:
            successors.append(
                NewRow(
                    run=run.run,
                    sequence=last + 1,
                    index=row.cell_index,
                    cell=row.cell,
                    weights=weights,
                    inputs=inputs,
                    follows=row.allocation,
                )
            )
    return successors


def _weights(
    fixed: Measured,
    observation: Observation,
    cell: str,
    *,
    in_force: Mapping[str, float],
    age_ms: int,
) -> tuple[dict[str, Any], dict[str, float]]:
    """Return what the next weights of a cell follow from, and the weights."""
    allocate, arms = fixed.experiment.allocate, tuple(in_force)
    if allocate.policy is Policy.FIXED:
        return {"method": "fixed"}, dict(in_force)
    goal = fixed.goals[allocate.goal]
    seen = observation.of_cell(cell, arms)
    lacks_orders = goal.kind is not GoalKind.CONVERSION and seen.reached.min() < _LEAST_ORDERS
    if lacks_orders or is_warming_up(seen.enrolled, age_ms=age_ms):
        weights = equal_weights(len(arms)).tolist()
        return seen.inputs("warm-up"), dict(zip(arms, weights, strict=True))
    posterior: Posterior
    if goal.kind is GoalKind.CONVERSION:
        posterior = beta_posterior(seen.totals, seen.units)
    else:
        posterior = normal_posterior(seen.units, seen.totals, seen.squares)
    kept = floors(
        len(arms),
        control=arms.index(CONTROL),
        control_floor=allocate.control,
        arm_floor=allocate.floor,
    )
    best = compare_arms(posterior, better=goal.better).best
    weights = thompson_weights(best, floors=kept).tolist()
    return seen.inputs("thompson"), dict(zip(arms, weights, strict=True))


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
