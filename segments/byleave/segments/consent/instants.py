"""Points in time as the consent formats write them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from byleave.segments.consent.errors import ConsentStringError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")
_MILLISECOND: Final = timedelta(milliseconds=1)


def iso(at_ms: int) -> str:
    """Return the time as ISO 8601 in UTC, as in `2026-03-01T00:00:00.000Z`."""
    return f"{_moment(at_ms):%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def from_iso(text: str) -> int:
    """Return the time that ISO 8601 text in UTC names, in milliseconds since the epoch.

    Raises:
        ConsentStringError: The text is not of the form that `iso` writes, with up to six
            digits of the second, or names no real time.
    """
    if not _ISO.fullmatch(text):
        raise ConsentStringError("expected a time such as 2026-03-01T00:00:00.000Z")
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // _MILLISECOND
    except ValueError:
        raise ConsentStringError("expected a day and time that exist") from None


def is_older(at_ms: int, now_ms: int, *, months: int) -> bool:
    """Whether more than so many calendar months lie between the two times."""
    month, *rest = _calendar(at_ms)
    return [month + months, *rest] < _calendar(now_ms)


def _moment(at_ms: int) -> datetime:
    return _EPOCH + at_ms * _MILLISECOND


def _calendar(at_ms: int) -> list[int]:
    moment = _moment(at_ms)
    return [12 * moment.year + moment.month, moment.day, at_ms % 86_400_000]
