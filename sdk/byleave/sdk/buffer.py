"""Events that wait to be sent: bounded, and fair in what it loses.

When the buffer is full, whole visitors are dropped, chosen by a hash of their ids: losing some
events of everybody would bias every result, losing some visitors altogether does not.
"""

import json
import threading
from collections import deque
from hashlib import blake2b
from typing import Final, NamedTuple

from byleave.sdk.counters import Counters
from byleave.sdk.events import Event

#: The counter of events that were lost because too many waited.
DROPPED: Final = "events dropped"

#: Below this share of visitors nothing is left to choose; single events are refused instead.
_SMALLEST_SHARE: Final = 1 / 1_024


class Waiting(NamedTuple):
    """One event, as the JSON it is sent as; `unit` is who it is about, or its receipt."""

    unit: str
    json: bytes


class EventBuffer:
    """A queue of events, safe to use from several threads.

    Args:
        counters: Where dropped events are counted.
        most_events: How many it holds.
        most_bytes: How much JSON it holds.
    """

    def __init__(
        self,
        counters: Counters,
        *,
        most_events: int = 10_000,
        most_bytes: int = 8 * 1_048_576,
    ) -> None:
        self._counters = counters
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        self._kept_share = 1.0
        self._lock = threading.Lock()

    @property
    def dropped(self) -> int:
        """How many events were dropped so far."""
        return self._counters[DROPPED]

    def __len__(self) -> int:
        """Return how many events wait."""
        return len(self._waiting)

    def add(self, event: Event) -> None:
        """Put an event at the end; drop whole visitors where there is no room.

        Raises:
            ValueError: It has a number or a text that JSON cannot hold, for which a server would
                refuse everything that travels with it.
        """
        unit = event.get("visitor") or event["receipt"]
        # A lone surrogate can be escaped, and read by few; as UTF-8 it cannot even be written.
        text = json.dumps(event, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
        waiting = Waiting(unit, text.encode())
        with self._lock:
            if _point(unit) >= self._kept_share:
                self._counters.add(DROPPED)
                return
            self._waiting.append(waiting)
            self._bytes += len(waiting.json)
            self._shrink()

    def take(self, most_events: int, most_bytes: int) -> list[Waiting]:
        """Remove and return the oldest events."""
        batch: list[Waiting] = []
        size = 0
        with self._lock:
            while self._waiting and len(batch) < most_events:
                size += len(self._waiting[0].json)
                if batch and size > most_bytes:
                    break
                batch.append(self._waiting.popleft())
            self._bytes -= sum(len(event.json) for event in batch)
            if not self._waiting:
                self._kept_share = 1.0
        return batch

    def put_back(self, batch: list[Waiting]) -> None:
        """Put events that could not be sent back to the front, with the same ids."""
        with self._lock:
            self._waiting.extendleft(reversed(batch))
            self._bytes += sum(len(event.json) for event in batch)
            self._shrink()

    def forget(self, unit: str) -> None:
        """Remove everything about a visitor who took their consent back."""
        with self._lock:
            self._keep([event for event in self._waiting if event.unit != unit])

    def _shrink(self) -> None:
        while self._is_full() and self._kept_share > _SMALLEST_SHARE:
            self._kept_share /= 2
            before = len(self._waiting)
            self._keep([e for e in self._waiting if _point(e.unit) < self._kept_share])
            self._counters.add(DROPPED, before - len(self._waiting))
        while self._is_full():
            self._bytes -= len(self._waiting.pop().json)
            self._counters.add(DROPPED)

    def _is_full(self) -> bool:
        return len(self._waiting) > self._most_events or self._bytes > self._most_bytes

    def _keep(self, kept: list[Waiting]) -> None:
        self._waiting = deque(kept)
        self._bytes = sum(len(event.json) for event in kept)


def _point(unit: str) -> float:
    """Return a number in [0, 1) for a visitor, independent of every experiment's draw."""
    digest = blake2b(unit.encode(), digest_size=4, key=b"byleave.buffer").digest()
    return int.from_bytes(digest, "big") / 2**32
