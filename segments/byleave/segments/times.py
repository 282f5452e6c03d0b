"""Moments, and the hours of a day or a week, as authors write them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Self

from byleave.segments.reading import Path, Reader, described

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

#: What a moment may be: the years 2 to 9998, so that its local time is always in the calendar.
EARLIEST_MS: Final = -62_104_060_800_000
LATEST_MS: Final = 253_370_764_799_999

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_CLOCK: Final = r"([01]\d|2[0-3]):([0-5]\d)|24:00"


def moment_ms(value: object) -> int | None:
    """Return the moment that a value stands for, in milliseconds since the epoch, or None.

    A moment is a whole number of milliseconds, or ISO 8601 text: a date, which is its midnight
    in UTC, or a date and time with an offset. A time without an offset is no moment.
    """
    time_ms = _iso_ms(value) if isinstance(value, str) else value
    if isinstance(time_ms, int) and not isinstance(time_ms, bool):
        return time_ms if EARLIEST_MS <= time_ms <= LATEST_MS else None
    return None


def _iso_ms(text: str) -> int | None:
    try:
        # A date is at most as long as 2026-03-01, a time with its offset is longer.
        moment = datetime.fromisoformat(text if len(text) > 10 else f"{text}T00:00Z")
    except ValueError:
        return None
    return None if moment.tzinfo is None else (moment - _EPOCH) // _MILLISECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Hours that come back every day, or on some days of the week, in one time zone.

    `{from: "09:00", to: "17:30", days: [mon, fri], timezone: Europe/London}`. The end is no
    longer inside. An end at or before the start lies on the next day; the days are those on
    which the hours begin.

    Attributes:
        start: Minutes after local midnight at which they begin.
        end: Minutes after local midnight at which they end, of the next day where it is not
            after the start.
        days: The days on which they begin, 0 for Monday; every day, when empty.
        timezone: The name of a time zone.
    """

    start: int = 0
    end: int = 1440
    days: tuple[int, ...] = ()
    timezone: str = "UTC"

    @classmethod
    def read_from(cls, data: object, reader: Reader, path: Path) -> Self | None:
        """Read the hours from a mapping of `from`, `to`, `days` and `timezone`."""
        if not isinstance(data, Mapping):
            reader.fault(path, f"expected a mapping with from, to or days, got {described(data)}")
            return None
        before = len(reader.faults)
        reader.keys(data, ("from", "to", "days", "timezone"), path)
        start = _minutes(data.get("from", "00:00"), reader, (*path, "from"))
        end = _minutes(data.get("to", "24:00"), reader, (*path, "to"))
        days = reader.read(tuple[str, ...], data.get("days", []), (*path, "days")) or ()
        timezone = reader.read(str, data.get("timezone", "UTC"), (*path, "timezone"))
        for index, day in enumerate(days):
            if day not in DAYS:
                reader.fault((*path, "days", index), f"expected one of {', '.join(DAYS)}")
        if timezone is not None and time_zone(timezone) is None:
            reader.fault((*path, "timezone"), "unknown time zone; expected such as Europe/London")
        if len(reader.faults) > before:
            return None
        return cls(
            start=start,
            end=end,
            days=tuple(sorted({DAYS.index(day) for day in days})),
            timezone=str(timezone),
        )

    def to_plain(self) -> dict[str, Any]:
        """Return what `read_from` reads."""
        return ({"from": _clock(self.start), "to": _clock(self.end), "timezone": self.timezone}) | (
            {"days": [DAYS[day] for day in self.days]} if self.days else {}
        )

    def in_words(self) -> str:
        """Return the hours as people say them: `09:00 to 17:30 on mon, fri (Europe/London)`."""
        days = f" on {', '.join(DAYS[day] for day in self.days)}" if self.days else ""
        return f"{_clock(self.start)} to {_clock(self.end)}{days} ({self.timezone})"

    def contain(self, time_ms: int) -> bool:
        """Return whether a moment lies within the hours, by the clocks of the time zone."""
        local = (_EPOCH + time_ms * _MILLISECOND).astimezone(time_zone(self.timezone))
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if self.start < self.end:
            return self.start <= minute < self.end and self._on(day)
        return (minute >= self.start and self._on(day)) or (
            minute < self.end and self._on((day - 1) % 7)
        )

    def _on(self, day: int) -> bool:
        return not self.days or day in self.days


def _minutes(data: object, reader: Reader, path: Path) -> int:
    match = re.fullmatch(_CLOCK, data) if isinstance(data, str) else None
    if match is None:
        reader.fault(path, f'expected a time of day such as "09:00", got {described(data)}')
        return 0
    return int(match[1]) * 60 + int(match[2]) if match[1] else 1440


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@lru_cache(maxsize=64)
def time_zone(name: str) -> "ZoneInfo | None":
    """Return the time zone of a name such as `Europe/London`; None where there is none."""
    from zoneinfo import ZoneInfo  # only hours and schedules need time zones

    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # unknown, a folder of zones, not a zone's name
        return None
