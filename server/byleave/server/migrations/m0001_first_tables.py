"""The first tables."""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Float, String, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table of the first version."""
    _create(
        "sites",
        secret=String,
        generation=BigInteger,
        number=BigInteger,
        published_ms=BigInteger,
        is_simulated=Boolean,
    )
    _create(
        "definition_versions",
        _key("generation", BigInteger),
        _key("number", BigInteger),
        definitions=Text,
        reason=Text,
        author=Text,
        published_ms=BigInteger,
    )
    _create(
        "runs",
        _key("run"),
        Column("ended_ms", BigInteger),
        experiment=String,
        ordinal=BigInteger,
        seed=String,
        definition=Text,
        started_ms=BigInteger,
        conflicts=BigInteger,
    )
    op.create_index("runs_by_experiment", "runs", ["site", "experiment", "ordinal"], unique=True)
    _create(
        "allocations",
        _key("allocation"),
        Column("closed_ms", BigInteger),
        run=String,
        sequence=BigInteger,
        cell_index=BigInteger,
        cell=String,
        weights=Text,
        opened_ms=BigInteger,
        draw_until_ms=BigInteger,
        inputs=Text,
    )
    op.create_index(
        "allocations_by_run", "allocations", ["site", "run", "sequence", "cell_index"], unique=True
    )
    _create(
        "events",
        _key("id"),
        Column("name", String),
        visitor=String,
        at_ms=BigInteger,
        received_ms=BigInteger,
        body=Text,
    )
    op.create_index("events_by_visitor", "events", ["site", "visitor", "name"])
    _create(
        "enrolments",
        _key("unit"),
        _key("run"),
        stratum=String,
        arm=String,
        assigned_ms=BigInteger,
        event=String,
        segments=Text,
        is_conflict=Boolean,
    )
    _create(
        "outcomes",
        _key("unit"),
        _key("run"),
        _key("goal"),
        Column("delay_ms", BigInteger),
        value=Float,
    )
    for name in ("stratum_stats", "ledger"):
        _create(
            name,
            *map(_key, ("run", "stratum", "arm", "goal", "segment")),
            units=BigInteger,
            reached=BigInteger,
            total=Float,
            squares=Float,
        )
    _create(
        "delay_stats",
        _key("run"),
        _key("stratum"),
        _key("goal"),
        _key("bucket", BigInteger),
        units=BigInteger,
    )
    _create(
        "consents",
        _key("visitor_hash"),
        _key("number", BigInteger),
        at_ms=BigInteger,
        received_ms=BigInteger,
        record=Text,
    )
    _create("tombstones", _key("visitor_hash"), erased_ms=BigInteger, cause=String)
    _create(
        "server_attributes",
        _key("visitor"),
        _key("attribute"),
        value=Text,
        observed_ms=BigInteger,
    )
    _create("api_keys", _key("key"), role=String, secret_hash=String, created_ms=BigInteger)
    if op.get_bind().dialect.name == "sqlite":
        _tell_planner()


def _tell_planner() -> None:
    """Say how much each column of an index narrows a search down, as ANALYZE would find later.

    Without being told, SQLite takes a site for ten rows and reads all of it to find a visitor.
    The figures are those of https://sqlite.org/fileformat2.html#stat1tab: rows of the index,
    then rows that share its first column, its first two, and so on.
    """
    op.execute("ANALYZE")
    op.get_bind().exec_driver_sql(
        "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)",
        [
            ("events", "events", "1000000 1000000 1"),
            ("events", "events_by_visitor", "1000000 1000000 10 2"),
            ("allocations", "allocations", "10000 10000 1"),
            ("allocations", "allocations_by_run", "10000 10000 500 2 1"),
        ],
    )
    op.execute("ANALYZE sqlite_schema")


def _key(name: str, kind: Any = String) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _create(name: str, *columns: Column[Any], **required: Any) -> None:
    rest = [Column(key, kind, nullable=False) for key, kind in required.items()]
    op.create_table(name, _key("site"), *columns, *rest, sqlite_with_rowid=False)
