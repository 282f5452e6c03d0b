"""Watching: who entered or left a segment, by what they did or by time alone.

Whoever did something, or became known better, is marked in the transaction that stores it. A
worker then judges them anew, tells the webhooks what changed, and notes when time alone may
change it again. Where the segments themselves changed, one mark stands for everybody, and the
worker marks them a few at a time.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Final

from sqlalchemy import Connection, Table, select

from byleave.experiments import Definitions
from byleave.segments import Purpose
from byleave.server import schema
from byleave.server.batches import add_rows, drop_rows, find_rows, next_texts, put_rows
from byleave.server.knowing import read_known
from byleave.server.membership import Judge, Known, why_not
from byleave.server.outbox import Message, add_messages
from byleave.server.sites import Site
from byleave.server.webhooks import Kind, Webhook, body_of

#: Stands among the marked visitors for everybody of whom something is known.
EVERYBODY: Final = ""
#: After so many seconds a transaction judges nobody further: events wait meanwhile.
_LONGEST_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Watch:
    """What is watched: for each use, the segments, and who is told of each."""

    judges: Mapping[Purpose, Judge]
    told: Mapping[tuple[Purpose, str], tuple[str, ...]]

    @classmethod
    def of(cls, definitions: Definitions, webhooks: Iterable[Webhook]) -> "Watch":
        """Return what some webhooks ask for, as far as its purposes allow it."""
        told: dict[tuple[Purpose, str], tuple[str, ...]] = {}
        for webhook in webhooks:
            for segment in definitions.segments:
                if not webhook.wants(f"segment:{segment}"):
                    continue
                if why_not(definitions, segment, use=webhook.use) is None:
                    place = (webhook.use, segment)
                    told[place] = (*told.get(place, ()), webhook.key)
        uses = {use for use, _ in told}
        judges = {
            use: Judge(definitions, [key for u, key in told if u is use], use=use) for use in uses
        }
        return cls(judges, told)


def mark(connection: Connection, site: str, visitors: Collection[str], *, now_ms: int) -> None:
    """Have visitors judged anew."""
    put_rows(connection, schema.watched, [(site, visitor, now_ms) for visitor in visitors])


def mark_everybody(connection: Connection, site: str, *, now_ms: int) -> None:
    """Have everybody judged anew of whom something is known, because the question changed."""
    mark(connection, site, [EVERYBODY], now_ms=now_ms)


def everybody_since_ms(connection: Connection, site: str) -> int | None:
    """Return since when everybody is to be judged anew; None where nobody asked for it."""
    rows = find_rows(connection, schema.watched, site=site, visitor={EVERYBODY})
    return rows[0].due_ms if rows else None


def mark_next(connection: Connection, site: str, after: str, *, most: int, now_ms: int) -> str:
    """Mark the next of everybody; return the last of them, '' once all are marked.

    Args:
        connection: A transaction that writes.
        site: The site's key.
        after: Whom they come after; '' for the first.
        most: How many they are at most.
        now_ms: The time.
    """
    known = (schema.events, schema.server_attributes, schema.memberships)
    columns = [table.c.visitor for table in known]
    visitors = next_texts(connection, columns, site=site, after=after, most=most)
    mark(connection, site, visitors, now_ms=now_ms)
    if visitors:
        return visitors[-1]
    drop_rows(connection, schema.watched, site=site, column="visitor", value=EVERYBODY)
    return ""


def is_due(connection: Connection, site: str, table: Table, *, now_ms: int) -> bool:
    """Return whether the time of some row has come, of a table that has one."""
    due = select(table.c.site).where(table.c.site == site, table.c.due_ms <= now_ms).limit(1)
    return connection.execute(due).first() is not None


def judge_due(
    connection: Connection,
    site: Site,
    definitions: Definitions,
    watch: Watch,
    *,
    most: int,
    now_ms: int,
) -> int:
    """Judge visitors whose time has come; return how many there were.

    Who did much takes long; then it leaves the rest for another transaction.
    """
    watched, began_s = schema.watched.c, monotonic()
    visitors = connection.execute(
        select(watched.visitor)
        .where(watched.site == site.key, watched.visitor != EVERYBODY, watched.due_ms <= now_ms)
        .order_by(watched.due_ms)
        .limit(most)
    ).scalars()
    count = 0
    for visitor in visitors.all():
        known = read_known(connection, site, visitor, definitions, now_ms=now_ms)
        _judge(connection, site, visitor, known, watch, now_ms=now_ms)
        count += 1
        if monotonic() - began_s > _LONGEST_S:
            break
    return count


def _judge(
    connection: Connection, site: Site, visitor: str, known: Known, watch: Watch, *, now_ms: int
) -> None:
    inside: set[tuple[Purpose, str]] = set()
    moments: list[int] = []
    for use, judge in watch.judges.items():
        standing = judge.standing(known, now_ms=now_ms)
        inside |= {(use, segment) for segment in standing.segments}
        moments += [] if standing.next_ms is None else [standing.next_ms]
    rows = find_rows(connection, schema.memberships, site=site.key, visitor={visitor})
    before = {_place(row.segment): row.since_ms for row in rows}
    messages = [
        *_messages(Kind.SEGMENT_ENTERED, visitor, inside - before.keys(), watch, now_ms),
        *_messages(Kind.SEGMENT_LEFT, visitor, before.keys() - inside, watch, now_ms),
    ]
    add_messages(connection, site, messages, now_ms=now_ms)
    drop_rows(connection, schema.memberships, site=site.key, column="visitor", value=visitor)
    add_rows(
        connection,
        schema.memberships,
        [
            (site.key, visitor, f"{use}/{segment}", before.get((use, segment), now_ms))
            for use, segment in inside
        ],
    )
    if moments:
        put_rows(connection, schema.watched, [(site.key, visitor, min(moments))])
    else:
        drop_rows(connection, schema.watched, site=site.key, column="visitor", value=visitor)


def _messages(
    kind: Kind,
    visitor: str,
    places: Iterable[tuple[Purpose, str]],
    watch: Watch,
    now_ms: int,
) -> Iterable[Message]:
    for place in sorted(places):
        data = {"visitor": visitor, "segment": place[1]}
        for webhook in watch.told.get(place, ()):
            yield Message(webhook=webhook, body=body_of(kind, data, at_ms=now_ms), visitor=visitor)


def _place(text: str) -> tuple[Purpose, str]:
    use, _, segment = text.partition("/")
    return Purpose(use), segment
