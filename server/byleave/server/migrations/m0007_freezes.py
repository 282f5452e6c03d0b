"""Freezes: runs whose weights do not follow what is learned."""

from alembic import op
from sqlalchemy import BigInteger, Column, String

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "freezes",
        Column("site", String, primary_key=True),
        Column("run", String, primary_key=True),
        Column("since_ms", BigInteger, primary_key=True, autoincrement=False),
        Column("thawed_ms", BigInteger),
        sqlite_with_rowid=False,
    )
