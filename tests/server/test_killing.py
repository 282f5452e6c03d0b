"""Whatever was acknowledged is there after the server was killed, and counted once."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import func, select
from tests.server.conftest import DEFINITIONS
from tests.server.load import Load, serving

from byleave.experiments import Definitions
from byleave.sdk.middleware import system_clock
from byleave.segments import read
from byleave.server import schema
from byleave.server.keys import Role
from byleave.server.service import Service

pytestmark = pytest.mark.long

#: `make certify` kills the server 50 times on each database.
CYCLES = int(os.environ.get("BYLEAVE_KILLS", "3"))
EVENTS_PER_CYCLE = 5_200
#: On average, so that 50 kills on each database come to half a million events.
LEAST_PER_CYCLE = 5_000


def kill_again_and_again(folder: Path, database: str | None = None) -> None:
    where = database or folder / "byleave.db"
    service = Service(where, site="shop", clock=system_clock)
    service.publish(read(Definitions, DEFINITIONS), reason="byleave serve", author="tests")
    load, draw = Load(service.create_key(Role.SERVER)), Random(CYCLES)
    service.close()

    for _ in range(CYCLES):
        with serving(folder, database=database) as (process, address), load.sending(address):
            load.wait(more=draw.randrange(EVENTS_PER_CYCLE // 2, EVENTS_PER_CYCLE * 3 // 2))
            process.kill()
    with serving(folder, database=database) as (process, address):
        load.finish(address)
        process.terminate()
        process.wait(60)

    service = Service(where, site="shop", clock=system_clock)
    check(service, load, least=CYCLES * LEAST_PER_CYCLE)


def check(service: Service, load: Load, *, least: int) -> None:
    stats = schema.stratum_stats.c
    with service.storage.reading() as connection:
        stored = set(connection.execute(select(schema.events.c.id)).scalars())
        units, reached = connection.execute(
            select(func.sum(stats.units), func.sum(stats.reached)).where(
                stats.goal == "signup", stats.segment == ""
            )
        ).one()
    rebuilt = service.books.rebuild()
    service.close()

    assert load.acknowledged - stored == set()
    assert len(stored) == load.made
    assert (units, reached) == (load.exposed, load.reached)
    assert rebuilt.differences == []
    assert rebuilt.units == load.exposed
    assert load.made >= least


def test_sqlite_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path)

    with closing(sqlite3.connect(tmp_path / "byleave.db")) as connection:
        found = connection.execute("PRAGMA integrity_check").fetchall()
    assert found == [("ok",)]


@pytest.mark.postgres
def test_postgresql_loses_nothing_and_counts_nothing_twice(tmp_path: Path, database: str) -> None:
    kill_again_and_again(tmp_path, database)
