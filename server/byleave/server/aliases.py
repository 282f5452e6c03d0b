"""Ids that turned out to be one visitor: whatever comes under one is kept under the other."""

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Connection, update

from byleave.server import schema
from byleave.server.batches import add_rows, find_rows
from byleave.server.events import WireEvent


def known_as(connection: Connection, site: str, visitors: Collection[str]) -> dict[str, str]:
    """Return the id under which each visitor is kept, of those who are kept under another."""
    rows = find_rows(connection, schema.aliases, site=site, alias=visitors)
    return {row.alias: row.visitor for row in rows}


def every_id(connection: Connection, site: str, visitor: str) -> tuple[str, list[str]]:
    """Return the id under which a visitor is kept, and all their others."""
    kept = known_as(connection, site, {visitor}).get(visitor, visitor)
    rows = find_rows(connection, schema.aliases, site=site, visitor={kept})
    return kept, sorted(row.alias for row in rows)


def renamed(connection: Connection, site: str, events: Sequence[WireEvent]) -> Sequence[WireEvent]:
    """Return events as they would be if each visitor had had one id from the start."""
    names = known_as(connection, site, {event.visitor for event in events})
    if not names:
        return events
    return [rename(event, names.get(event.visitor, event.visitor)) for event in events]


def rename(event: WireEvent, visitor: str) -> WireEvent:
    """Return an event of another visitor."""
    return msgspec.structs.replace(event, visitor=visitor)


def add_alias(connection: Connection, site: str, alias: str, *, visitor: str, now_ms: int) -> None:
    """Keep a visitor, and all that they were known as, under another id from now on."""
    table = schema.aliases.c
    connection.execute(
        update(schema.aliases)
        .where(table.site == site, table.visitor == alias)
        .values(visitor=visitor)
    )
    add_rows(connection, schema.aliases, [(site, alias, visitor, now_ms)])
