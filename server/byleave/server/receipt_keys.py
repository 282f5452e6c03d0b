"""The keys that sign receipts: the first follows from the site's secret, later ones are stored.

They travel in the snapshot, so that whoever decides can sign and whoever counts can check. None
is ever forgotten: by a key that is accepted no more, a receipt can still be looked up.
"""

from sqlalchemy import Connection, select

from byleave.experiments.snapshot import ReceiptKey
from byleave.server import schema
from byleave.server.audit import Action, note
from byleave.server.batches import add_rows
from byleave.server.sites import Entropy, Site


def receipt_keys(connection: Connection, site: Site) -> tuple[ReceiptKey, ...]:
    """Return all receipt keys that a site ever had, the oldest first."""
    keys = schema.receipt_keys
    rows = connection.execute(
        select(keys).where(keys.c.site == site.key).order_by(keys.c.number)
    ).all()
    first = ReceiptKey(key=site.derived("receipt"), since_ms=0)
    return (first, *(ReceiptKey(key=row.secret, since_ms=row.since_ms) for row in rows))


def add_receipt_key(
    connection: Connection, site: Site, *, author: str, entropy: Entropy, now_ms: int
) -> ReceiptKey:
    """Make the successor of a site's newest receipt key; it takes a publication to be used."""
    keys = receipt_keys(connection, site)
    number = len(keys) + 1
    key = ReceiptKey(
        key=entropy(f"receipt/{number}").hex(), since_ms=max(now_ms, keys[-1].since_ms)
    )
    add_rows(connection, schema.receipt_keys, [(site.key, number, key.key, key.since_ms)])
    note(
        connection,
        site,
        Action.RECEIPT_KEY_CREATED,
        author=author,
        subject=str(number),
        now_ms=now_ms,
    )
    return key
