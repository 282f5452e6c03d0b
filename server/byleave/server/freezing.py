"""Freezes: weights that stay as they are, because what they would follow may be made up.

When one arm moves against the others as it never did, the weights of its run are frozen before
a row with others is published, so that every propensity stays the one that was served. A person
looks, takes out what was made up, and lets the weights go on.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Final

import numpy as np
from sqlalchemy import Connection, insert, select, update

from byleave.experiments.allocation.anomaly import RECENT_ROWS, sudden_change
from byleave.server import schema
from byleave.server.audit import Action, note
from byleave.server.errors import UnknownNameError
from byleave.server.observing import Part, parts_of
from byleave.server.runs import measured, readable_runs
from byleave.server.sites import Site

#: What chance brings about less often than this is an alarm: at hourly rows, less than once in a
#: hundred years of an experiment.
ALARM: Final = 1e-6


def frozen_runs(connection: Connection, site: Site) -> set[str]:
    """Return the runs that are frozen now."""
    freezes = schema.freezes.c
    statement = select(freezes.run).where(freezes.site == site.key, freezes.thawed_ms.is_(None))
    return {row.run for row in connection.execute(statement)}


def moved_runs(connection: Connection, site: Site, runs: Collection[str]) -> set[str]:
    """Return which of some runs are not frozen, and have an arm that moved against the others."""
    found, asked = set(), {*runs} - frozen_runs(connection, site)
    for run in readable_runs(connection, site):
        if run.run not in asked:
            continue
        goal = measured(run).experiment.allocate.goal
        since_ms = _thawed_ms(connection, site, run.run)
        by_cell: defaultdict[str, list[Part]] = defaultdict(list)
        for part in parts_of(connection, site, run, goal):
            by_cell[part.cell].append(part)
        if any(_has_moved(parts, since_ms) for parts in by_cell.values()):
            found.add(run.run)
    return found


def freeze(connection: Connection, site: Site, runs: Collection[str], *, now_ms: int) -> list[str]:
    """Freeze runs that are not yet; return which were not."""
    fresh = sorted({*runs} - frozen_runs(connection, site))
    for run in fresh:
        connection.execute(
            insert(schema.freezes).values(site=site.key, run=run, since_ms=now_ms, thawed_ms=None)
        )
        note(
            connection,
            site,
            Action.FROZEN,
            author="allocator",
            subject=run,
            reason="one arm moved against the others as it never did",
            now_ms=now_ms,
        )
    return fresh


def thaw(connection: Connection, site: Site, run: str, *, author: str, now_ms: int) -> None:
    """Let the weights of a run follow what is learned again.

    Rows until now raise no further alarm.

    Raises:
        UnknownNameError: The run is not frozen.
    """
    table = schema.freezes
    is_it = (table.c.site == site.key) & (table.c.run == run) & table.c.thawed_ms.is_(None)
    if not connection.execute(update(table).where(is_it).values(thawed_ms=now_ms)).rowcount:
        raise UnknownNameError(f"the weights of {run!r} are not frozen")
    note(connection, site, Action.THAWED, author=author, subject=run, now_ms=now_ms)


def _thawed_ms(connection: Connection, site: Site, run: str) -> int:
    freezes = schema.freezes.c
    statement = select(freezes.thawed_ms).where(freezes.site == site.key, freezes.run == run)
    return max((each or 0 for each in connection.execute(statement).scalars()), default=0)


def _has_moved(parts: Collection[Part], since_ms: int) -> bool:
    rows = {part.allocation: part.opened_ms for part in parts}
    arms = sorted({part.arm for part in parts})
    recent = min(RECENT_ROWS, sum(opened_ms >= since_ms for opened_ms in rows.values()))
    if not recent:
        return False
    place = {allocation: j for j, allocation in enumerate(rows)}
    figures = np.zeros((2, len(rows), len(arms)))
    for part in parts:
        at = (place[part.allocation], arms.index(part.arm))
        figures[(slice(None), *at)] = part.units, part.reached
    return sudden_change(*figures, recent=recent) < ALARM
