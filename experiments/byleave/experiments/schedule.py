"""Schedules: local times of a zone as moments."""

from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Final

from byleave.experiments.definitions import RampStep, Schedule
from byleave.segments.times import time_zone

#: Before and after every moment that a schedule can name.
ALWAYS_MS: Final = (-(2**53), 2**53)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def bounds_ms(schedule: Schedule) -> tuple[int, int]:
    """Return the first moment of a schedule and the first moment after it.

    Of a local time that a clock change repeats, the first occurrence counts; one that it skips
    is read by the clock as it was before.

    Raises:
        ValueError: A time is not written as `2026-12-01T09:00`, the zone is unknown, or the
            end is not after the start.
    """
    zone = _zone(schedule.timezone)
    start_ms = ALWAYS_MS[0] if schedule.start is None else _moment_ms(schedule.start, zone)
    end_ms = ALWAYS_MS[1] if schedule.end is None else _moment_ms(schedule.end, zone)
    if start_ms >= end_ms:
        raise ValueError(f"the end {schedule.end} is not after the start {schedule.start}")
    return start_ms, end_ms


def ramp_ms(ramp: tuple[RampStep, ...], timezone: str) -> tuple[int, ...]:
    """Return the moments of a ramp's steps.

    Raises:
        ValueError: A time or the zone is not one, or the steps are not in the order of time.
    """
    zone = _zone(timezone)
    moments = tuple(_moment_ms(step.at, zone) for step in ramp)
    if any(after <= before for before, after in pairwise(moments)):
        raise ValueError("the steps of a ramp must be in the order of time")
    return moments


def _zone(name: str) -> tzinfo:
    zone = UTC if name == "UTC" else time_zone(name)
    if zone is None:
        raise ValueError(f"unknown time zone {name!r}; expected a name such as Europe/London")
    return zone


def _moment_ms(text: str, zone: tzinfo) -> int:
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"expected a time such as 2026-12-01T09:00, got {text!r}") from None
    if local.tzinfo is None:
        local = local.replace(tzinfo=zone)
    return (local - _EPOCH) // _MILLISECOND
