"""Group commit: whatever has queued up is stored by one transaction, and then acknowledged.

One commit costs about as much for a thousand events as for one, so waiting requests share it.
The queue is bounded; when it is full the sender is told to try again, and keeps its events.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Condition, Thread
from typing import Final

from sqlalchemy.exc import OperationalError

from byleave.server.errors import BusyError
from byleave.server.events import WireEvent
from byleave.server.recording import Verdict

_log = logging.getLogger("byleave.server")

#: More than this in one transaction would make the last ones wait for too long.
_LARGEST_GROUP: Final = 2_000

Batch = Sequence[WireEvent]
_Waiting = tuple[Batch, Future[list[Verdict]]]


class Ingest:
    """A bounded queue of batches and, once started, the one thread that stores them.

    Not started, it stores each batch at once in the thread that brings it, which a simulation
    needs to come out the same every time.
    """

    def __init__(self, store: Callable[[Batch], list[Verdict]], *, capacity: int = 10_000) -> None:
        """Prepare the queue.

        Args:
            store: Commits events and returns what became of each; called by one thread only.
            capacity: The most events that may wait.
        """
        self._store = store
        self.capacity = capacity
        self._waiting: deque[_Waiting] = deque()
        self._events = 0
        self._changed = Condition()
        self._thread: Thread | None = None
        self._is_stopping = False

    @property
    def waiting(self) -> int:
        """How many events wait to be stored."""
        return self._events

    def submit(self, batch: Batch) -> Future[list[Verdict]]:
        """Queue a batch; the result is there once it is committed.

        Raises:
            BusyError: The queue is full; nothing of the batch was taken.
        """
        waiting: _Waiting = (batch, Future())
        with self._changed:
            is_running = self._thread is not None and not self._is_stopping
            if is_running:
                if self._events + len(batch) > self.capacity:
                    raise BusyError("too many events are waiting to be stored")
                self._waiting.append(waiting)
                self._events += len(batch)
                self._changed.notify()
        if not is_running:
            self._commit([waiting])
        return waiting[1]

    def start(self) -> None:
        """Start the thread."""
        self._thread = Thread(target=self._run, name="byleave-ingest", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Store what is waiting, then end the thread; batches after that are stored at once."""
        if self._thread is None:
            return
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join()
        self._thread, self._is_stopping = None, False

    def flush(self) -> None:
        """Return once everything that was submitted before is stored."""
        self.submit(()).result()

    def _run(self) -> None:
        while (group := self._next_group()) is not None:
            self._commit(group)

    def _next_group(self) -> list[_Waiting] | None:
        """Wait for batches and take as many as one transaction may hold; None when stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_stopping)
            if not self._waiting:
                return None
            group: list[_Waiting] = []
            size = 0
            while self._waiting and (
                not group or size + len(self._waiting[0][0]) <= _LARGEST_GROUP
            ):
                group.append(self._waiting.popleft())
                size += len(group[-1][0])
            self._events -= size
            # A sender that has gone away takes its batch with it; from here on it cannot.
            return [each for each in group if each[1].set_running_or_notify_cancel()]

    def _commit(self, group: Sequence[_Waiting]) -> None:
        """Store a group as one transaction and tell each batch what became of it."""
        try:
            verdicts = iter(self._store([event for batch, _ in group for event in batch]))
        except Exception as error:  # whatever it is, those who wait must be told
            if len(group) == 1:
                _log.exception("events could not be stored", extra={"events": len(group[0][0])})
                group[0][1].set_exception(error)
                return
            # One batch may be to blame; the others must not fail with it.
            self._commit(group[:1])
            first = group[0][1].exception()
            for waiting in group[1:]:
                if isinstance(first, OperationalError):  # it took seconds, and everybody waits
                    waiting[1].set_exception(first)
                else:
                    self._commit([waiting])
            return
        for batch, future in group:
            future.set_result([next(verdicts) for _ in batch])
