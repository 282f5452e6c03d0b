"""Leases: which of several processes does what all of them could."""

from alembic import op
from sqlalchemy import BigInteger, Column, String

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "leases",
        Column("site", String, primary_key=True),
        Column("job", String, primary_key=True),
        Column("holder", String, nullable=False),
        Column("until_ms", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
