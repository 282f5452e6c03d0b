"""The store: one SQLite file that one process owns, or a PostgreSQL database.

SQLite is written by one connection and read by others. The writer alone checkpoints: SQLite
before 3.51.3 can damage a file when two connections do at once. What `writing` has left is on
disk, also when the power fails (`synchronous=FULL`).
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    bindparam,
    create_engine,
    event,
    func,
    make_url,
    select,
    true,
)
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from byleave.server.errors import StorageError

#: A PostgreSQL server that does not answer is given up after this, in seconds, unless its address
#: says otherwise by `connect_timeout`.
CONNECT_S: Final = 5
#: A process that stands still in the midst of writing is let go by PostgreSQL after this, in
#: seconds: all others wait for it.
MOST_IDLE_S: Final = 60.0

# So that a connection to a machine that is gone ends within half a minute, and not after hours.
_ALIVE: Final = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_MIGRATIONS = Path(__file__).with_name("migrations")
#: How SQLite writes. Visitors' ids are random, so writes land everywhere: 64 MiB of cache and
#: checkpoints every 16 MiB keep most pages from being read and written once per batch.
WRITER: Final = (
    "journal_mode=wal",
    "synchronous=full",
    "busy_timeout=5000",
    "cache_size=-65536",
    "wal_autocheckpoint=4000",
)
# PostgreSQL has many writers. What is learned from an event depends on what was learned before,
# so that they take turns; a transaction lasts a few milliseconds.
_ONE_WRITER = select(
    func.set_config("idle_in_transaction_session_timeout", bindparam("idle"), true()),
    func.pg_advisory_xact_lock(0x62796C65617665),
)
_ONE_MOMENT: dict[str, Any] = {
    "isolation_level": "REPEATABLE READ",
    "postgresql_readonly": True,
}
_READER = ("query_only=on", "wal_autocheckpoint=0", "busy_timeout=5000")
_DATABASE_WANTED = "expected the path of a SQLite file, or a URL such as postgresql://…"


class Storage:
    """A store that is open, with its tables brought up to date."""

    def __init__(self, database: str | Path) -> None:
        """Open the store and take it for this process.

        Args:
            database: The path of a SQLite file, made where absent, or a database URL.

        Raises:
            StorageError: Another process has it, a newer version made it, or it cannot be
                opened; the message says what to do.
        """
        url = url_of(database)
        self._guard = threading.Lock()
        self._lock: sqlite3.Connection | None = None
        if url.get_backend_name() == "sqlite":
            self._lock = _taken(url.database or "")
            # What it holds is nobody else's business.
            Path(url.database or "").touch(mode=0o600)
            self._writer = _sqlite_engine(url, WRITER, begin="BEGIN IMMEDIATE", connections=1)
            self._readers = _sqlite_engine(url, _READER, begin="BEGIN", connections=5)
        else:
            self._writer = self._readers = _postgresql_engine(url)
        try:
            with self.writing() as connection:
                _migrate(connection)
                # Nothing goes, but only what can be written gets as far.
                connection.exec_driver_sql("DELETE FROM alembic_version WHERE 1 = 0")
        except DatabaseError as error:
            self.close()
            raise StorageError(f"cannot open the database {shown(url)}: {error.orig}") from error
        except RevisionError as error:
            self.close()
            raise StorageError(
                f"{shown(url)} was made by a newer version of Byleave ({error}); use that version"
            ) from error

    @property
    def is_shared(self) -> bool:
        """Whether other processes may have the store as well."""
        return self._lock is None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give the one connection that writes; on leaving, everything or nothing is on disk."""
        with self._guard, self._writer.connect() as connection:
            try:
                with connection.begin():
                    if connection.dialect.name == "postgresql":
                        connection.execute(_ONE_WRITER, {"idle": f"{MOST_IDLE_S * 1_000:.0f}ms"})
                    yield connection
            except OperationalError:
                # After a failed write nobody knows what the connection holds: take a new one.
                connection.invalidate()
                raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one moment of the store and cannot change it."""
        with self._readers.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(**_ONE_MOMENT)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close every connection, the writer's last, and let other processes have the store."""
        self._readers.dispose()
        self._writer.dispose()
        if self._lock is not None:
            self._lock.close()


@contextmanager
def looking(database: str | Path) -> Iterator[Connection]:
    """Give a connection to a store that others may use, which sees one moment of it.

    It takes nothing and changes nothing; who cannot write a file cannot checkpoint it either.

    Raises:
        StorageError: There is no such store, or it cannot be read.
    """
    engine = _looking_engine(url_of(database))
    try:
        with engine.connect() as connection:
            try:
                with connection.begin():
                    yield connection
            except DatabaseError:
                _require_our_version(connection, shown(database))
                raise
    except DatabaseError as error:
        raise StorageError(f"cannot read the database {shown(database)}: {error.orig}") from error
    finally:
        engine.dispose()


def _require_our_version(connection: Connection, name: str) -> None:
    """Say what to do about tables that are not those of this version."""
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        raise StorageError(f"there is no store in {name} yet; `byleave serve` makes it")
    if revision != _scripts().get_current_head():
        raise StorageError(
            f"{name} was made by another version of Byleave ({revision}): use that one, or, where "
            "it is older, `byleave migrate`"
        )


def _looking_engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return _postgresql_engine(url).execution_options(**_ONE_MOMENT)
    path = Path(url.database or "")
    if not path.is_file():
        raise StorageError(f"there is no store {path}")
    url = url.set(database=path.resolve().as_uri(), query={"mode": "ro", "uri": "true"})
    return create_engine(url, hide_parameters=True)


def url_of(database: str | Path) -> URL:
    """Return the address of a store.

    Raises:
        StorageError: It is none.
    """
    text = str(database)
    if not text:
        raise StorageError(_DATABASE_WANTED)
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise StorageError(_DATABASE_WANTED) from error
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise StorageError(_DATABASE_WANTED)
    if url.get_backend_name() == "sqlite" and not url.database:
        raise StorageError("give SQLite a file: what is only in memory would not be kept")
    return url


def shown(database: str | Path | URL) -> str:
    """Return the address of a store as people may see it: without a password."""
    if not isinstance(database, URL) and "://" not in str(database):
        return str(database)
    return make_url(str(database) if isinstance(database, Path) else database).render_as_string(
        hide_password=True
    )


def _taken(path: str) -> sqlite3.Connection:
    """Hold a lock beside the database for as long as this process lives.

    The lock is SQLite's own, on a file that stays empty: it works on every system, and ends
    with the process however that ends.
    """
    try:
        lock = sqlite3.connect(
            f"{path}-lock", isolation_level=None, timeout=0, check_same_thread=False
        )
    except sqlite3.OperationalError as error:
        raise StorageError(f"cannot open the database {path}: {error}") from error
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        raise StorageError(
            f"{path} is in use by another Byleave server. One process owns a SQLite database; "
            "to run several, give them PostgreSQL with --database postgresql://…"
        ) from error
    return lock


def _sqlite_engine(url: URL, settings: tuple[str, ...], *, begin: str, connections: int) -> Engine:
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,  # they hold what visitors did, and errors are logged
        connect_args={"isolation_level": None, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _(connection: sqlite3.Connection, _record: Any) -> None:
        for setting in settings:
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgresql_engine(url: URL) -> Engine:
    # A pooler may give each transaction another session, where nothing is prepared.
    usual = {"connect_timeout": CONNECT_S, **_ALIVE}
    given = {name: value for name, value in usual.items() if name not in url.query}
    try:
        return create_engine(
            url,
            pool_pre_ping=True,
            hide_parameters=True,
            # Who waited to write has to see what was written meanwhile.
            isolation_level="READ COMMITTED",
            connect_args={"prepare_threshold": None, **given},
        )
    except ModuleNotFoundError as error:
        raise StorageError(
            "PostgreSQL needs a driver that is not installed: pip install 'byleave[postgres]'"
        ) from error


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory(_MIGRATIONS, version_locations=[_MIGRATIONS])


def _migrate(connection: Connection) -> None:
    """Bring the tables up to date, inside the transaction of `connection`."""
    scripts = _scripts()
    context = MigrationContext.configure(connection)
    steps = list(scripts.iterate_revisions("head", context.get_current_revision()))
    with Operations.context(context):
        for step in reversed(steps):
            step.module.upgrade()
            context.stamp(scripts, step.revision)
