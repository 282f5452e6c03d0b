"""What a process still has to tell the server: withdrawals first, then events, then counts."""

import json
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from byleave.sdk.buffer import EventBuffer, Waiting
from byleave.sdk.counters import Counters
from byleave.sdk.failures import LOG
from byleave.sdk.outbox import Outbox
from byleave.sdk.pace import Pace
from byleave.sdk.state_dir import StateDir
from byleave.sdk.wire import Answer, Question, Transport

#: Seconds that one exchange with the server may take, where nobody waits for it.
EXCHANGE_S: Final = 5.0

#: How long counts wait for others to travel with.
_COUNT_EVERY_MS: Final = 60_000

_BATCH_EVENTS: Final = 500
_BATCH_BYTES: Final = 200_000
_RETRY_STATUSES: Final = frozenset({408, 425, 429})


class Sender:
    """Keeps what is to be sent until the server has it; safe to use from several threads.

    Args:
        transport: The way to the server.
        headers: What every request carries.
        clock: The time in milliseconds.
        state_dir: Where withdrawals survive the process; without it they end with it.
        pace: Told how long the server asks to be left alone.

    Attributes:
        counters: What is counted in this process.
        buffer: The events that wait.
    """

    def __init__(
        self,
        transport: Transport,
        headers: Mapping[str, str],
        *,
        clock: Callable[[], int],
        state_dir: StateDir | None,
        pace: Pace,
    ) -> None:
        self._transport = transport
        self._headers = {**headers, "content-type": "application/json"}
        self._clock = clock
        self._pace = pace
        self._is_durable = state_dir is not None
        self._outbox = Outbox(state_dir)
        self._sending = threading.Lock()
        self._in_flight: list[Waiting] = []
        self._count_report: bytes | None = None  # the one that the server does not have yet
        self._counted_ms = -_COUNT_EVERY_MS
        self.counters = Counters()
        self.buffer = EventBuffer(self.counters)

    @property
    def unsaved(self) -> int:
        """How many events and withdrawals end with the process, unless they are sent before."""
        withdrawals = 0 if self._is_durable else len(self._outbox.waiting())
        return len(self.buffer) + len(self._in_flight) + withdrawals

    def withdraw(self, visitor: str, body: Mapping[str, Any]) -> None:
        """Take a withdrawal; it goes before all events and is repeated until accepted."""
        self._outbox.add(visitor, json.dumps(body).encode())
        self.buffer.forget(visitor)

    def flush(self, *, within_s: float | None = None, is_last: bool = False) -> bool:
        """Send what waits; return whether the server took all of it.

        Args:
            within_s: Seconds for all of it; without, each exchange may take 5 s.
            is_last: Whether counts do not wait for others any more.
        """
        deadline_s = math.inf if within_s is None else time.monotonic() + within_s
        if not self._sending.acquire(timeout=-1 if within_s is None else within_s):
            return False
        try:
            is_taken = self._send_withdrawals(deadline_s) and self._send_events(deadline_s)
            if is_taken:
                self._send_counts(deadline_s, is_last=is_last)
            return is_taken
        finally:
            self._sending.release()

    def _send_withdrawals(self, deadline_s: float) -> bool:
        for visitor, body in self._outbox.waiting().items():
            if self._send("PUT", f"/v1/consent/{visitor}", body, deadline_s) is None:
                return False
            self._outbox.drop(visitor, body)
        return True

    def _send_events(self, deadline_s: float) -> bool:
        while batch := self.buffer.take(_BATCH_EVENTS, _BATCH_BYTES):
            self._in_flight = batch
            answer = None
            try:
                answer = self._send("POST", "/v1/events", self._batch(batch), deadline_s)
            finally:
                self._in_flight = []
                if answer is None:
                    self._put_back(batch)
            if answer is None:
                return False
            if refused := _refused(answer):
                LOG.warning("events refused by the server", extra={"count": refused})
        return True

    def _put_back(self, batch: list[Waiting]) -> None:
        """Keep a batch for the next time, without visitors who took consent back meanwhile."""
        self.buffer.put_back(batch)
        for unit in {event.unit for event in batch}:
            if unit in self._outbox:
                self.buffer.forget(unit)

    def _send_counts(self, deadline_s: float, *, is_last: bool) -> None:
        """Send what was counted, once a minute; what was not taken is sent again as it was."""
        now_ms = self._clock()
        if abs(now_ms - self._counted_ms) < _COUNT_EVERY_MS and not is_last:
            return
        self._counted_ms = now_ms
        if self._count_report is None:
            self._count_report = self.counters.report(at_ms=now_ms, random_bytes=os.urandom)
        if self._count_report is not None and self._send(
            "POST", "/v1/counters", self._count_report, deadline_s
        ):
            self._count_report = None

    def _batch(self, batch: Iterable[Waiting]) -> bytes:
        events = b",".join(event.json for event in batch)
        return b'{"sent_at":%d,"events":[%s]}' % (self._clock(), events)

    def _send(self, method: str, path: str, body: bytes, deadline_s: float) -> Answer | None:
        """Return the final answer, or None where the same must be sent again later."""
        timeout_s = min(EXCHANGE_S, deadline_s - time.monotonic())
        if timeout_s <= 0:
            return None
        question = Question(method=method, path=path, headers=self._headers, body=body)
        try:
            answer = self._transport.exchange(question, timeout_s)
        except OSError as error:
            LOG.warning("server not reached", extra={"error": type(error).__name__})
            return None
        self._pace.note(answer.headers)
        if answer.status < 300:
            return answer
        LOG.warning("refused by the server", extra={"status": answer.status})
        # A wrong key can be put right while the process runs; a wrong body cannot.
        is_final = 400 <= answer.status < 500 and answer.status not in _RETRY_STATUSES
        return answer if is_final and answer.status not in (401, 403, 404) else None


def _refused(answer: Answer) -> int:
    try:
        return len(json.loads(answer.body).get("refused", ()))
    except (ValueError, AttributeError, TypeError):
        return 0
