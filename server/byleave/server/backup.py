"""Backups: one SQLite file with all that a store holds at one moment, whatever the store is.

A backup is made while the store is in use, and is itself a store: the server could be started
on it. So a backup of SQLite can be restored into PostgreSQL, and the other way round.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Table, func, select, update
from sqlalchemy.exc import DatabaseError

from byleave.server import schema
from byleave.server.batches import add_rows
from byleave.server.errors import StorageError
from byleave.server.storage import Storage, looking, url_of

_ROWS_AT_ONCE: Final = 2_000
#: Rows that hold an image each are longer than others by far.
_IMAGES_AT_ONCE: Final = 20
#: What a store in a file consists of.
_BESIDE: Final = ("", "-wal", "-shm", "-lock")


def back_up(database: str | Path, target: Path) -> None:
    """Write everything that a store holds now to a new file; the store may be in use.

    The file appears under its name only once it is whole and on disk.

    Raises:
        StorageError: There is no such store, it cannot be read, or there is a file already.
    """
    partial = target.with_name(f"{target.name}.partial")
    url = url_of(database)
    try:
        if target.exists():
            raise StorageError(f"{target} is there already; nothing was written")
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)
        if url.get_backend_name() == "sqlite":
            _copy_file(Path(url.database or ""), partial)
        else:
            _copy_rows(database, partial)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.rename(target)
    except (sqlite3.Error, DatabaseError, OSError) as error:
        raise StorageError(f"no backup was made: {_reason(error)}") from error
    finally:
        for suffix in _BESIDE:
            with suppress(OSError):
                Path(f"{partial}{suffix}").unlink(missing_ok=True)


def restore(backup: Path, database: str | Path, *, now_ms: int) -> list[str]:
    """Fill an empty store from a backup, and return the keys of the sites in it.

    The generation of each site rises: what its servers publish from now on is newer than all
    that was published after the backup, and never has the name of any of it.

    Raises:
        StorageError: There is no such backup, it is damaged, or the store is in use or not
            empty.
    """
    check_backup(backup)
    storage = Storage(database)
    try:
        with storage.reading() as connection:
            _refuse_filled(connection)
        # Copied first: nobody waits in the midst of writing for as long as that takes.
        with _brought_up_to_date(backup) as source, storage.writing() as connection:
            _refuse_filled(connection)
            _fill(connection, source)
            connection.execute(
                update(schema.sites).values(
                    generation=schema.sites.c.generation + 1, number=1, published_ms=now_ms
                )
            )
            return list(connection.execute(select(schema.sites.c.site)).scalars())
    finally:
        storage.close()


def check_backup(backup: Path) -> None:
    """Make sure that a file is a whole backup of a version that this one can read.

    Raises:
        StorageError: It is not; the message says what is wrong.
    """
    if not backup.is_file():
        raise StorageError(f"there is no backup {backup}")
    if not is_whole(backup):
        raise StorageError(f"{backup} is not a backup, or is damaged")
    try:
        with closing(_read_only(backup)) as connection:
            connection.execute("SELECT site, generation FROM sites").fetchall()
    except sqlite3.Error as error:
        raise StorageError(f"{backup} is not a backup: {error}") from error


def is_whole(path: Path) -> bool:
    """Return whether a SQLite file is as SQLite left it; it may be in use.

    Raises:
        StorageError: It cannot be read, which says nothing about what is in it.
    """
    try:
        with closing(_read_only(path)) as connection:
            return bool(connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok")
    except sqlite3.OperationalError as error:
        raise StorageError(f"cannot read {path}: {error}") from error
    except sqlite3.DatabaseError:
        return False


def _copy_file(source: Path, target: Path) -> None:
    """Copy a SQLite store in one step, which sees one moment and holds up no writer."""
    if not source.is_file():
        raise StorageError(f"there is no store {source}")
    with closing(_read_only(source)) as reader, closing(sqlite3.connect(target)) as writer:
        reader.backup(writer, pages=-1)
        # One file, without the log beside it.
        writer.execute("PRAGMA journal_mode=delete")


def _copy_rows(database: str | Path, target: Path) -> None:
    """Copy all rows of a store that one transaction sees."""
    with looking(database) as source:
        copy = Storage(target)
        try:
            _copy_tables(source, copy)
        finally:
            copy.close()


def _copy_tables(source: Connection, copy: Storage) -> None:
    for table in schema.metadata.sorted_tables:
        rows = source.execution_options(yield_per=_at_once(table)).execute(select(table))
        for some in rows.partitions():
            with copy.writing() as connection:
                add_rows(connection, table, [tuple(row) for row in some])


def _refuse_filled(connection: Connection) -> None:
    if connection.execute(select(func.count()).select_from(schema.sites)).scalar_one():
        raise StorageError("the store is not empty; restore into a new one")


def _fill(connection: Connection, source: Storage) -> None:
    """Insert all rows of a store."""
    with source.reading() as reading:
        for table in schema.metadata.sorted_tables:
            rows = reading.execution_options(yield_per=_at_once(table)).execute(select(table))
            for some in rows.partitions():
                add_rows(connection, table, [tuple(row) for row in some])


@contextmanager
def _brought_up_to_date(backup: Path) -> Iterator[Storage]:
    """Give a copy of a backup, brought up to date where it is older."""
    newer = backup.with_name(f"{backup.name}.restoring")
    try:
        with closing(_read_only(backup)) as reader, closing(sqlite3.connect(newer)) as writer:
            reader.backup(writer, pages=-1)
        source = Storage(newer)
        try:
            yield source
        finally:
            source.close()
    except sqlite3.Error as error:
        raise StorageError(f"no copy could be made for a moment, {newer}: {error}") from error
    finally:
        for suffix in _BESIDE:
            with suppress(OSError):
                Path(f"{newer}{suffix}").unlink(missing_ok=True)


def _at_once(table: Table) -> int:
    return _IMAGES_AT_ONCE if table is schema.images else _ROWS_AT_ONCE


def _read_only(path: Path) -> sqlite3.Connection:
    """Open a file that may be in use; who cannot write it cannot checkpoint it either."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
    connection.execute("PRAGMA query_only=on")
    return connection


def _reason(error: Any) -> str:
    return str(getattr(error, "orig", None) or error)
