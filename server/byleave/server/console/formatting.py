"""Numbers, ranges and times as whoever reads the page writes them, by the data of the CLDR."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_name
from babel.numbers import format_decimal

from byleave.experiments.lift import Interval
from byleave.server.console.display import CURRENT
from byleave.server.console.display import translated as _

NOTHING: Final = "\N{EN DASH}"
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def percent(share: float | None, *, signed: bool = False) -> str:
    """Return a share as people read it: 0.1234 is `12.3 %`."""
    return amount(share, "conversion", signed=signed)


def amount(value: float | None, kind: str, *, signed: bool = False) -> str:
    """Return a goal's value: conversions as a share, everything else in its own unit."""
    if value is None:
        return NOTHING
    if kind == "conversion":
        return _decimal(100 * value, digits=1, signed=signed) + f"{_NO_BREAK}%"
    return _decimal(value, digits=2, signed=signed)


def difference(value: float | None, kind: str) -> str:
    """Return a difference of two values of a goal: of shares in percentage points."""
    if value is None:
        return NOTHING
    if kind == "conversion":
        points = _decimal(100 * value, digits=2, signed=True)
        return (_("%(points)s pp") % {"points": points}).replace(" ", _NO_BREAK)
    return _decimal(value, digits=2, signed=True)


def scaled(value: float) -> str:
    """Return a change that is counted for many units: no digits where it is large."""
    return _decimal(value, digits=0 if abs(value) >= 100 else 1, signed=True)


def spread(interval: Interval | None, kind: str) -> str:
    """Return the two ends of an interval of changes, relative ones as `conversion`."""
    if interval is None:
        return NOTHING
    low, high = (amount(end, kind, signed=True) for end in (interval.low, interval.high))
    return _("%(low)s to %(high)s") % {"low": low, "high": high}


def difference_spread(interval: Interval | None, kind: str) -> str:
    """Return the two ends of an interval of differences."""
    if interval is None:
        return NOTHING
    low, high = (difference(end, kind) for end in (interval.low, interval.high))
    return _("%(low)s to %(high)s") % {"low": low, "high": high}


def tick(value: float, kind: str) -> str:
    """Return the label of a tick, which is round: no more digits than it needs.

    Changes have a sign; shares, of the kind `share`, have none.
    """
    is_share = kind in ("conversion", "share")
    shown = 100 * value if is_share else value
    pattern = "#,##0.##########"
    if value and kind != "share":
        pattern = f"+{pattern};-{pattern}"
    text = format_decimal(shown, format=pattern, locale=CURRENT.get().babel)
    return text.replace("-", "\N{MINUS SIGN}") + (f"{_NO_BREAK}%" if is_share else "")


def whole(number: int | None) -> str:
    """Return a count; None stands for too few to be shown."""
    if number is None:
        return _("fewer than 10")
    return format_decimal(number, format="#,##0", locale=CURRENT.get().babel)


def chance(p: float) -> str:
    """Return a p-value: three significant digits, or that it is tiny."""
    if p < 0.001:
        return "< " + _decimal(0.001, digits=3)
    return _decimal(p, digits=3)


def moment(at_ms: int) -> str:
    """Return a time in the reader's zone, to the minute, with the zone."""
    display = CURRENT.get()
    at = _datetime(at_ms).astimezone(display.tzinfo)
    zone = get_timezone_name(at, width="short", locale=display.babel)
    return f"{day(at_ms)}, {format_time(at, 'short', locale=display.babel)} {zone}"


def day(at_ms: int) -> str:
    """Return the day of a time in the reader's zone."""
    display = CURRENT.get()
    at = _datetime(at_ms).astimezone(display.tzinfo)
    return format_date(at, "medium", locale=display.babel)


def locale_name(tag: str) -> str:
    """Return the language of a locale, as the page is read, and its tag: `German (de-AT)`."""
    try:
        name = Locale.parse(tag, sep="-").get_language_name(CURRENT.get().babel)
    except (UnknownLocaleError, ValueError):
        name = None
    return f"{name} ({tag})" if name else tag


def iso(at_ms: int) -> str:
    """Return a time as machines read it, in UTC."""
    return _datetime(at_ms).strftime("%Y-%m-%dT%H:%M:%SZ")


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _datetime(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)


def _decimal(value: float, *, digits: int, signed: bool = False) -> str:
    number = f"#,##0.{'0' * digits}"
    pattern = f"+{number};-{number}" if signed else number
    # Adding 0 turns a negative zero, left by rounding, into a plain one.
    rounded = round(value, digits) + 0.0
    text: str = format_decimal(rounded, format=pattern, locale=CURRENT.get().babel)
    return text.replace("-", "\N{MINUS SIGN}")


FILTERS: Final[dict[str, Callable[..., str]]] = {
    "percent": percent,
    "amount": amount,
    "difference": difference,
    "scaled": scaled,
    "range": spread,
    "difference_range": difference_spread,
    "tick": tick,
    "whole": whole,
    "chance": chance,
    "moment": moment,
    "day": day,
    "iso": iso,
    "locale_name": locale_name,
}
