"""Whether asking the server is worth a visitor's time just now."""

import threading
import time
from collections.abc import Callable
from typing import Final

_FAILURES: Final = 5
_RESTS_S: Final = 5.0


class Breaker:
    """Leaves the server alone after five failures in a row, but for one question every 5 s.

    So a server that is away costs the site's visitors a few short waits, and no more.

    Args:
        monotonic: Seconds that only grow.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures = 0
        self._next_s = 0.0

    def may_ask(self) -> bool:
        """Return whether to ask now; of many who want to know while it is open, one may."""
        if self._failures < _FAILURES:
            return True
        with self._lock:
            now_s = self._monotonic()
            if now_s < self._next_s:
                return False
            self._next_s = now_s + _RESTS_S
            return True

    def note(self, *, is_well: bool) -> None:
        """Note how an answer was."""
        with self._lock:
            self._failures = 0 if is_well else self._failures + 1
            if self._failures == _FAILURES:
                self._next_s = self._monotonic() + _RESTS_S
