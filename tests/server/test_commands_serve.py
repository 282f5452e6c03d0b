"""A start publishes the folder, unless somebody else had the last word."""

from dataclasses import replace
from pathlib import Path
from typing import Any

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
