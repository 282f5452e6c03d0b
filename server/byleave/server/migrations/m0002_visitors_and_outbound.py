"""Visitors who are one person, and what is told to other systems."""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, String, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables of merged visitors, of webhooks and of what they wait for."""
    _create("aliases", _key("alias"), visitor=String, merged_ms=BigInteger)
    op.create_index("aliases_by_visitor", "aliases", ["site", "visitor"])
    _create("webhooks", _key("webhook"), url=Text, secret=String, topics=Text, use=String)
    _create(
        "outbox",
        _key("id"),
        Column("visitor", String),
        webhook=String,
        body=Text,
        created_ms=BigInteger,
        due_ms=BigInteger,
        attempts=BigInteger,
        failure=Text,
    )
    op.create_index("outbox_by_due", "outbox", ["site", "due_ms"])
    op.create_index("outbox_by_visitor", "outbox", ["site", "visitor"])
    _create("watched", _key("visitor"), due_ms=BigInteger)
    op.create_index("watched_by_due", "watched", ["site", "due_ms"])
    _create("memberships", _key("visitor"), _key("segment"), since_ms=BigInteger)
    _create("experiment_statuses", _key("experiment"), status=String, since_ms=BigInteger)


def _key(name: str) -> Column[Any]:
    return Column(name, String, primary_key=True)


def _create(name: str, *columns: Column[Any], **required: Any) -> None:
    rest = [Column(key, kind, nullable=False) for key, kind in required.items()]
    op.create_table(name, _key("site"), *columns, *rest, sqlite_with_rowid=False)
