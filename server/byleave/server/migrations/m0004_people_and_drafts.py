"""People and their sessions, keys that expire, drafts, and who changed what."""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, String, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables of people, sessions, drafts and the audit trail; let keys expire."""
    op.add_column("api_keys", Column("expires_ms", BigInteger))
    op.add_column("definition_versions", Column("revision", String))
    _create("people", _key("email"), role=String, password_hash=String, created_ms=BigInteger)
    _create(
        "sessions", _key("session_hash"), email=String, created_ms=BigInteger, seen_ms=BigInteger
    )
    op.create_index("sessions_by_hash", "sessions", ["session_hash"])
    _create("sign_in_failures", _key("subject"), times=BigInteger, last_ms=BigInteger)
    _create(
        "drafts", _key("draft"), definitions=Text, base=BigInteger, author=Text, at_ms=BigInteger
    )
    _create(
        "audit",
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        at_ms=BigInteger,
        author=Text,
        action=String,
        subject=Text,
        reason=Text,
    )


def _key(name: str) -> Column[Any]:
    return Column(name, String, primary_key=True)


def _create(name: str, *columns: Column[Any], **required: Any) -> None:
    op.create_table(
        name,
        Column("site", String, primary_key=True),
        *columns,
        *(Column(key, kind, nullable=False) for key, kind in required.items()),
        sqlite_with_rowid=False,
    )
