"""What sites count of nobody in particular."""

from alembic import op
from sqlalchemy import BigInteger, Column, String

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables of counters and of the reports that were added to them."""
    op.create_table(
        "counters",
        Column("site", String, primary_key=True),
        Column("day", BigInteger, primary_key=True, autoincrement=False),
        Column("name", String, primary_key=True),
        Column("times", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "counter_reports",
        Column("site", String, primary_key=True),
        Column("report", String, primary_key=True),
        Column("received_ms", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
