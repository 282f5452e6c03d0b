"""Seals of strata, and how soon the erased reached their goals."""

from alembic import op
from sqlalchemy import BigInteger, Column, String

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the tables, and tell SQLite's planner that a stratum is one seal."""
    op.create_table(
        "seals",
        Column("site", String, primary_key=True),
        Column("stratum", String, primary_key=True),
        Column("run", String, nullable=False),
        Column("sealed_ms", BigInteger, nullable=False),
        Column("checksum", String, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "delay_ledger",
        Column("site", String, primary_key=True),
        Column("run", String, primary_key=True),
        Column("stratum", String, primary_key=True),
        Column("goal", String, primary_key=True),
        Column("bucket", BigInteger, primary_key=True, autoincrement=False),
        Column("units", BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "sqlite":
        op.get_bind().exec_driver_sql(
            "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)",
            ("seals", "seals", "10000 10000 1"),
        )
        op.execute("ANALYZE sqlite_schema")
