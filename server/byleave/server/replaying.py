"""Replay of runs: what the store kept of them, handed to `byleave.experiments.replay`."""

import json
from collections.abc import Iterator
from dataclasses import replace
from math import inf
from typing import Any

from sqlalchemy import Connection, Row, select

from byleave.experiments import Definitions
from byleave.experiments.allocation import GRACE_MS
from byleave.experiments.replay import KeptRow, KeptRun, LoggedAssignment, Replay, Units, replay
from byleave.server import schema
from byleave.server.errors import NothingPublishedError, UnknownNameError
from byleave.server.events import Exposure, event_of
from byleave.server.held_out import holdout_shares
from byleave.server.learning import EVERYONE
from byleave.server.publishing import load_published
from byleave.server.rows import weights_of
from byleave.server.runs import Measured, measured
from byleave.server.sealing import sealed
from byleave.server.sites import Site


def replay_site(
    connection: Connection,
    site: Site,
    *,
    since_ms: int,
    until_ms: int,
    experiment: str | None = None,
) -> dict[str, Replay]:
    """Replay what every run of a site did in a period; return what each came to, by run.

    Args:
        connection: The store.
        site: The site.
        since_ms: Begin of the period; the log must go back that far.
        until_ms: Its end.
        experiment: Leaves out the runs of all others.

    Raises:
        NothingPublishedError: The site has no definitions yet.
        UnknownNameError: The experiment never ran here.
    """
    published = load_published(connection, site)
    if published is None:
        raise NothingPublishedError(f"no definitions are published for {site.key}")
    runs = schema.runs.c
    statement = select(schema.runs).where(runs.site == site.key).order_by(runs.started_ms, runs.run)
    if experiment is not None:
        statement = statement.where(runs.experiment == experiment)
    found = connection.execute(statement).all()
    if experiment is not None and not found:
        raise UnknownNameError(f"no experiment {experiment!r} ever ran here")
    definitions = published.snapshot.definitions
    return {
        run.run: replay_run(
            connection, site, run, definitions, since_ms=since_ms, until_ms=until_ms
        )
        for run in found
        if run.started_ms < until_ms
        # Arms may be drawn from the last rows of a run for some time after it ended.
        if run.ended_ms is None or run.ended_ms + GRACE_MS >= since_ms
    }


def replay_run(
    connection: Connection,
    site: Site,
    run: Row[Any],
    definitions: Definitions,
    *,
    since_ms: float = -inf,
    until_ms: float = inf,
) -> Replay:
    """Derive every allocation and every assignment of a run again; say where they differ.

    Args:
        connection: The store.
        site: The site.
        run: The run's row of the store.
        definitions: Those in force, for the time zone of the experiment's schedule.
        since_ms: Leaves out the rows that were published, and the arms that were drawn, earlier.
        until_ms: Leaves out those of this moment and later.
    """
    fixed = measured(run)
    goal = fixed.experiment.allocate.goal
    kept = kept_run(connection, site, run, fixed, definitions)
    rows = {row.id for row in kept.rows}
    return replay(
        kept,
        _log(connection, site, run),
        counted=_units(connection, site, run, schema.stratum_stats, goal, rows),
        erased=_units(connection, site, run, schema.ledger, goal, rows),
        sealed=sealed(connection, site.key, rows),
        since_ms=since_ms,
        until_ms=until_ms,
    )


def kept_run(
    connection: Connection, site: Site, run: Row[Any], fixed: Measured, definitions: Definitions
) -> KeptRun:
    """Return a run as the store keeps it, with all its rows."""
    rows = schema.allocations.c
    found = connection.execute(
        select(schema.allocations)
        .where(rows.site == site.key, rows.run == run.run)
        .order_by(rows.sequence, rows.cell_index)
    )
    current = definitions.experiments.get(run.experiment)
    shares = {share for share, _ in holdout_shares(connection, site, run)}
    return KeptRun(
        experiment=replace(fixed.experiment, schedule=current.schedule)
        if current
        else fixed.experiment,
        goals=fixed.goals,
        seed=run.seed,
        started_ms=run.started_ms,
        rows=tuple(
            KeptRow(
                id=row.allocation,
                cell=row.cell,
                weights=weights_of(row),
                opened_ms=row.opened_ms,
                closed_ms=row.closed_ms,
                inputs=json.loads(row.inputs),
            )
            for row in found
        ),
        holdout=shares.pop() if len(shares) == 1 else None,
        holdout_seed=site.derived("holdout"),
    )


def _log(connection: Connection, site: Site, run: Row[Any]) -> Iterator[LoggedAssignment]:
    """Yield the exposures to a run."""
    events = schema.events.c
    # Of what was taken out as made up the log keeps the ids alone.
    statement = select(events.body).where(
        events.site == site.key, events.name.is_(None), events.body != ""
    )
    for (body,) in connection.execute(statement):
        event = event_of(body)
        if isinstance(event, Exposure) and event.run == run.run:
            yield LoggedAssignment(
                id=event.id,
                unit=event.visitor,
                allocation=event.allocation,
                arm=event.arm,
                assigned_ms=event.assigned_ms,
            )


def _units(
    connection: Connection, site: Site, run: Row[Any], table: Any, goal: str, rows: set[str]
) -> Units:
    """Return the units of each allocation row and arm, those of the holdout left out."""
    statement = select(table.c.stratum, table.c.arm, table.c.units).where(
        table.c.site == site.key,
        table.c.run == run.run,
        table.c.goal == goal,
        table.c.segment == EVERYONE,
    )
    return {
        (row.stratum, row.arm): row.units
        for row in connection.execute(statement)
        if row.stratum in rows
    }
