"""The keys that sign receipts: the first follows from the site's secret, later ones are stored.

They travel in the snapshot, so that whoever decides can sign and whoever counts can check. None
is forgotten that was not revoked: by a key that is accepted no more, a receipt can still be
looked up.
"""

from sqlalchemy import Connection, delete, select

from byleave.experiments.snapshot import ReceiptKey
from byleave.server import schema
from byleave.server.audit import Action, note
from byleave.server.batches import add_rows
from byleave.server.sites import Entropy, Site


def receipt_keys(connection: Connection, site: Site) -> tuple[ReceiptKey, ...]:
    """Return all receipt keys that a site ever had and never revoked, the oldest first."""
    keys = schema.receipt_keys
    rows = connection.execute(
        select(keys).where(keys.c.site == site.key).order_by(keys.c.number)
    ).all()
    known = {1: ReceiptKey(key=site.derived("receipt"), since_ms=0)} | {
        row.number: ReceiptKey(key=row.secret, since_ms=row.since_ms) for row in rows
    }
    return tuple(key for key in known.values() if key.key)


def add_receipt_key(
    connection: Connection,
    site: Site,
    *,
    author: str,
    entropy: Entropy,
    now_ms: int,
    revoke: bool = False,
) -> ReceiptKey:
    """Make the successor of a site's newest receipt key; it takes a publication to be used.

    If it is to `revoke` those before it, they are forgotten, and it signs at once.
    """
    keys = schema.receipt_keys
    newest = connection.execute(
        select(keys).where(keys.c.site == site.key).order_by(keys.c.number.desc()).limit(1)
    ).first()
    number, before_ms = (1, 0) if newest is None else (newest.number, newest.since_ms)
    number += 1
    key = ReceiptKey(key=entropy(f"receipt/{number}").hex(), since_ms=max(now_ms, before_ms))
    if revoke:
        connection.execute(delete(keys).where(keys.c.site == site.key))
        add_rows(connection, keys, [(site.key, 1, "", 0)])
    add_rows(connection, keys, [(site.key, number, key.key, key.since_ms)])
    note(
        connection,
        site,
        Action.RECEIPT_KEYS_REVOKED if revoke else Action.RECEIPT_KEY_CREATED,
        author=author,
        subject=str(number),
        now_ms=now_ms,
    )
    return key
