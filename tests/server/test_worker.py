"""`byleave worker` does a site's work without serving it, and ends when it is told to."""

import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import select
from tests.server.conftest import DEFINITIONS
from tests.server.receiver import Receiver

from byleave.experiments import Definitions
from byleave.sdk.middleware import system_clock
from byleave.segments import read
from byleave.server import schema
from byleave.server.service import Service
from byleave.server.webhooks import Webhook


def worker(folder: Path, database: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "byleave.server", "worker", "shop", "--database", database]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.postgres
def test_a_worker_tells_webhooks_what_another_process_stored(database: str, tmp_path: Path) -> None:
    receiver = Receiver()
    service = Service(database, site="shop", clock=system_clock)
    service.publish(read(Definitions, DEFINITIONS), reason="first", author="tests")
    service.outreach.put(Webhook(key="crm", url=receiver.url, topics=("experiment:*",)))

    with worker(tmp_path, database, BYLEAVE_OUTBOUND_ALLOW="127.0.0.0/8") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "working for shop\n"
        assert receiver.is_told(within_s=60)
        deadline = monotonic() + 30
        while service.outreach.webhooks()[0][1] and monotonic() < deadline:
            pass
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
    with service.storage.reading() as connection:
        left = connection.execute(select(schema.outbox)).all()
    service.close()
    receiver.close()

    assert code == 0
    assert b'"experiment": "welcome", "status": "Collecting"' in receiver.taken[0][1]
    assert left == []


def test_a_store_that_a_server_has_is_left_to_it(service: Service, tmp_path: Path) -> None:
    with worker(tmp_path, "byleave.db") as process:
        _, told = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "in use" in told
