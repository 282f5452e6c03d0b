"""A timeline: scripts of what people do, resumed in the order of their times."""

import heapq
from collections.abc import Callable, Iterator
from itertools import count

from byleave.server.demo.clock import SteppedClock

#: Yields how long it waits, in milliseconds, before each next thing it does.
Script = Iterator[int]


class Timeline:
    """Runs many scripts on one stepped clock, and something regular between them."""

    def __init__(
        self, clock: SteppedClock, *, every_ms: int, regularly: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._every_ms = every_ms
        self._regularly = regularly
        self._waiting: list[tuple[int, int, Script]] = []
        self._order = count()

    def add(self, at_ms: int, script: Script) -> None:
        """Let a script begin at a time."""
        heapq.heappush(self._waiting, (at_ms, next(self._order), script))

    def run(self, until_ms: int) -> None:
        """Move the clock to `until_ms`, doing everything that falls before it on the way."""
        next_ms = self._clock() + self._every_ms
        while next_ms <= until_ms:
            while self._waiting and self._waiting[0][0] < next_ms:
                self._resume(*heapq.heappop(self._waiting))
            self._clock.move_to(next_ms)
            self._regularly()
            next_ms += self._every_ms

    def _resume(self, at_ms: int, _: int, script: Script) -> None:
        self._clock.move_to(at_ms)
        pause_ms = next(script, None)
        if pause_ms is not None:
            self.add(at_ms + pause_ms, script)
