"""Schedules: local times of a zone as moments."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from byleave.experiments.definitions import Schedule

#: Before and after every moment that a schedule can name.
ALWAYS_MS = (-(2**53), 2**53)


def bounds_ms(schedule: Schedule) -> tuple[int, int]:
    """Return the first moment of a schedule and the first moment after it.

    A local time that a clock change skips or repeats means its first occurrence.

    Raises:
        ValueError: A time is not written as `2026-12-01T09:00`, or the zone is unknown.
    """
    try:
        zone = UTC if schedule.timezone == "UTC" else ZoneInfo(schedule.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(
            f"unknown time zone {schedule.timezone!r}; expected a name such as Europe/London"
        ) from None

    def moment_ms(text: str | None, otherwise: int) -> int:
        if text is None:
            return otherwise
        try:
            local = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"expected a time such as 2026-12-01T09:00, got {text!r}") from None
        if local.tzinfo is None:
            local = local.replace(tzinfo=zone)
        return int(local.timestamp() * 1000)

    start_ms = moment_ms(schedule.start, ALWAYS_MS[0])
    end_ms = moment_ms(schedule.end, ALWAYS_MS[1])
    if start_ms >= end_ms:
        raise ValueError("the end is not after the start")
    return start_ms, end_ms
