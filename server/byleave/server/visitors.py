"""What visitors may ask for: that a choice is recorded, to see what is kept, to be forgotten."""

import json
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, update

from byleave.experiments import may_enrol
from byleave.server import schema
from byleave.server.aliases import add_alias, every_id, rename
from byleave.server.batches import add_rows, drop_rows, find_rows, put_later_rows, put_rows
from byleave.server.bookkeeping import combine, read_enrolments, read_outcomes, settle
from byleave.server.consents import StatedChoice, append
from byleave.server.errors import ServerError
from byleave.server.events import body_of, event_of
from byleave.server.learning import Measurement
from byleave.server.sites import Site

#: Where a visitor's id stands: the tables that erasing empties, and the column of each.
_NAMING: Final = (
    (schema.enrolments, "unit"),
    (schema.outcomes, "unit"),
    (schema.events, "visitor"),
    (schema.server_attributes, "visitor"),
    (schema.outbox, "visitor"),
    (schema.watched, "visitor"),
    (schema.memberships, "visitor"),
    (schema.aliases, "visitor"),
)


class Cause(StrEnum):
    """Why a visitor was erased."""

    WITHDRAWN = "withdrawn"  # they no longer agree
    REQUESTED = "requested"  # they asked for it


def record_consent(
    connection: Connection,
    site: Site,
    visitor: str,
    stated: StatedChoice,
    *,
    measurement: Measurement,
    now_ms: int,
) -> bool:
    """Append a choice to the visitor's record, and erase them if it is a withdrawal.

    A choice that comes late cannot bring anybody back: once erased, an identifier stays so.

    Returns:
        Whether the visitor is erased, by this choice or before.
    """
    append(connection, site, visitor, stated, now_ms=now_ms)
    if not may_enrol(stated.consent):
        erase(
            connection, site, visitor, cause=Cause.WITHDRAWN, measurement=measurement, now_ms=now_ms
        )
    return is_erased(connection, site, visitor)


def erase(
    connection: Connection,
    site: Site,
    visitor: str,
    *,
    cause: Cause,
    measurement: Measurement,
    now_ms: int,
) -> None:
    """Delete every row and the id of a visitor, and refuse that id from now on.

    What they contributed to sums stays there, without a name: taking it out would bias every
    comparison. The ledger keeps how much that was, so that a recount can still be proved.
    """
    kept, others = every_id(connection, site.key, visitor)
    settle(connection, site.key, kept, measurement)
    for table, column in _NAMING:
        drop_rows(connection, table, site=site.key, column=column, value=kept)
    rows = [
        (site.key, site.visitor_hash(each), now_ms, str(cause))
        for each in (kept, *others)
        if not is_erased(connection, site, each)
    ]
    add_rows(connection, schema.tombstones, rows)


class ErasedError(ServerError):
    """A visitor who was erased cannot be brought back, also not as somebody else."""


def merge(
    connection: Connection,
    site: Site,
    visitor: str,
    other: str,
    *,
    measurement: Measurement,
    now_ms: int,
) -> str:
    """Keep two visitors as the one person that they are, as if there never had been two ids.

    Of each run the earlier enrolment holds. Who was enrolled in two arms is a conflict.

    Returns:
        The id under which they are kept: that of `visitor`.

    Raises:
        ErasedError: One of them was erased.
    """
    if any(is_erased(connection, site, each) for each in (visitor, other)):
        raise ErasedError("one of the two was erased")
    kept, _ = every_id(connection, site.key, visitor)
    gone, _ = every_id(connection, site.key, other)
    if kept == gone:
        return kept
    add_alias(connection, site.key, gone, visitor=kept, now_ms=now_ms)
    moved = find_rows(connection, schema.events, site=site.key, visitor={gone})
    rows = [
        (*row[:2], kept, *row[3:-1], body_of(rename(event_of(row.body), kept))) for row in moved
    ]
    put_rows(connection, schema.events, rows)
    combine(connection, site.key, kept, gone, measurement)
    attributes = find_rows(connection, schema.server_attributes, site=site.key, visitor={gone})
    put_later_rows(
        connection,
        schema.server_attributes,
        [(row.site, kept, *row[2:]) for row in attributes],
        by=("observed_ms", "value"),
    )
    for table in (schema.server_attributes, schema.watched, schema.memberships):
        drop_rows(connection, table, site=site.key, column="visitor", value=gone)
    waiting = schema.outbox.c
    connection.execute(
        update(schema.outbox)
        .where(waiting.site == site.key, waiting.visitor == gone)
        .values(visitor=kept)
    )
    return kept


def export(connection: Connection, site: Site, visitor: str) -> dict[str, Any]:
    """Return all that is kept of a visitor, as plain data; nothing is kept of the erased."""
    kept, others = every_id(connection, site.key, visitor)
    wanted, hashes = {kept}, {site.visitor_hash(each) for each in (visitor, kept, *others)}
    events = find_rows(connection, schema.events, site=site.key, visitor=wanted)
    enrolments = read_enrolments(connection, site.key, wanted)
    outcomes = read_outcomes(connection, site.key, wanted)
    attributes = find_rows(connection, schema.server_attributes, site=site.key, visitor=wanted)
    consents = find_rows(connection, schema.consents, site=site.key, visitor_hash=hashes)
    memberships = find_rows(connection, schema.memberships, site=site.key, visitor=wanted)
    return {
        "visitor": kept,
        "other_ids": others,
        "is_erased": is_erased(connection, site, visitor),
        "consent": [
            {"at": row.at_ms, "received_at": row.received_ms, **json.loads(row.record)}
            for row in sorted(consents, key=lambda row: (row.received_ms, row.number))
        ],
        "attributes": {
            row.attribute: {"value": json.loads(row.value), "observed_at": row.observed_ms}
            for row in attributes
        },
        "events": [
            {"received_at": row.received_ms, **json.loads(row.body)}
            for row in sorted(events, key=lambda row: row.id)
        ],
        "segments_told": {row.segment: row.since_ms for row in memberships},
        "enrolments": [
            {
                "run": enrolment.run,
                "arm": enrolment.arm,
                "allocation": enrolment.stratum,
                "assigned_at": enrolment.assigned_ms,
                "groups": list(enrolment.segments),
                "outcomes": {
                    goal: {"value": found.value, "after_ms": found.delay_ms}
                    for goal, found in outcomes[key].items()
                },
            }
            for key, enrolment in enrolments.items()
        ],
    }


def is_erased(connection: Connection, site: Site, visitor: str) -> bool:
    """Return whether a visitor was erased under this id."""
    hashes = {site.visitor_hash(visitor)}
    return bool(find_rows(connection, schema.tombstones, site=site.key, visitor_hash=hashes))
