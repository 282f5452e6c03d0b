"""Management: which objects of a version are looked after in files, and which in the console."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column; of what was published before, nobody has said it."""
    column = Column("managed", Text, nullable=False, server_default="{}")
    op.add_column("definition_versions", column)
