"""Opening a store: new, again, twice at once, damaged, from a newer version."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, event, insert, select, update
from sqlalchemy.exc import OperationalError

from byleave.server import schema
from byleave.server.backup import back_up
from byleave.server.errors import StorageError
from byleave.server.service import Service
from byleave.server.storage import Storage, looking

KEY = {"site": "shop", "key": "server_1", "role": "server", "secret_hash": "", "created_ms": 1}


def test_migrations_lead_to_exactly_the_tables_of_the_schema(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "new.db")

    with storage.reading() as connection:
        found = compare_metadata(MigrationContext.configure(connection), schema.metadata)
    storage.close()

    assert found == []


def look(database: str) -> None:
    with looking(database):
        pass


def save(database: str) -> None:
    back_up(database, Path("never.db"))


@pytest.mark.parametrize("use", [Storage, look, save])
@pytest.mark.parametrize(
    ("address", "seconds"),
    [("postgresql://db.example/x", 5), ("postgresql://db.example/x?connect_timeout=20", "20")],
)
def test_a_database_that_does_not_answer_is_given_up(
    address: str,
    seconds: object,
    use: Callable[[str], object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    asked: list[dict[str, Any]] = []

    def refuse(_dialect: Any, _record: Any, _given: Any, named: dict[str, Any]) -> None:
        asked.append(named)
        raise psycopg.OperationalError("nobody is there")

    event.listen(Engine, "do_connect", refuse)
    try:
        with pytest.raises(StorageError, match="nobody is there"):
            use(address)
    finally:
        event.remove(Engine, "do_connect", refuse)

    assert [each["connect_timeout"] for each in asked] == [seconds]
    assert [each["keepalives_idle"] for each in asked] == [10]


def test_every_primary_key_starts_with_the_site() -> None:
    starts = {
        table.name: next(iter(table.primary_key)).name for table in schema.metadata.sorted_tables
    }

    assert set(starts.values()) == {"site"}


def test_what_was_written_is_there_when_the_store_is_opened_again(tmp_path: Path) -> None:
    first = Storage(tmp_path / "kept.db")
    with first.writing() as connection:
        connection.execute(insert(schema.api_keys).values(KEY))
    first.close()

    again = Storage(tmp_path / "kept.db")
    with again.reading() as connection:
        rows = connection.execute(select(schema.api_keys)).all()
    again.close()

    assert [row.key for row in rows] == ["server_1"]


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "half.db")

    def write_and_fail() -> None:
        with storage.writing() as connection:
            connection.execute(insert(schema.api_keys).values(KEY))
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write_and_fail()
    with storage.reading() as connection:
        rows = connection.execute(select(schema.api_keys)).all()
    storage.close()

    assert rows == []


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "read.db")

    with pytest.raises(OperationalError, match="readonly"), storage.reading() as connection:
        connection.execute(insert(schema.api_keys).values(KEY))
    storage.close()


def test_writing_goes_on_after_a_statement_failed(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "on.db")
    with pytest.raises(OperationalError), storage.writing() as connection:
        connection.exec_driver_sql("SELECT * FROM nowhere")

    with storage.writing() as connection:
        connection.execute(insert(schema.api_keys).values(KEY))
    with storage.reading() as connection:
        rows = connection.execute(select(schema.api_keys)).all()
    storage.close()

    assert len(rows) == 1


def test_the_writer_syncs_every_commit_and_readers_never_checkpoint(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "safe.db")
    full = 2

    with storage.writing() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar()
    with storage.reading() as connection:
        checkpoint = connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar()
    storage.close()

    assert (mode, synchronous, checkpoint) == ("wal", full, 0)


def test_a_second_process_is_told_about_postgresql(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "one.db")
    code = f"from byleave.server.storage import Storage; Storage({str(tmp_path / 'one.db')!r})"

    second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    storage.close()
    third = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert second.returncode != 0
    assert "in use by another Byleave server" in second.stderr
    assert "--database postgresql://" in second.stderr
    assert third.returncode == 0, third.stderr


def test_a_file_that_is_no_database_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("dear diary, " * 500, encoding="utf-8")

    with pytest.raises(StorageError, match=r"notes\.db.*not a database"):
        Storage(tmp_path / "notes.db")


def test_a_store_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    Storage(path).close()
    with path.open("r+b") as file:
        file.seek(18)
        file.write(b"\x03")  # a version of the format that SQLite reads and does not write

    with pytest.raises(StorageError, match=r"kept\.db.*readonly"):
        Storage(path)


def test_a_folder_that_is_not_there_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        Storage(tmp_path / "nowhere" / "byleave.db")


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "newer.db")
    with storage.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    storage.close()

    with pytest.raises(StorageError, match="9999"):
        Storage(tmp_path / "newer.db")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["DROP TABLE alembic_version"], "there is no store in .*kept.db yet"),
        (["UPDATE alembic_version SET version_num = '0003'"], r"another version .*\(0003\)"),
        ([], "cannot read the database .*kept.db: no such table"),
    ],
)
def test_whoever_looks_at_tables_of_another_version_is_told_so(
    tmp_path: Path, changes: list[str], told: str
) -> None:
    path = tmp_path / "kept.db"
    storage = Storage(path)
    with storage.writing() as connection:
        for change in (*changes, "DROP TABLE personas"):
            connection.exec_driver_sql(change)
    storage.close()

    with pytest.raises(StorageError, match=told), looking(path) as connection:
        connection.execute(select(schema.personas))


@pytest.mark.parametrize("database", ["", "sqlite://", "what ever://", "mysql://host/db", "x://y"])
def test_a_database_that_cannot_be_is_refused(database: str) -> None:
    with pytest.raises(StorageError):
        Storage(database)


def test_a_postgresql_that_does_not_answer_is_refused_without_its_password() -> None:
    with pytest.raises(StorageError, match="connection failed") as caught:
        Storage("postgresql://me:secret@127.0.0.1:1/db")

    assert "secret" not in str(caught.value)


def test_postgresql_without_its_driver_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(StorageError, match="byleave\\[postgres\\]"):
        Storage("postgresql://127.0.0.1:1/db")


def test_a_service_that_cannot_begin_gives_the_store_back(tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    Service(path, site="shop", clock=lambda: 1).close()
    storage = Storage(path)
    with storage.writing() as connection:
        connection.execute(update(schema.sites).values({"secret": "no hexadecimal digits"}))
    storage.close()

    with pytest.raises(ValueError, match="hexadecimal"):
        Service(path, site="shop", clock=lambda: 1)

    Storage(path).close()
