import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.experiments.definitions import RampStep, Schedule
from byleave.experiments.schedule import ALWAYS_MS, bounds_ms, ramp_ms
from byleave.segments import Share

HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("schedule", "bounds"),
    [
        (Schedule(), ALWAYS_MS),
        (Schedule(start="1970-01-01T00:00"), (0, ALWAYS_MS[1])),
        (Schedule(end="1970-01-02"), (ALWAYS_MS[0], 24 * HOUR_MS)),
        (Schedule(start="1970-01-01T00:00:00.123"), (123, ALWAYS_MS[1])),
        (Schedule(start="2026-12-01T09:00", timezone="Europe/London"), (1_796_115_600_000, None)),
        (Schedule(start="2026-07-01T09:00", timezone="Europe/London"), (1_782_892_800_000, None)),
        (Schedule(start="2026-07-01T09:00+01:00"), (1_782_892_800_000, None)),
        (Schedule(start="2026-07-01T08:00Z", timezone="Asia/Tokyo"), (1_782_892_800_000, None)),
        # 02:30 came twice that night; the first one was still summer time.
        (Schedule(start="2026-10-25T02:30", timezone="Europe/Paris"), (1_792_888_200_000, None)),
        # 02:30 never came that night; a clock that was not put forward showed it at 03:30.
        (Schedule(start="2026-03-29T02:30", timezone="Europe/Paris"), (1_774_747_800_000, None)),
        (Schedule(start="0001-01-01", timezone="Asia/Tokyo"), (-62_135_630_339_000, None)),
    ],
)
def test_local_times_become_moments(schedule: Schedule, bounds: tuple[int, int | None]) -> None:
    start_ms, end_ms = bounds

    assert bounds_ms(schedule) == (start_ms, ALWAYS_MS[1] if end_ms is None else end_ms)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (Schedule(start="tomorrow"), "expected a time such as 2026-12-01T09:00, got 'tomorrow'"),
        (Schedule(end="2026-13-01"), "expected a time such as 2026-12-01T09:00, got '2026-13-01'"),
        (
            Schedule(start="2026-12-01T09:00", end="2026-12-01T09:00"),
            "the end 2026-12-01T09:00 is not after the start 2026-12-01T09:00",
        ),
        *(
            (
                Schedule(timezone=zone),
                f"unknown time zone {zone!r}; expected a name such as Europe/London",
            )
            for zone in ("Europe/Lodnon", "Europe", "../etc/passwd", "", "a\0b")
        ),
    ],
)
def test_what_is_no_schedule_is_refused(schedule: Schedule, message: str) -> None:
    with pytest.raises(ValueError, match=r"expected|not after") as caught:
        bounds_ms(schedule)

    assert str(caught.value) == message


def test_a_ramp_is_read_in_the_zone_of_the_schedule() -> None:
    ramp = (
        RampStep(at="2026-07-01T09:00", traffic=Share(0.2)),
        RampStep(at="2026-07-02T09:00", traffic=Share(0.4)),
    )

    assert ramp_ms(ramp, "Europe/London") == (1_782_892_800_000, 1_782_979_200_000)


def test_a_ramp_out_of_order_is_refused() -> None:
    step = RampStep(at="2026-07-01T09:00", traffic=Share(0.2))

    with pytest.raises(ValueError, match="in the order of time"):
        ramp_ms((step, step), "UTC")


@given(st.datetimes())
def test_every_time_of_the_world_clock_is_exact_to_the_millisecond(moment: object) -> None:
    schedule = Schedule(start=str(moment))

    start_ms, _ = bounds_ms(schedule)

    assert ALWAYS_MS[0] < start_ms < ALWAYS_MS[1]
