"""Purging: what visitors did who turned out to be made up is taken out again, and refused."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, update

from byleave.server import schema
from byleave.server.aliases import known_as
from byleave.server.audit import Action, note
from byleave.server.batches import add_rows, drop_rows, find_rows
from byleave.server.bookkeeping import read_enrolments, read_outcomes, write_change
from byleave.server.learning import Change, Measurement
from byleave.server.sealing import sealed
from byleave.server.sites import Site
from byleave.server.watching import mark

#: Visitors that are taken out by one transaction.
AT_ONCE: Final = 500


class Reason(StrEnum):
    """Why an id is refused, beside that its visitor was erased."""

    PURGED = "purged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What was taken out.

    Attributes:
        events: Events that are no longer in the log.
        enrolments: Enrolments that no longer count.
        sealed: Enrolments that still count, because their strata are sealed.
    """

    events: int = 0
    enrolments: int = 0
    sealed: int = 0

    def __add__(self, other: "Purged") -> "Purged":
        """Return what two calls took out together."""
        return Purged(
            events=self.events + other.events,
            enrolments=self.enrolments + other.enrolments,
            sealed=self.sealed + other.sealed,
        )


def purge(
    connection: Connection,
    site: Site,
    visitors: Collection[str],
    *,
    measurement: Measurement,
    author: str,
    now_ms: int,
) -> Purged:
    """Take visitors, or page views, out of the log and the books as if they had never been.

    Unlike those of the erased, their contributions leave the sums: they were not anybody's. What
    is sealed stays. Of their events the ids are kept, and their own ids are refused, so that
    nothing of theirs comes in again; what webhooks were still to be told of them is not told.

    Args:
        connection: A transaction that writes.
        site: The site.
        visitors: Ids of visitors or of page views.
        measurement: What every run measures.
        author: Who does.
        now_ms: The time.
    """
    names = known_as(connection, site.key, visitors)
    units = {names.get(visitor, visitor) for visitor in visitors}
    enrolled = read_enrolments(connection, site.key, units)
    reached = read_outcomes(connection, site.key, units)
    closed = sealed(connection, site.key, {each.stratum for each in enrolled.values()})
    open_now = {key: each for key, each in enrolled.items() if each.stratum not in closed}
    change = Change()
    for key, enrolment in open_now.items():
        goals = measurement.runs[enrolment.run].items()
        change.add(enrolment, goals, reached[key], times=-1)
    write_change(connection, site.key, change)
    events, emptied = schema.events.c, 0
    for unit in units:
        for table in (schema.enrolments, schema.outcomes):
            drop_rows(connection, table, site=site.key, column="unit", value=unit)
        for table in (schema.server_attributes, schema.outbox):
            drop_rows(connection, table, site=site.key, column="visitor", value=unit)
        emptied += connection.execute(
            update(schema.events)
            .where(events.site == site.key, events.visitor == unit)
            .values(visitor="", name=None, body="")
        ).rowcount
    # Whoever was told that they are in a segment is told that they left it.
    inside = find_rows(connection, schema.memberships, site=site.key, visitor=units)
    mark(connection, site.key, {row.visitor for row in inside}, now_ms=now_ms)
    others = find_rows(connection, schema.aliases, site=site.key, visitor=units)
    ids = {*visitors, *units, *(row.alias for row in others)}
    hashes = {site.visitor_hash(each) for each in ids}
    known = find_rows(connection, schema.tombstones, site=site.key, visitor_hash=hashes)
    fresh = hashes - {row.visitor_hash for row in known}
    rows = [(site.key, each, now_ms, str(Reason.PURGED)) for each in sorted(fresh)]
    add_rows(connection, schema.tombstones, rows)
    note(
        connection,
        site,
        Action.PURGED,
        author=author,
        subject=f"{len(units)} visitors",
        now_ms=now_ms,
    )
    return Purged(events=emptied, enrolments=len(open_now), sealed=len(enrolled) - len(open_now))
