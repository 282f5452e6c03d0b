"""The outbox: messages that are written with what they tell of, and go once they were taken.

A message is in the transaction that stores its cause, so none is lost and none is made up. It is
sent until the receiver takes it; a receiver may therefore see one twice, and knows it by its id.
"""

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, select, update

from byleave.server import schema
from byleave.server.batches import add_rows, drop_rows
from byleave.server.sites import Site

_SECOND_MS: Final = 1_000
_HOUR_MS: Final = 3_600_000

#: How long after each failed attempt the next one comes, as Standard Webhooks advises.
BACKOFF_MS: Final = tuple(
    seconds * _SECOND_MS
    for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
#: Who took a message to send it, and was never heard of again, loses it after this.
LEASE_MS: Final = 60 * _SECOND_MS
#: A webhook that does not answer in time is asked nothing for so long: others would wait for it.
REST_MS: Final = 30 * _SECOND_MS
#: Messages that no attempt is left for are kept this long, to be seen.
KEPT_MS: Final = 30 * 24 * _HOUR_MS
#: More messages than these are not kept for a webhook that does not take them.
MOST_KEPT: Final = 250_000
#: So many are let go by one transaction, so that events do not wait for long.
_DROPPED_AT_ONCE: Final = 5_000
#: The due time of a message that is not tried again by itself.
NEVER_MS: Final = 2**62

# Messages of one moment go in the order in which they were written.
_written = count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something that a webhook is to be told; `visitor` is whom it is about."""

    webhook: str
    body: str
    visitor: str | None = None


def add_messages(
    connection: Connection, site: Site, messages: Iterable[Message], *, now_ms: int
) -> None:
    """Write messages that are due at once."""
    rows = [
        (
            site.key,
            f"msg_{now_ms:013d}{next(_written):08x}{secrets.token_hex(8)}",
            each.visitor,
            each.webhook,
            each.body,
            now_ms,
            now_ms,
            0,
            "",
        )
        for each in messages
    ]
    add_rows(connection, schema.outbox, rows)


def claim(
    connection: Connection, site: Site, *, most: int, resting: Collection[str] = (), now_ms: int
) -> Sequence[Row[Any]]:
    """Return messages that are due, oldest first, and hold them back from others meanwhile.

    Args:
        connection: The store.
        site: The site.
        most: How many are returned at most.
        resting: The webhooks that are asked nothing for now.
        now_ms: The time.
    """
    outbox = schema.outbox.c
    rows = connection.execute(
        select(schema.outbox)
        .where(
            outbox.site == site.key,
            outbox.due_ms <= now_ms,
            outbox.webhook.not_in(resting),
        )
        .order_by(outbox.due_ms, outbox.id)
        .limit(most)
    ).all()
    if rows:
        connection.execute(
            update(schema.outbox)
            .where(outbox.site == site.key, outbox.id.in_([row.id for row in rows]))
            .values(due_ms=now_ms + LEASE_MS)
        )
    return rows


def settle_taken(connection: Connection, site: Site, message: str) -> None:
    """Let a message go that was taken."""
    drop_rows(connection, schema.outbox, site=site.key, column="id", value=message)


def settle_failed(
    connection: Connection, site: Site, row: Row[Any], why: str, *, draw: Random, now_ms: int
) -> None:
    """Put a message back for later, or aside when no attempt is left."""
    outbox = schema.outbox.c
    due_ms = NEVER_MS
    if row.attempts < len(BACKOFF_MS):
        due_ms = now_ms + round(BACKOFF_MS[row.attempts] * draw.uniform(0.8, 1.2))
    connection.execute(
        update(schema.outbox)
        .where(outbox.site == site.key, outbox.id == row.id)
        .values(attempts=row.attempts + 1, due_ms=due_ms, failure=why)
    )


def try_again(connection: Connection, site: Site, webhook: str, *, now_ms: int) -> int:
    """Send what a webhook did not take once more, from now on; return how much that is."""
    outbox = schema.outbox.c
    return connection.execute(
        update(schema.outbox)
        .where(outbox.site == site.key, outbox.webhook == webhook, outbox.attempts > 0)
        .values(due_ms=now_ms, attempts=0)
    ).rowcount


def drop_untold(
    connection: Connection, site: Site, visitor: str, webhooks: Collection[str], *, but: str
) -> None:
    """Delete what some webhooks were still to be told of a visitor, but bodies that begin so."""
    outbox = schema.outbox.c
    connection.execute(
        delete(schema.outbox).where(
            outbox.site == site.key,
            outbox.visitor == visitor,
            outbox.webhook.in_(webhooks),
            ~outbox.body.startswith(but, autoescape=True),
        )
    )


def drop_oldest(connection: Connection, site: Site, webhook: str) -> int:
    """Delete the oldest messages of a webhook that has too many; return how many."""
    outbox = schema.outbox.c
    is_its = (outbox.site == site.key) & (outbox.webhook == webhook)
    newest = select(outbox.id).where(is_its).order_by(outbox.id.desc())
    first_too_many = connection.scalar(newest.offset(MOST_KEPT).limit(1))
    if first_too_many is None:
        return 0
    oldest = select(outbox.id).where(is_its, outbox.id <= first_too_many).order_by(outbox.id)
    return connection.execute(
        delete(schema.outbox).where(
            outbox.site == site.key, outbox.id.in_(oldest.limit(_DROPPED_AT_ONCE))
        )
    ).rowcount


def drop_given_up(connection: Connection, site: Site, *, now_ms: int) -> int:
    """Delete messages that nobody took for a month; return how many."""
    outbox = schema.outbox.c
    return connection.execute(
        delete(schema.outbox).where(
            outbox.site == site.key,
            outbox.due_ms == NEVER_MS,
            outbox.created_ms < now_ms - KEPT_MS,
        )
    ).rowcount


def waiting(connection: Connection, site: Site) -> dict[str, tuple[int, int]]:
    """Return how many messages wait for each webhook, and how many are put aside."""
    outbox = schema.outbox.c
    is_aside = outbox.due_ms == NEVER_MS
    rows = connection.execute(
        select(outbox.webhook, func.count(), func.count().filter(is_aside))
        .where(outbox.site == site.key)
        .group_by(outbox.webhook)
    ).all()
    return {webhook: (every - aside, aside) for webhook, every, aside in rows}
