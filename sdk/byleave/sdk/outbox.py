"""Withdrawals on their way to the server: kept until it has them, whatever happens between."""

import threading

from byleave.sdk.state_dir import StateDir


class Outbox:
    """The withdrawals that wait, one for each visitor; safe to use from several threads.

    Args:
        state_dir: Where they survive the process; without it they end with it.
    """

    def __init__(self, state_dir: StateDir | None) -> None:
        self._state_dir = state_dir
        self._waiting: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def __contains__(self, visitor: str) -> bool:
        """Return whether a withdrawal of a visitor was put in here and waits."""
        return visitor in self._waiting

    def add(self, visitor: str, body: bytes) -> None:
        """Take a withdrawal; it replaces an earlier one of the same visitor."""
        with self._lock:
            self._waiting[visitor] = body
            if self._state_dir is not None:
                self._state_dir.keep_withdrawal(visitor, body)

    def waiting(self) -> dict[str, bytes]:
        """Return what waits here, and what processes left behind that are no more."""
        with self._lock:
            left = {} if self._state_dir is None else self._state_dir.withdrawals()
            return {**left, **self._waiting}

    def drop(self, visitor: str, body: bytes) -> None:
        """Drop a withdrawal that the server has, unless a newer one took its place."""
        with self._lock:
            if self._waiting.get(visitor, body) == body:
                self._waiting.pop(visitor, None)
                if self._state_dir is not None:
                    self._state_dir.drop_withdrawal(visitor)
