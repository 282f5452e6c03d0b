"""A clock that a simulation steps, and that can then go on by itself."""

import time


class SteppedClock:
    """Milliseconds since the Unix epoch, standing still until it is moved."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self._let_go_at_s: float | None = None

    def __call__(self) -> int:
        """Return the time."""
        if self._let_go_at_s is None:
            return self._now_ms
        return self._now_ms + int((time.monotonic() - self._let_go_at_s) * 1000)

    def move_to(self, now_ms: int) -> None:
        """Step forward; a time that is already past changes nothing."""
        self._now_ms = max(self._now_ms, now_ms)

    def let_go(self) -> None:
        """Run on from here at the pace of the world."""
        self._let_go_at_s = time.monotonic()
