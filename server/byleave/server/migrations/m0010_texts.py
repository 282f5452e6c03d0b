"""Texts: how somebody wrote an object of the definitions, with the comments in it."""

from alembic import op
from sqlalchemy import Column, String, Text

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column to drafts, and the table for what is published; older ones have no text."""
    op.add_column("drafts", Column("text", Text))
    op.create_table(
        "texts",
        Column("site", String, primary_key=True),
        Column("place", String, primary_key=True),
        Column("text", Text, nullable=False),
        sqlite_with_rowid=False,
    )
