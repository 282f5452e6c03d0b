"""The transaction that stores events: the log, and all that is learned from it, or nothing."""

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import Connection

from byleave.server import schema
from byleave.server.aliases import renamed
from byleave.server.batches import add_rows, find_rows
from byleave.server.bookkeeping import learn
from byleave.server.events import WireEvent, body_of
from byleave.server.learning import Measurement
from byleave.server.sites import Site


class Verdict(StrEnum):
    """What became of an event; the texts of refusals are told to the sender."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    OTHER_BODY = "another event has this id"
    ERASED = "this visitor was erased"


def record(
    connection: Connection,
    site: Site,
    events: Sequence[WireEvent],
    *,
    measurement: Measurement,
    now_ms: int,
) -> list[Verdict]:
    """Store events that are new, learn from them, and return what became of each."""
    hashes = {visitor: site.visitor_hash(visitor) for visitor in {e.visitor for e in events}}
    found = find_rows(
        connection, schema.tombstones, site=site.key, visitor_hash=set(hashes.values())
    )
    erased = {row.visitor_hash for row in found}
    sent_by = [event.visitor for event in events]
    events = renamed(connection, site.key, events)
    ids = {event.id for event in events}
    bodies = {
        row.id: row.body for row in find_rows(connection, schema.events, site=site.key, id=ids)
    }
    verdicts, new = [], []
    for visitor, event in zip(sent_by, events, strict=True):
        body = body_of(event)
        if hashes[visitor] in erased:
            verdicts.append(Verdict.ERASED)
        elif event.id in bodies:
            # Of what may no longer be kept, only the id is there.
            is_same = bodies[event.id] in (body, "")
            verdicts.append(Verdict.DUPLICATE if is_same else Verdict.OTHER_BODY)
        else:
            bodies[event.id] = body
            verdicts.append(Verdict.ACCEPTED)
            new.append(event)
    rows = [(site.key, e.id, e.visitor, e.log_name, e.at_ms, now_ms, bodies[e.id]) for e in new]
    add_rows(connection, schema.events, rows)
    learn(connection, site.key, new, measurement)
    return verdicts
