"""A decision server in a process of its own, as operators run it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from tests.server.conftest import DEFINITIONS


@dataclass
class Running:
    """A server that runs.

    Attributes:
        process: Its process.
        address: Where it is.
        key: A server key.
        log: The file that its log goes to.
    """

    process: subprocess.Popen[str]
    address: str
    key: str
    log: Path

    def client(self, **options: Any) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx2.Client(base_url=self.address, headers=headers, timeout=30, **options)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Tell it to end, and return how it did."""
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


@contextmanager
def running(
    folder: Path, definitions: Mapping[str, Any] = DEFINITIONS, **settings: str
) -> Iterator[Running]:
    """Run `byleave serve` in a folder until the end of a `with` block."""
    (folder / "byleave").mkdir(exist_ok=True)
    (folder / "byleave" / "byleave.yaml").write_text(json.dumps(definitions), encoding="utf-8")
    environment = {f"BYLEAVE_{name.upper()}": value for name, value in settings.items()}
    with started(
        ["serve", "--port", "0"], folder, {"BYLEAVE_LOG": "json", **environment}
    ) as server:
        yield server


@contextmanager
def started(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> Iterator[Running]:
    """Run a command of `byleave` that serves, in a folder, until the end of a `with` block."""
    log = folder / "log"
    with (
        log.open("w") as written,
        subprocess.Popen(
            [sys.executable, "-m", "byleave.server", *command],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            said = process.stdout.readline().strip()
            key = ""  # only the first start tells one
            if said.startswith("server key"):
                key, said = said.rpartition(" ")[2], process.stdout.readline().strip()
            address = said.rpartition(" ")[2]
            assert address.startswith("http://"), log.read_text()
            yield Running(process, address, key, log)
        finally:
            if process.poll() is None:
                process.kill()
