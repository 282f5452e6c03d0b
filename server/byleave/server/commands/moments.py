"""Moments as authors write them: a time, or how long ago."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from byleave.segments import Path, Reader, described

_AGO: Final = re.compile(r"(\d{1,9}) (second|minute|hour|day|week)s? ago")
_UNITS_MS: Final = {
    "second": 1_000,
    "minute": 60_000,
    "hour": 3_600_000,
    "day": 86_400_000,
    "week": 604_800_000,
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class Instant(int):
    """A moment in milliseconds since the epoch, written as ISO 8601 with an offset."""

    __slots__ = ()

    @classmethod
    def parse(cls, data: object) -> Self:
        """Return the moment that `data` writes.

        Raises:
            ValueError: It writes none.
        """
        try:
            moment = datetime.fromisoformat(data if isinstance(data, str) else "")
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise ValueError("a time with its offset such as 2026-03-02T10:00Z")
        return cls((moment - _EPOCH) // _MILLISECOND)

    def __str__(self) -> str:
        """Return the moment in UTC, to the minute."""
        return f"{_EPOCH + self * _MILLISECOND:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment, written as one or as how long ago it was.

    Attributes:
        at_ms: The moment; None where it is relative.
        ago_ms: How long before now it was; 0 where it is absolute.
    """

    at_ms: int | None = None
    ago_ms: int = 0

    @classmethod
    def read_from(cls, data: object, reader: Reader, path: Path) -> Self | None:
        """Read `3 days ago`, or what an instant reads."""
        match = _AGO.fullmatch(data) if isinstance(data, str) else None
        if match:
            return cls(ago_ms=int(match[1]) * _UNITS_MS[match[2]])
        try:
            return cls(Instant.parse(data))
        except ValueError as error:
            reader.fault(path, f"expected `3 days ago`, or {error}, got {described(data)}")
            return None

    def before(self, now_ms: int) -> int:
        """Return the moment in milliseconds since the epoch, as seen from now."""
        return now_ms - self.ago_ms if self.at_ms is None else self.at_ms
