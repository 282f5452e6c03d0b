"""What is wrong, or soon will be, with a store and the settings that it is run with."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from sqlalchemy import select

from byleave.server import schema
from byleave.server.backup import is_whole
from byleave.server.consents import broken_chains
from byleave.server.errors import StorageError
from byleave.server.settings import Settings
from byleave.server.sites import site_of
from byleave.server.storage import looking, url_of

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
    with suppress(StorageError):  # that it cannot be read is told of its records, below
        if is_whole(path):
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
    try:
        with looking(database) as connection:
            for row in connection.execute(select(schema.sites)).all():
                broken = broken_chains(connection, site_of(row))
                yield (
                    Finding(
                        Weight.FAULT,
                        f"{row.site}: consent records of {broken} visitors are not as they were "
                        "appended",
                    )
                    if broken
                    else Finding(Weight.FINE, f"{row.site}: consent records are whole")
                )
    except StorageError as error:
        yield Finding(Weight.FAULT, str(error))
