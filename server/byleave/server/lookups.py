"""A decision that was made: looked up by its receipt, and drawn again from what was kept."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from byleave.experiments import Definitions
from byleave.experiments.replay import LoggedAssignment, Replay, replay
from byleave.sdk.receipts import Receipt
from byleave.server import schema
from byleave.server.replaying import kept_run
from byleave.server.runs import measured
from byleave.server.sites import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnArm:
    """One arm that a receipt names.

    Attributes:
        experiment: The experiment.
        run: Its run.
        unit: What it randomises, `visitor` or `view`.
        arm: The arm.
        allocation: The row that the arm was drawn from.
        cell: The row's cell.
        weights: The propensity of each arm in that row.
        opened_ms: Since when the row is in force.
        closed_ms: Until when it was; None where it still is.
        replay: What drawing it again came to; None where the visitor is not known.
    """

    experiment: str
    run: str
    unit: str
    arm: str
    allocation: str
    cell: str
    weights: Mapping[str, float]
    opened_ms: int
    closed_ms: int | None
    replay: Replay | None


def look_up(
    connection: Connection,
    site: Site,
    definitions: Definitions,
    receipt: Receipt,
    *,
    visitor: str = "",
) -> list[DrawnArm]:
    """Return the arms that a receipt names, each drawn again where its unit is known.

    Args:
        connection: The store.
        site: The site.
        definitions: Those in force, for the time zones of schedules.
        receipt: The receipt.
        visitor: The visitor's id, which no receipt has; empty where it is not known.
    """
    return [
        drawn
        for allocation, index in receipt.arms
        if (drawn := _drawn(connection, site, definitions, receipt, allocation, index, visitor))
    ]


def _drawn(
    connection: Connection,
    site: Site,
    definitions: Definitions,
    receipt: Receipt,
    allocation: str,
    index: int,
    visitor: str,
) -> DrawnArm | None:
    rows, runs, units = schema.allocations.c, schema.runs.c, schema.enrolments.c
    run = connection.execute(
        select(schema.runs)
        .join(schema.allocations, (rows.site == runs.site) & (rows.run == runs.run))
        .where(rows.site == site.key, rows.allocation == allocation)
    ).first()
    if run is None:
        return None
    fixed = measured(run)
    kept = kept_run(connection, site, run, fixed, definitions)
    row = next(each for each in kept.rows if each.id == allocation)
    arm = [*fixed.experiment.variants][index]
    is_view = fixed.experiment.unit == "view"
    unit = receipt.decision if is_view else visitor
    assigned_ms = receipt.at_ms if is_view else None
    if unit and not is_view:
        assigned_ms = connection.execute(
            select(units.assigned_ms).where(
                units.site == site.key, units.unit == unit, units.run == run.run
            )
        ).scalar()
    again = None
    if assigned_ms is not None:
        logged = LoggedAssignment(
            id=receipt.decision,
            unit=unit,
            allocation=allocation,
            arm=arm,
            assigned_ms=assigned_ms,
        )
        again = replay(kept, [logged], since_ms=row.opened_ms, until_ms=assigned_ms + 1)
    return DrawnArm(
        experiment=run.experiment,
        run=run.run,
        unit=fixed.experiment.unit,
        arm=arm,
        allocation=allocation,
        cell=row.cell,
        weights=row.weights,
        opened_ms=row.opened_ms,
        closed_ms=row.closed_ms,
        replay=again,
    )
