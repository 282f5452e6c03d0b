"""Publishing: from a set of definitions and the rows of weights to the snapshot.

A set is published whole, under a number that only grows, and is never changed. An experiment
gets a new run when what it randomises or measures is not what it was.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from byleave.experiments import (
    Allocation,
    Decider,
    Definitions,
    Experiment,
    Goal,
    Run,
    Snapshot,
    Version,
    check,
    load_snapshot,
)
from byleave.experiments.definitions import Schedule
from byleave.segments import DefinitionError, Fault, canonical_json, read
from byleave.server import schema
from byleave.server.rows import close_rows, open_rows, starting_rows
from byleave.server.sites import Entropy, Site


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
            experiment=replace(experiment, title="", priority=0, schedule=Schedule(), report_by=()),
            goals={name: definitions.goals[name] for name in sorted(names)},
        )


class Published:
    """A publication, in the forms in which it is used: decided by, served, counted against.

    Attributes:
        snapshot: The snapshot.
        body: Its one JSON text.
        etag: A strong entity tag of `body`.
        goals: What every run measures, those that are over included, by run and goal.
    """

    def __init__(self, snapshot: Snapshot, goals: Mapping[str, Mapping[str, Goal]]) -> None:
        text = canonical_json(snapshot)
        # Read back, so that what decides here is what decides elsewhere, order of arms included.
        self.snapshot = load_snapshot(json.loads(text))
        self.body = text.encode()
        self.etag = f'"{blake2b(self.body, digest_size=16).hexdigest()}"'
        self.goals = goals

    @cached_property
    def decider(self) -> Decider:
        """The snapshot, compiled."""
        return Decider(self.snapshot)


def publish(
    connection: Connection,
    site: Site,
    definitions: Definitions,
    *,
    reason: str,
    author: str,
    entropy: Entropy,
    now_ms: int,
) -> None:
    """Publish a set of definitions; the one already in force changes nothing.

    Raises:
        DefinitionError: The set has faults, or is that of another site.
    """
    faults = check(definitions)
    if definitions.site != site.key:
        faults.append(Fault(("site",), f"expected {site.key!r}, the site that this server is for"))
    if faults:
        raise DefinitionError(faults)
    text = canonical_json(definitions)
    newest = _newest_definitions(connection, site)
    if newest is not None and newest.definitions == text:
        return
    definitions = read(Definitions, json.loads(text))
    version = next_version(connection, site, now_ms=now_ms)
    connection.execute(
        insert(schema.definition_versions).values(
            site=site.key,
            generation=version.generation,
            number=version.number,
            definitions=text,
            reason=reason,
            author=author,
            published_ms=now_ms,
        )
    )
    live = {row.experiment: row for row in live_runs(connection, site)}
    for key in sorted({*live, *definitions.experiments}):
        fixed = (
            canonical_json(Measured.of(definitions, key)) if key in definitions.experiments else ""
        )
        if key in live:
            if live[key].definition == fixed:
                continue
            _end_run(connection, site, live[key].run, now_ms=now_ms)
        if fixed:
            _start_run(
                connection,
                site,
                definitions,
                key,
                fixed=fixed,
                entropy=entropy,
                now_ms=now_ms,
            )


def next_version(connection: Connection, site: Site, *, now_ms: int) -> Version:
    """Take the next number of the site; whatever is published with it commits with it."""
    table = schema.sites
    connection.execute(
        update(table)
        .where(table.c.site == site.key)
        .values(number=table.c.number + 1, published_ms=now_ms)
    )
    row = connection.execute(select(table).where(table.c.site == site.key)).one()
    return Version(generation=row.generation, number=row.number)


def live_runs(connection: Connection, site: Site) -> list[Row[Any]]:
    """Return the runs that have not ended, in the order of their experiments."""
    runs = schema.runs.c
    statement = select(schema.runs).where(runs.site == site.key, runs.ended_ms.is_(None))
    return list(connection.execute(statement.order_by(runs.experiment)))


def load_published(connection: Connection, site: Site) -> Published | None:
    """Return the publication in force; None before the first."""
    newest = _newest_definitions(connection, site)
    if newest is None:
        return None
    table, rows = schema.sites.c, schema.allocations.c
    state = connection.execute(select(schema.sites).where(table.site == site.key)).one()
    open_now = connection.execute(
        select(schema.allocations)
        .where(rows.site == site.key, rows.closed_ms.is_(None))
        .order_by(rows.run, rows.cell_index)
    ).all()
    every_run = connection.execute(select(schema.runs).where(schema.runs.c.site == site.key)).all()
    snapshot = Snapshot(
        version=Version(generation=state.generation, number=state.number),
        published_ms=state.published_ms,
        definitions=read(Definitions, json.loads(newest.definitions)),
        runs={row.experiment: _run(row, open_now) for row in every_run if row.ended_ms is None},
        holdout_seed=site.derived("holdout"),
        receipt_key=site.derived("receipt"),
    )
    return Published(snapshot, {row.run: measured(row).goals for row in every_run})


def measured(run: Row[Any]) -> Measured:
    """Return what a run of the store holds fixed."""
    return read(Measured, json.loads(run.definition))


def _newest_definitions(connection: Connection, site: Site) -> Row[Any] | None:
    versions = schema.definition_versions.c
    return connection.execute(
        select(schema.definition_versions)
        .where(versions.site == site.key)
        .order_by(versions.generation.desc(), versions.number.desc())
        .limit(1)
    ).one_or_none()


def _run(row: Row[Any], open_now: Iterable[Row[Any]]) -> Run:
    return Run(
        id=row.run,
        seed=row.seed,
        started_ms=row.started_ms,
        allocations=tuple(
            Allocation(
                id=each.allocation,
                cell=each.cell,
                weights=json.loads(each.weights),
                opened_ms=each.opened_ms,
                draw_until_ms=each.draw_until_ms,
            )
            for each in open_now
            if each.run == row.run
        ),
    )


def _start_run(
    connection: Connection,
    site: Site,
    definitions: Definitions,
    key: str,
    *,
    fixed: str,
    entropy: Entropy,
    now_ms: int,
) -> None:
    runs = schema.runs.c
    ordinal = (
        1
        + connection.execute(
            select(func.count()).where(runs.site == site.key, runs.experiment == key)
        ).scalar_one()
    )
    run = f"{key}.{ordinal}"
    connection.execute(
        insert(schema.runs).values(
            site=site.key,
            run=run,
            experiment=key,
            ordinal=ordinal,
            seed=entropy(f"run/{run}").hex()[:32],
            definition=fixed,
            started_ms=now_ms,
            conflicts=0,
        )
    )
    rows = starting_rows(definitions.experiments[key], run)
    open_rows(connection, site.key, rows, now_ms=now_ms)


def _end_run(connection: Connection, site: Site, run: str, *, now_ms: int) -> None:
    runs = schema.runs.c
    connection.execute(
        update(schema.runs).where(runs.site == site.key, runs.run == run).values(ended_ms=now_ms)
    )
    close_rows(connection, site.key, run, now_ms=now_ms)
