"""Images: what people uploaded for variants to show."""

from alembic import op
from sqlalchemy import BigInteger, Column, String, Text

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the table; variants showed images at addresses of the site alone before."""
    op.create_table(
        "images",
        Column("site", String, primary_key=True),
        Column("image", String, primary_key=True),
        Column("file", Text, nullable=False),
        Column("width", BigInteger, nullable=False),
        Column("height", BigInteger, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("author", Text, nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("data", Text, nullable=False),
        sqlite_with_rowid=False,
    )
