"""Statements that do a whole batch at once, on SQLite and on PostgreSQL.

A batch crosses the driver as one JSON text and is unfolded inside the database: no row of it
takes the interpreter lock by itself, so that decisions go on while events are stored. This
module is the only one that knows how the two databases differ in this.

Rows are given in the order of the table's columns.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Insert,
    Row,
    Select,
    String,
    Subquery,
    Table,
    bindparam,
    cast,
    delete,
    func,
    literal_column,
    select,
    true,
    tuple_,
    union,
)
from sqlalchemy.dialects import postgresql, sqlite

Rows = Sequence[Sequence[Any]]


def add_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows that are not there yet.

    Raises:
        IntegrityError: One is; none is inserted.
    """
    _run(connection, _insert(connection.dialect.name, table), rows)


def put_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows, or replace those that have the same key."""
    _run(connection, _put(connection.dialect.name, table), rows)


def put_later_rows(connection: Connection, table: Table, rows: Rows, *, by: Sequence[str]) -> None:
    """Insert rows, or replace those that have the same key and come before them.

    The outcome is the same in whatever order rows come, also over several calls.

    Args:
        connection: Where to.
        table: The table.
        rows: The rows.
        by: The columns that say which of two rows comes later; they must decide it.
    """
    keys = [i for i, column in enumerate(table.c) if column.primary_key]
    order = [i for name in by for i, column in enumerate(table.c) if column.name == name]
    latest: dict[tuple[Any, ...], Sequence[Any]] = {}
    for row in rows:
        key = tuple(row[i] for i in keys)
        known = latest.get(key)
        if known is None or [known[i] for i in order] < [row[i] for i in order]:
            latest[key] = row
    _run(connection, _put_later(connection.dialect.name, table, tuple(by)), [*latest.values()])


def add_new_row(connection: Connection, table: Table, row: Sequence[Any]) -> bool:
    """Insert a row unless its key is there already; return whether it was inserted."""
    statement = _insert(connection.dialect.name, table).on_conflict_do_nothing()
    return bool(connection.execute(statement, {"rows": _as_json([row])}).rowcount)


def count_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows of counters, or add to those that have the same key.

    The rows are sorted, so that two writers touch the counters in the same order and cannot
    wait for each other.
    """
    _run(connection, _count(connection.dialect.name, table), sorted(map(tuple, rows)))


def find_rows(
    connection: Connection, table: Table, *, site: str, **wanted: Collection[str]
) -> Sequence[Row[Any]]:
    """Return the rows of a site that have, in each given column, one of its values.

    Give the column first by which the rows are found: it is looked up in its index value by
    value; further columns only filter.
    """
    if not all(wanted.values()):
        return []
    statement = _find(connection.dialect.name, table, tuple(wanted))
    return connection.execute(statement, {"site": site, **_unfoldable(wanted)}).all()


def find_frequent(
    connection: Connection, table: Table, *, site: str, most: int, **wanted: Collection[str]
) -> Sequence[Row[Any]]:
    """Return the values of the given columns that more rows have than `most`.

    The columns have to be those that follow the site in an index; the rows are not read.
    """
    if not all(wanted.values()):
        return []
    statement = _find_frequent(connection.dialect.name, table, tuple(wanted))
    values = {"site": site, "most": most, **_unfoldable(wanted)}
    return connection.execute(statement, values).all()


def site_rows(connection: Connection, table: Table, *, site: str) -> Sequence[Row[Any]]:
    """Return every row of a site, of a table that has few."""
    return connection.execute(_of_site(table), {"site": site}).all()


def next_texts(
    connection: Connection, columns: Sequence[Column[str]], *, site: str, after: str, most: int
) -> Sequence[str]:
    """Return the different texts in some columns that follow one, in the order of the database.

    Args:
        connection: The store.
        columns: Each of a table of its own, and the first after the site in an index of it.
        site: The site's key.
        after: Leaves out what does not come after it; '' leaves out only itself.
        most: How many are returned at most.
    """
    each = [
        select(column.label("text"))
        .where(column.table.c.site == site, column > after)
        .distinct()
        .order_by(column)
        .limit(most)
        .subquery()
        .select()
        for column in columns
    ]
    found = union(*each).subquery().c.text
    return connection.execute(select(found).order_by(found).limit(most)).scalars().all()


def drop_rows(connection: Connection, table: Table, *, site: str, column: str, value: str) -> None:
    """Delete the rows of a site that have a value in a column."""
    connection.execute(delete(table).where(table.c.site == site, table.c[column] == value))


def _run(connection: Connection, statement: Insert, rows: Rows) -> None:
    if rows:
        connection.execute(statement, {"rows": _as_json(rows)})


def _as_json(rows: Rows) -> str:
    return msgspec.json.encode(rows).decode()


def _unfoldable(wanted: Mapping[str, Collection[str]]) -> dict[str, str]:
    return {name: _as_json([*zip({*values}, strict=True)]) for name, values in wanted.items()}


@cache
def _insert(dialect: str, table: Table) -> Any:
    kind = postgresql.insert if dialect == "postgresql" else sqlite.insert
    rows = _unfolded(dialect, list(table.c))
    # SQLite cannot tell ON CONFLICT from a join's ON without a WHERE between them.
    return kind(table).from_select(list(table.c.keys()), select(rows).where(true()))


@cache
def _put(dialect: str, table: Table) -> Any:
    insert = _insert(dialect, table)
    changed = {c.name: insert.excluded[c.name] for c in table.c if not c.primary_key}
    return insert.on_conflict_do_update(index_elements=table.primary_key, set_=changed)


@cache
def _put_later(dialect: str, table: Table, by: tuple[str, ...]) -> Any:
    insert = _insert(dialect, table)
    changed = {c.name: insert.excluded[c.name] for c in table.c if not c.primary_key}
    kept, coming = (
        tuple_(*(_in_bytes(dialect, c[n]) for n in by)) for c in (table.c, insert.excluded)
    )
    return insert.on_conflict_do_update(
        index_elements=table.primary_key, set_=changed, where=coming > kept
    )


def _in_bytes(dialect: str, column: Any) -> Any:
    """Return a column that is compared as Python does: texts by their bytes."""
    is_text = dialect == "postgresql" and isinstance(column.type, String)
    return column.collate("C") if is_text else column


@cache
def _count(dialect: str, table: Table) -> Any:
    insert = _insert(dialect, table)
    sums = {c.name: c + insert.excluded[c.name] for c in table.c if not c.primary_key}
    return insert.on_conflict_do_update(index_elements=table.primary_key, set_=sums)


@cache
def _of_site(table: Table) -> Select[Any]:
    return select(table).where(table.c.site == bindparam("site"))


@cache
def _find(dialect: str, table: Table, columns: tuple[str, ...]) -> Select[Any]:
    found = [
        table.c[name].in_(select(_unfolded(dialect, [table.c[name]], parameter=name)))
        for name in columns
    ]
    return select(table).where(table.c.site == bindparam("site"), *found)


@cache
def _find_frequent(dialect: str, table: Table, columns: tuple[str, ...]) -> Select[Any]:
    alike = [table.c[name] for name in columns]
    found = _find(dialect, table, columns).with_only_columns(*alike)
    return found.group_by(*alike).having(func.count() > bindparam("most"))


def _unfolded(dialect: str, columns: Sequence[Column[Any]], *, parameter: str = "rows") -> Subquery:
    """Return the rows that a parameter brings as JSON, as a table expression."""
    if dialect == "postgresql":
        rows = cast(bindparam(parameter), postgresql.JSONB)
        row: Any = func.jsonb_array_elements(rows).column_valued("row")
        parts = [
            cast(row.op("->>")(literal_column(str(i))), column.type).label(column.name)
            for i, column in enumerate(columns)
        ]
    else:
        row = func.json_each(bindparam(parameter)).table_valued("value").c.value
        parts = [
            func.json_extract(row, literal_column(f"'$[{i}]'"), type_=column.type).label(
                column.name
            )
            for i, column in enumerate(columns)
        ]
    return select(*parts).subquery("incoming")
