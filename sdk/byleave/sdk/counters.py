"""Counts of what happens on a site: of nobody in particular, and so without anybody's consent.

They tell how many pages were seen with which consent, what could not be kept, and what could
not be personalised. The server adds them up by day.
"""

import json
import threading
from collections import Counter

from byleave.sdk.events import RandomBytes, uuid7
from byleave.segments import Consent, Purpose

_CHOSEN = tuple(sorted(purpose for purpose in Purpose if purpose is not Purpose.NECESSARY))


def page_counter(consent: Consent) -> str:
    """Return the name that a page is counted under: the purposes that it may use data for.

    Two pages of one visitor and pages of two visitors count alike.
    """
    return "page: " + " ".join(purpose for purpose in _CHOSEN if consent.allows(purpose))


class Counters:
    """Counts by name since the process began; safe to use from several threads."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._reported: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> int:
        """Return how often something happened."""
        return self._counts[name]

    def add(self, name: str, times: int = 1) -> None:
        """Count something."""
        with self._lock:
            self._counts[name] += times

    def report(self, *, at_ms: int, random_bytes: RandomBytes) -> bytes | None:
        """Return what was counted since the last report, as it is sent; None for nothing.

        A report has an id, so that whoever gets it twice adds it once.
        """
        with self._lock:
            new = self._counts - self._reported
            self._reported = Counter(self._counts)
        if not new:
            return None
        body = {"id": uuid7(at_ms, random_bytes), "at": at_ms, "counts": new}
        return json.dumps(body, separators=(",", ":")).encode()
