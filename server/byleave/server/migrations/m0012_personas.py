"""Personas: people made up, whom somebody saved to look at the site as."""

from alembic import op
from sqlalchemy import BigInteger, Column, String, Text

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "personas",
        Column("site", String, primary_key=True),
        Column("persona", String, primary_key=True),
        Column("said", Text, nullable=False),
        Column("author", Text, nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
