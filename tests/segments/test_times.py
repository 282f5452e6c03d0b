import pytest

from byleave.segments import DefinitionError, plain, read
from byleave.segments.times import Hours, moment_ms

MONDAY_NOON_MS = 1_700_481_600_000  # 2023-11-20T12:00:00Z
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("value", "time_ms"),
    [
        ("2023-11-20T12:00:00Z", MONDAY_NOON_MS),
        ("2023-11-20T13:00+01:00", MONDAY_NOON_MS),
        ("2023-11-20T12:00:00.250Z", MONDAY_NOON_MS + 250),
        ("2023-11-20", MONDAY_NOON_MS - 12 * HOUR),
        ("20231120", MONDAY_NOON_MS - 12 * HOUR),
        (MONDAY_NOON_MS, MONDAY_NOON_MS),
        (-1, -1),
        ("2023-W47-1", MONDAY_NOON_MS - 12 * HOUR),
        ("2023-11-20T12:00:00", None),
        ("2023W47T12", None),
        ("2023-11-31", None),
        ("yesterday", None),
        ("0001-01-01", None),
        ("9999-12-31T23:59:59-12:00", None),
        (10**18, None),
        (True, None),
        (1.5, None),
        (None, None),
    ],
)
def test_a_moment_is_milliseconds_or_a_date_or_a_time_with_its_offset(
    value: object, time_ms: int | None
) -> None:
    assert moment_ms(value) == time_ms


@pytest.mark.parametrize(
    ("hours", "after_monday_noon_ms", "inside"),
    [
        ({"from": "09:00", "to": "17:30"}, 0, True),
        ({"from": "09:00", "to": "17:30"}, 5 * HOUR + 29 * MINUTE, True),
        ({"from": "09:00", "to": "17:30"}, 5 * HOUR + 30 * MINUTE, False),
        ({"from": "09:00", "to": "17:30"}, -3 * HOUR - 1, False),
        ({"from": "12:00"}, 0, True),
        ({"to": "12:00"}, 0, False),
        ({}, 0, True),
        ({"days": ["mon"]}, 0, True),
        ({"days": ["tue", "sun"]}, 0, False),
        ({"days": ["tue", "sun"]}, DAY, True),
        ({"from": "22:00", "to": "06:00"}, 11 * HOUR, True),
        ({"from": "22:00", "to": "06:00"}, 17 * HOUR, True),
        ({"from": "22:00", "to": "06:00"}, 18 * HOUR, False),
        ({"from": "22:00", "to": "06:00", "days": ["mon"]}, 11 * HOUR, True),
        ({"from": "22:00", "to": "06:00", "days": ["mon"]}, 17 * HOUR, True),
        ({"from": "22:00", "to": "06:00", "days": ["tue"]}, 17 * HOUR, False),
        ({"from": "20:00", "to": "21:30", "timezone": "Asia/Tokyo"}, 0, True),
        ({"from": "20:00", "to": "21:00", "timezone": "Asia/Tokyo"}, 0, False),
        ({"days": ["tue"], "timezone": "Asia/Tokyo"}, 3 * HOUR, True),
    ],
)
def test_hours_come_back_every_day_or_week_in_their_time_zone(
    hours: dict[str, object], after_monday_noon_ms: int, inside: bool
) -> None:
    assert read(Hours, hours).contain(MONDAY_NOON_MS + after_monday_noon_ms) is inside


def test_hours_follow_the_clocks_when_these_change() -> None:
    opening = read(Hours, {"from": "09:00", "to": "10:00", "timezone": "Europe/London"})

    assert opening.contain(moment_ms("2026-03-28T09:30Z") or 0)
    assert opening.contain(moment_ms("2026-03-29T08:30Z") or 0)
    assert not opening.contain(moment_ms("2026-03-29T09:30Z") or 0)


def test_hours_are_written_as_they_are_read() -> None:
    written = {"from": "09:00", "to": "24:00", "timezone": "Europe/Paris", "days": ["mon", "sun"]}

    hours = read(Hours, {**written, "days": ["sun", "mon", "mon"]})

    assert plain(hours) == written
    assert hours.in_words() == "09:00 to 24:00 on mon, sun (Europe/Paris)"
    assert read(Hours, plain(Hours())) == Hours()
    assert Hours().in_words() == "00:00 to 24:00 (UTC)"


@pytest.mark.parametrize(
    ("hours", "fault"),
    [
        ("09:00", r"\$: expected a mapping with from, to or days, got '09:00'"),
        ({"from": "9:00"}, r'\$.from: expected a time of day such as "09:00", got \'9:00\''),
        ({"to": 17}, r"\$.to: expected a time of day"),
        ({"days": ["monday"]}, r"\$.days\[0\]: expected one of mon, tue"),
        ({"days": "mon"}, r"\$.days: expected a list"),
        ({"timezone": "Middle/Earth"}, r"\$.timezone: unknown time zone"),
        ({"timezone": "../etc"}, r"\$.timezone: unknown time zone"),
        ({"timezone": "Europe"}, r"\$.timezone: unknown time zone"),
        ({"timezone": 1}, r"\$.timezone: expected text"),
        ({"until": "10:00"}, r"\$.until: unknown key"),
    ],
)
def test_hours_that_make_no_sense_are_refused(hours: object, fault: str) -> None:
    with pytest.raises(DefinitionError, match=fault):
        read(Hours, hours)
