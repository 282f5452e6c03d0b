"""An index by which the messages of one webhook are found, the oldest first."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the index."""
    op.create_index("outbox_by_webhook", "outbox", ["site", "webhook", "id"])
