"""Receipt keys: the successors of the one that follows from a site's secret."""

from alembic import op
from sqlalchemy import BigInteger, Column, String

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the table; a site without a row signs by its first key, as before."""
    op.create_table(
        "receipt_keys",
        Column("site", String, primary_key=True),
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        Column("secret", String, nullable=False),
        Column("since_ms", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
