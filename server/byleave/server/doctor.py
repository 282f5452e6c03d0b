"""What is wrong, or soon will be, with a store and the settings that it is run with."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine, select
from sqlalchemy.exc import DatabaseError

from byleave.server import schema
from byleave.server.backup import read_only
from byleave.server.consents import broken_chains
from byleave.server.errors import StorageError
from byleave.server.settings import Settings
from byleave.server.sites import Site
from byleave.server.storage import shown, url_of

_ROOM: Final = 1_073_741_824
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class Weight(StrEnum):
    """How much a finding matters."""

    FINE = "fine"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was looked at, and what was seen."""

    weight: Weight
    text: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield what is found, without changing anything; the store may be in use."""
    yield from _network(settings)
    if url_of(settings.database).get_backend_name() == "sqlite":
        path = Path(url_of(settings.database).database or "")
        if not path.is_file():
            yield Finding(Weight.WARNING, f"there is no store {path} yet; serve makes it")
            return
        yield from _sqlite(path)
    yield from _consents(settings.database)


def _network(settings: Settings) -> Iterator[Finding]:
    if settings.host in _LOOPBACK:
        yield Finding(Weight.FINE, f"listens on this machine only ({settings.host})")
    elif settings.trusted_proxies:
        yield Finding(Weight.FINE, f"listens on {settings.host}, behind a proxy")
    else:
        yield Finding(
            Weight.WARNING,
            f"listens on {settings.host} without TLS: put a proxy with HTTPS in front, and name "
            "it in trusted_proxies",
        )
    for network in settings.outbound_allow:
        yield Finding(Weight.WARNING, f"webhooks may reach {network}, which outsiders cannot")


def _sqlite(path: Path) -> Iterator[Finding]:
    with closing(read_only(path)) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchone()[0]
    if found == "ok":
        yield Finding(Weight.FINE, f"{path} is whole")
    else:
        yield Finding(Weight.FAULT, f"{path} is damaged: restore a backup")
    if sqlite3.sqlite_version_info < (3, 51, 3):
        yield Finding(
            Weight.FINE,
            f"SQLite {sqlite3.sqlite_version} may damage a file that two connections checkpoint "
            "at once; the server checkpoints by one only. Let no other program write to it",
        )
    free = shutil.disk_usage(path.resolve().parent).free
    size = path.stat().st_size
    is_short = free < max(size, _ROOM)
    yield Finding(
        Weight.WARNING if is_short else Weight.FINE,
        f"{free / _ROOM:.1f} GiB free beside a store of {size / _ROOM:.1f} GiB",
    )
    if path.stat().st_mode & 0o077:
        yield Finding(Weight.WARNING, f"{path} can be read by other users: chmod 600 {path}")


def _consents(database: str) -> Iterator[Finding]:
    url = url_of(database)
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "").resolve()
        url = url.set(database=path.as_uri(), query={"mode": "ro", "uri": "true"})
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            rows = connection.execute(select(schema.sites)).all()
            for row in rows:
                site = Site(row.site, row.is_simulated, bytes.fromhex(row.secret))
                broken = broken_chains(connection, site)
                if broken:
                    yield Finding(
                        Weight.FAULT,
                        f"{site.key}: consent records of {broken} visitors are not as they were "
                        "appended",
                    )
                else:
                    yield Finding(Weight.FINE, f"{site.key}: consent records are whole")
    except (DatabaseError, StorageError) as error:
        yield Finding(Weight.FAULT, f"cannot read {shown(database)}: {type(error).__name__}")
    finally:
        engine.dispose()
