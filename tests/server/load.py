"""Senders that bring events to a server which may die at any moment, and keep score."""

import json
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from random import Random
from threading import Condition, Event, Thread
from typing import Any
from urllib.parse import urlsplit

from tests.server.conftest import DEFINITIONS

VISITORS_PER_BATCH = 100

Batch = list[dict[str, Any]]


@contextmanager
def serving(
    folder: Path, *, database: str | None = None, definitions: Mapping[str, Any] = DEFINITIONS
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run `byleave serve` on a store that may have been used before; give process and address."""
    (folder / "byleave").mkdir(exist_ok=True)
    (folder / "byleave" / "byleave.yaml").write_text(json.dumps(definitions), encoding="utf-8")
    environment = {} if database is None else {"BYLEAVE_DATABASE": database}
    with (
        (folder / "log").open("a") as log,
        subprocess.Popen(
            [sys.executable, "-m", "byleave.server", "serve", "--port", "0"],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            address = next((line for line in lines if " at http://" in line), "")
            assert address, (folder / "log").read_text()
            yield process, address.split()[-1]
        finally:
            process.kill()


@dataclass
class Load:
    """What was made, and what of it the server acknowledged.

    Attributes:
        key: A server key.
        acknowledged: Ids of events that were acknowledged.
        exposed: How many visitors were exposed, in all batches that were made.
        reached: How many of them signed up.
        cut: The share of answers that never arrive.
        is_patient: Whether senders go on when a request fails, as an SDK does, until the end.
        put_off: How many requests were answered with 503.
    """

    key: str
    cut: float = 0.0
    is_patient: bool = False
    put_off: int = 0
    acknowledged: set[str] = field(default_factory=set)
    exposed: int = 0
    reached: int = 0
    _numbers: Iterator[int] = field(default_factory=count)
    _unacknowledged: deque[Batch] = field(default_factory=deque)
    _draw: Random = field(default_factory=lambda: Random(1))
    _changed: Condition = field(default_factory=Condition)

    @property
    def made(self) -> int:
        """How many events were made."""
        return self.exposed + self.reached

    @contextmanager
    def sending(self, address: str, *, senders: int = 4) -> Iterator[None]:
        """Send from several connections until the end of a `with` block."""
        is_over = Event()
        threads = [Thread(target=self._send, args=(address, is_over)) for _ in range(senders)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            is_over.set()
            for thread in threads:
                thread.join()

    def wait(self, *, more: int, timeout_s: float = 120) -> None:
        """Return once so many more events are acknowledged."""
        with self._changed:
            wanted = len(self.acknowledged) + more
            assert self._changed.wait_for(lambda: len(self.acknowledged) >= wanted, timeout_s)

    def wait_put_off(self, *, times: int, timeout_s: float = 120) -> None:
        """Return once so many requests were answered with 503."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.put_off >= times, timeout_s)

    def finish(self, address: str) -> None:
        """Send what was never acknowledged, to a server that is well."""
        self.cut, self.is_patient = 0.0, False
        connection = HTTPConnection(urlsplit(address).netloc, timeout=60)
        while self._unacknowledged:
            self._post(connection, self._unacknowledged[0])
            self._unacknowledged.popleft()
        connection.close()

    def _send(self, address: str, is_over: Event) -> None:
        connection = HTTPConnection(urlsplit(address).netloc, timeout=60)
        while not is_over.is_set():
            with self._changed:
                batch = self._unacknowledged.popleft() if self._unacknowledged else self._make()
            try:
                self._post(connection, batch)
            except (OSError, HTTPException):
                with self._changed:
                    self._unacknowledged.append(batch)
                connection.close()  # the next request opens it again
                if not self.is_patient:
                    break
                is_over.wait(0.02)
        connection.close()

    def _post(self, connection: HTTPConnection, batch: Batch) -> None:
        body = json.dumps({"sent_at": _now_ms(), "events": batch})
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/events", body, headers)
        answer = connection.getresponse()
        if self._draw.random() < self.cut:
            raise ConnectionError("the answer was cut off")
        told = json.loads(answer.read())
        if answer.status == 503 and self.is_patient:
            with self._changed:
                self.put_off += 1
                self._changed.notify_all()
            raise ConnectionError("try again")
        assert answer.status == 202, told
        assert told["refused"] == [], told
        with self._changed:
            self.acknowledged.update(event["id"] for event in batch)
            self._changed.notify_all()

    def _make(self) -> Batch:
        events = []
        for _ in range(VISITORS_PER_BATCH):
            number = next(self._numbers)
            who = {"visitor": f"v{number}", "at": _now_ms()}
            self.exposed += 1
            events.append(
                who
                | {
                    "id": _id(2 * number),
                    "type": "exposure",
                    "experiment": "welcome",
                    "run": "welcome.1",
                    "allocation": "welcome.1.1.0",
                    "arm": ("bold", "calm", "control")[number % 3],
                    "assigned_at": who["at"],
                }
            )
            if number % 4 == 0:
                self.reached += 1
                uses = ["personalisation", "analytics"]
                signed_up = {"type": "event", "event": "sign_up", "uses": uses}
                events.append(who | signed_up | {"id": _id(2 * number + 1)})
        return events


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _id(number: int) -> str:
    at = f"{_now_ms():012x}"
    return f"{at[:8]}-{at[8:]}-7000-8000-{number:012x}"
