"""A start publishes the folder, unless somebody else had the last word."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.server.conftest import DEFINITIONS
from tests.server.process import running

from byleave.sdk.middleware import system_clock
from byleave.server.service import Service


def test_a_restart_does_not_undo_what_others_published(tmp_path: Path, definitions: Any) -> None:
    with running(tmp_path) as server:
        assert server.process.stdout is not None
        told = [server.process.stdout.readline() for _ in ("results", "console")]
        server.stop()
    assert f"  console: {server.address}/console\n" in told
    service = Service(tmp_path / "byleave.db", site="shop", clock=system_clock)
    service.publish(replace(definitions, experiments={}), reason="paused", author="guard")
    kept = service.library.newest()
    service.close()

    with running(tmp_path) as server:
        log = server.log.read_text()
        server.stop()

    service = Service(tmp_path / "byleave.db", site="shop", clock=system_clock)
    try:
        assert service.library.newest() == kept
    finally:
        service.close()
    assert f"version {kept} by guard stays in force" in log


@pytest.mark.postgres
def test_an_older_folder_does_not_undo_what_another_machine_published(
    tmp_path: Path, database: str
) -> None:
    changed = DEFINITIONS | {"holdout": 0.1}
    older, newer = tmp_path / "older", tmp_path / "newer"
    said = []
    for folder, definitions in ((older, DEFINITIONS), (newer, changed), (older, DEFINITIONS)):
        folder.mkdir(exist_ok=True)
        with running(folder, definitions, database=database) as server:
            said.append(server.log.read_text())
            server.stop()

    service = Service(database, site="shop", clock=system_clock)
    try:
        versions = [each.version for each in service.library.versions()]
        assert service.published.snapshot.definitions.holdout == 0.1
    finally:
        service.close()
    assert len(versions) == 2
    assert not any("stays in force" in each for each in said[:2])
    told = f"version {versions[0]}, which came after {versions[1]} with these definitions, stays"
    assert told in said[2]


def test_alone_an_older_folder_is_published_again(tmp_path: Path) -> None:
    for definitions in (DEFINITIONS, DEFINITIONS | {"holdout": 0.1}, DEFINITIONS):
        with running(tmp_path, definitions) as server:
            server.stop()

    service = Service(tmp_path / "byleave.db", site="shop", clock=system_clock)
    try:
        assert service.published.snapshot.definitions.holdout == DEFINITIONS["holdout"]
    finally:
        service.close()


def test_a_site_that_begins_beside_others_is_told(tmp_path: Path) -> None:
    said = []
    for key in ("shop", "shpo", "shop"):
        with running(tmp_path, DEFINITIONS | {"site": key}) as server:
            said.append(server.log.read_text())
            server.stop()

    assert ["is a new site" in each for each in said] == [False, True, False]
    assert "shpo is a new site of the store, beside shop; " in said[1]
