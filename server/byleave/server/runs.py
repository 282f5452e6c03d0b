"""Runs: one life of an experiment, in which what it randomises and measures stays the same."""

import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from byleave.experiments import Definitions, Experiment, Goal
from byleave.experiments.cells import cells
from byleave.experiments.definitions import Schedule
from byleave.segments import DefinitionError, canonical_json, read
from byleave.server import schema
from byleave.server.rows import (
    close_row,
    close_rows,
    open_rows,
    retiring_rows,
    starting_rows,
)
from byleave.server.sites import Entropy, Site, next_number

_log = logging.getLogger("byleave.server")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a run holds fixed: the experiment, without what may change on the way, and its goals."""

    experiment: Experiment
    goals: Mapping[str, Goal]

    @classmethod
    def of(cls, definitions: Definitions, key: str) -> "Measured":
        """Return what a new run of an experiment would hold fixed."""
        experiment = definitions.experiments[key]
        judged = experiment.goals
        names = {judged.primary, experiment.allocate.goal, *judged.others}
        names |= {guard.goal for guard in judged.guards}
        return cls(
            experiment=replace(
                experiment, title="", priority=0, schedule=Schedule(), report_by=(), retired=()
            ),
            goals={name: definitions.goals[name] for name in sorted(names)},
        )


def measured(run: Row[Any]) -> Measured:
    """Return what a run of the store holds fixed."""
    return _read(run.definition)


def goals_of(run: Row[Any]) -> Mapping[str, Goal]:
    """Return what a run of the store measures; nothing where this version cannot read it.

    One that was damaged, or is older than a rule of this version, keeps no server from starting.
    """
    try:
        return measured(run).goals
    except (DefinitionError, ValueError, RecursionError):
        _log.error("a run cannot be read and is not counted", extra={"run": run.run})
        return {}


# More runs than a site has in years: where some are read anew for each publication, all are.
@lru_cache(maxsize=16_384)
def _read(text: str) -> Measured:
    """Return what a text says; every publication asks for every run that there ever was."""
    return read(Measured, json.loads(text))


def live_runs(connection: Connection, site: Site) -> list[Row[Any]]:
    """Return the runs that have not ended, in the order of their experiments."""
    runs = schema.runs.c
    statement = select(schema.runs).where(runs.site == site.key, runs.ended_ms.is_(None))
    return list(connection.execute(statement.order_by(runs.experiment)))


def readable_runs(connection: Connection, site: Site) -> list[Row[Any]]:
    """Return the runs that have not ended and that this version can read."""
    return [run for run in live_runs(connection, site) if goals_of(run)]


def newest_run(
    connection: Connection, site: Site, key: str, *, begun_by_ms: int | None = None
) -> Row[Any] | None:
    """Return the latest run of an experiment, over or not; None when it never ran.

    Args:
        connection: A transaction.
        site: The site.
        key: The experiment.
        begun_by_ms: Leaves out the runs that begun later.
    """
    runs = schema.runs.c
    statement = select(schema.runs).where(runs.site == site.key, runs.experiment == key)
    if begun_by_ms is not None:
        statement = statement.where(runs.started_ms <= begun_by_ms)
    return connection.execute(statement.order_by(runs.ordinal.desc()).limit(1)).one_or_none()


def renew_runs(
    connection: Connection,
    site: Site,
    definitions: Definitions,
    *,
    left: Collection[str] = (),
    entropy: Entropy,
    now_ms: int,
) -> None:
    """End each run that the definitions no longer describe, and start those that they do.

    Those of the experiments that are `left` alone go on as they are.
    """
    live = {row.experiment: row for row in live_runs(connection, site)}
    wanted = {key: canonical_json(Measured.of(definitions, key)) for key in definitions.experiments}
    going_on = {
        key
        for key, run in live.items()
        if wanted.get(key) == run.definition
        and _retire(connection, site, run.run, definitions.experiments[key], now_ms=now_ms)
    }
    for key, run in live.items():
        if key not in going_on and key not in left:
            _end_run(connection, site, run.run, now_ms=now_ms)
    for key, text in wanted.items():
        if key not in going_on:
            retired = definitions.experiments[key].retired
            _start_run(connection, site, key, text, retired, entropy=entropy, now_ms=now_ms)


def _retire(
    connection: Connection, site: Site, run: str, experiment: Experiment, *, now_ms: int
) -> bool:
    """Take arms out of a run; return whether it can go on, which it cannot when one comes back."""
    rows = schema.allocations.c
    is_its = (rows.site == site.key) & (rows.run == run)
    open_now = connection.execute(
        select(schema.allocations).where(is_its, rows.closed_ms.is_(None))
    ).all()
    wanted = {cell.key for cell in cells(experiment, retired=experiment.retired)}
    if wanted == {row.cell for row in open_now}:
        return True
    last = connection.scalar(select(func.max(rows.sequence)).where(is_its))
    sequence = next_number(connection, site.key, last)
    successors = retiring_rows(experiment, run, open_now, sequence=sequence)
    if successors is None:
        return False
    open_rows(connection, site.key, successors, now_ms=now_ms)
    for row in open_now:
        if row.cell not in wanted:
            close_row(connection, site.key, row.allocation, now_ms=now_ms)
    return True


def _start_run(
    connection: Connection,
    site: Site,
    key: str,
    text: str,
    retired: tuple[str, ...],
    *,
    entropy: Entropy,
    now_ms: int,
) -> None:
    last = newest_run(connection, site, key)
    ordinal = next_number(connection, site.key, last.ordinal if last else None)
    run = f"{key}.{ordinal}"
    connection.execute(
        insert(schema.runs).values(
            site=site.key,
            run=run,
            experiment=key,
            ordinal=ordinal,
            # The same units as before stay inside or outside of the experiment's traffic.
            seed=entropy(f"experiment/{key}").hex()[:32] if last is None else last.seed,
            definition=text,
            started_ms=now_ms,
            conflicts=0,
        )
    )
    experiment = replace(_read(text).experiment, retired=retired)
    open_rows(connection, site.key, starting_rows(experiment, run), now_ms=now_ms)


def _end_run(connection: Connection, site: Site, run: str, *, now_ms: int) -> None:
    runs = schema.runs.c
    connection.execute(
        update(schema.runs).where(runs.site == site.key, runs.run == run).values(ended_ms=now_ms)
    )
    close_rows(connection, site.key, run, now_ms=now_ms)
