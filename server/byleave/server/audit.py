"""The audit trail: who changed what, when and why. Entries are added and never changed."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, func, insert, select

from byleave.server import schema
from byleave.server.sites import Site


class Action(StrEnum):
    """What was done."""

    PUBLISHED = "definitions.published"
    DRAFT_PUT = "draft.put"
    DRAFT_REMOVED = "draft.removed"
    PERSONA_PUT = "persona.put"
    PERSONA_REMOVED = "persona.removed"
    KEY_CREATED = "key.created"
    KEY_ENDED = "key.ended"
    KEY_REMOVED = "key.removed"
    RECEIPT_KEY_CREATED = "receipt-key.created"
    RECEIPT_KEYS_REVOKED = "receipt-keys.revoked"
    PERSON_PUT = "person.put"
    PERSON_REMOVED = "person.removed"
    IMAGE_ADDED = "image.added"
    IMAGE_REMOVED = "image.removed"
    FROZEN = "weights.frozen"
    THAWED = "weights.thawed"
    PURGED = "visitors.purged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that was done.

    Attributes:
        number: 1, 2, … within the site.
        at_ms: When.
        author: Who.
        action: What.
        subject: To what.
        reason: Why, in their words.
    """

    number: int
    at_ms: int
    author: str
    action: str
    subject: str
    reason: str


def note(
    connection: Connection,
    site: Site,
    action: Action,
    *,
    author: str,
    subject: str,
    now_ms: int,
    reason: str = "",
) -> None:
    """Add an entry; it is kept if what it tells of is, by the same commit."""
    audit = schema.audit
    newest = select(func.coalesce(func.max(audit.c.number), 0)).where(audit.c.site == site.key)
    connection.execute(
        insert(audit).values(
            site=site.key,
            number=connection.execute(newest).scalar_one() + 1,
            at_ms=now_ms,
            author=author,
            action=str(action),
            subject=subject,
            reason=reason,
        )
    )


def entries(
    connection: Connection, site: Site, *, before: int | None = None, limit: int = 100
) -> list[Entry]:
    """Return the newest entries, the newest first; `before` a number, to read on."""
    audit = schema.audit
    wanted = select(audit).where(audit.c.site == site.key)
    if before is not None:
        wanted = wanted.where(audit.c.number < before)
    rows = connection.execute(wanted.order_by(audit.c.number.desc()).limit(limit))
    return [
        Entry(
            number=row.number,
            at_ms=row.at_ms,
            author=row.author,
            action=row.action,
            subject=row.subject,
            reason=row.reason,
        )
        for row in rows
    ]
