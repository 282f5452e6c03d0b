"""Seals: a stratum whose last unit has had every window is closed for good.

From then on nothing may change its sums: what comes later is kept in the log and not counted.
Its checksum proves for as long as the store lives that nothing did, also when the events that
it was counted from have long been deleted.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, exists, select

from byleave.experiments import HOLDOUT
from byleave.experiments.allocation import GRACE_MS
from byleave.server import schema
from byleave.server.batches import add_rows, find_rows
from byleave.server.learning import Measurement, holdout_hour_end_ms, longest_window_ms
from byleave.server.rows import last_draw_ms
from byleave.server.sites import Site


@dataclass(frozen=True, slots=True)
class Stratum:
    """A stratum of a run."""

    run: str
    name: str


def sealed(connection: Connection, site: str, strata: Collection[str]) -> set[str]:
    """Return which strata are sealed."""
    return {row.stratum for row in find_rows(connection, schema.seals, site=site, stratum=strata)}


def due_seals(
    connection: Connection, site: Site, measurement: Measurement, *, now_ms: int
) -> list[Stratum]:
    """Return the strata that no event may change any more and that are not sealed yet."""
    return [
        *_drawn(connection, site, measurement, now_ms=now_ms),
        *_held_out(connection, site, measurement, now_ms=now_ms),
    ]


def seal(connection: Connection, site: Site, strata: Iterable[Stratum], *, now_ms: int) -> None:
    """Seal strata with the checksums of their sums, but for those that another process sealed."""
    wanted = {each.name: each for each in strata}
    for name in sealed(connection, site.key, wanted):
        del wanted[name]
    rows = [
        (site.key, name, each.run, now_ms, checksum(connection, site, each))
        for name, each in wanted.items()
    ]
    add_rows(connection, schema.seals, rows)


def checksum(connection: Connection, site: Site, stratum: Stratum) -> str:
    """Return 32 hexadecimal digits that follow from all sums of a stratum and their places."""
    digest = blake2b(digest_size=16)
    for table in (schema.stratum_stats, schema.delay_stats):
        found = connection.execute(
            select(table).where(
                table.c.site == site.key,
                table.c.run == stratum.run,
                table.c.stratum == stratum.name,
            )
        )
        # Sorted here: databases do not agree on the order of texts.
        digest.update(json.dumps(sorted(list(row) for row in found)).encode())
    return digest.hexdigest()


def _drawn(
    connection: Connection, site: Site, measurement: Measurement, *, now_ms: int
) -> Iterable[Stratum]:
    rows = schema.allocations.c
    statement = select(schema.allocations).where(
        rows.site == site.key, rows.closed_ms.is_not(None), _is_unsealed(rows.allocation, site)
    )
    for row in connection.execute(statement):
        if _is_over(row.run, last_draw_ms(row), measurement, now_ms):
            yield Stratum(row.run, row.allocation)


def _held_out(
    connection: Connection, site: Site, measurement: Measurement, *, now_ms: int
) -> Iterable[Stratum]:
    stats = schema.stratum_stats.c
    statement = (
        select(stats.run, stats.stratum)
        .where(stats.site == site.key, stats.arm == HOLDOUT, _is_unsealed(stats.stratum, site))
        .distinct()
    )
    for row in connection.execute(statement):
        if _is_over(row.run, holdout_hour_end_ms(row.stratum) + GRACE_MS, measurement, now_ms):
            yield Stratum(row.run, row.stratum)


def _is_unsealed(stratum: Any, site: Site) -> Any:
    seals = schema.seals.c
    return ~exists().where(seals.site == site.key, seals.stratum == stratum)


def _is_over(run: str, last_ms: int, measurement: Measurement, now_ms: int) -> bool:
    """Whether whoever came in last has had the longest window of the run's goals."""
    goals = measurement.runs[run].values()  # none where the run cannot be read for now
    return bool(goals) and last_ms + longest_window_ms(goals) < now_ms
