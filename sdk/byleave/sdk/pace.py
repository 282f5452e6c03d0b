"""How long to leave the server alone."""

import random
from collections.abc import Callable, Mapping
from typing import Final

#: Longer than this nobody waits, whatever the server asks for, so that sites come back.
LONGEST_ASKED_S: Final = 600.0

_LONGEST_S: Final = 60.0


class Pace:
    """The pauses between exchanges: even while all is well, longer and longer after failures.

    Args:
        every_s: The pause while all is well, in seconds.
        chance: Gives numbers in [0, 1).
    """

    def __init__(self, every_s: float, *, chance: Callable[[], float] = random.random) -> None:
        self._every_s = every_s
        self._chance = chance
        self._failures = 0
        self.asked_s = 0.0

    def note(self, headers: Mapping[str, str]) -> None:
        """Note how long the server asks to be left alone, in seconds or not at all."""
        text = headers.get("retry-after", "").strip()
        if text.isascii() and text.isdecimal():
            self.asked_s = max(self.asked_s, min(float(text), LONGEST_ASKED_S))

    def pause_s(self, *, is_well: bool) -> float:
        """Return how long to pause now, and forget what was asked."""
        asked_s, self.asked_s = self.asked_s, 0.0
        self._failures = 0 if is_well else self._failures + 1
        if not self._failures:
            return max(self._every_s, asked_s)
        longest_s = min(_LONGEST_S, self._every_s * 2.0 ** min(self._failures, 16))
        # Full jitter: many processes that lost the server do not come back at once.
        return asked_s + self._chance() * longest_s
