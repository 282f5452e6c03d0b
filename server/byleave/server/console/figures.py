"""The geometry of the figure of intervals, in units of a drawing 480 wide, and what all share.

Pages draw the figures as SVG. Nothing here is about colour or type.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, floor, log10
from typing import Final

from byleave.experiments.lift import ArmRow, Interval, Report

WIDTH: Final = 480.0
MARGIN: Final = 44.0  # half of a tick's label fits in it
_ROW: Final = 56.0
AXIS: Final = 32.0


class Effect(StrEnum):
    """How an effect is told."""

    RELATIVE = "relative"  # to the control
    ABSOLUTE = "absolute"  # in the unit of the goal
    SCALED = "scaled"  # for all units of 30 days


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on an axis: where it is, and the value that it stands for."""

    at: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One arm's interval; without one, only its name is drawn."""

    arm: str
    place: int
    y: float
    low: float | None = None
    high: float | None = None
    estimate: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalPlot:
    """Intervals of all arms on one axis with a line at zero.

    Attributes:
        effect: What the axis is in.
        height: Height of the drawing.
        zero: Where zero is.
        ticks: Marks of the axis.
        bars: One per arm but the control.
    """

    effect: Effect
    height: float
    zero: float
    ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]


def places(report: Report) -> dict[str, int]:
    """Return each arm's place among colours: control is 0, the others follow by name."""
    others = sorted(row.arm for row in report.arms if not row.is_control)
    return {row.arm: 0 for row in report.arms if row.is_control} | {
        arm: index + 1 for index, arm in enumerate(others)
    }


def is_relative(report: Report) -> bool:
    """Whether every arm that is compared at all has a lift relative to the control."""
    return all(
        row.lift_interval is not None for row in report.arms if row.difference_interval is not None
    )


def effect_of(row: ArmRow, effect: Effect, *, units: float) -> tuple[float, Interval] | None:
    """Return an arm's estimate with its interval, told in one way; None where there is none.

    Args:
        row: The arm.
        effect: In which way.
        units: The units that a scaled effect is for.
    """
    if effect is Effect.RELATIVE:
        estimate, interval = row.lift, row.lift_interval
    else:
        estimate, interval = row.difference, row.difference_interval
    if estimate is None or interval is None:
        return None
    if effect is Effect.SCALED:
        return estimate * units, interval.scaled(units)
    return estimate, interval


def interval_plot(report: Report, effect: Effect, *, units: float) -> IntervalPlot | None:
    """Return the plot of a report's intervals; None when it has none to show."""
    arms = [row for row in report.arms if not row.is_control]
    found = {row.arm: effect_of(row, effect, units=units) for row in arms}
    shown = [pair for pair in found.values() if pair is not None]
    if not shown:
        return None
    low = min(0.0, *(interval.low for _, interval in shown))
    high = max(0.0, *(interval.high for _, interval in shown))
    marks = ticks(low, high)
    start, end = min(low, marks[0]), max(high, marks[-1])

    def x(value: float) -> float:
        return round(MARGIN + (WIDTH - 2 * MARGIN) * (value - start) / (end - start), 2)

    place, bars = places(report), []
    for index, row in enumerate(arms):
        pair = found[row.arm]
        bars.append(
            Bar(
                arm=row.arm,
                place=place[row.arm],
                y=index * _ROW,
                low=None if pair is None else x(pair[1].low),
                high=None if pair is None else x(pair[1].high),
                estimate=None if pair is None else x(pair[0]),
            )
        )
    return IntervalPlot(
        effect=effect,
        height=len(arms) * _ROW + AXIS,
        zero=x(0.0),
        ticks=tuple(Tick(at=x(value), value=value) for value in marks),
        bars=tuple(bars),
    )


def ticks(low: float, high: float) -> list[float]:
    """Return three to six round values that span a range which includes zero."""
    high = high if high > low else low + 1.0
    span = high - low
    power = 10.0 ** floor(log10(span / 4))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= 5)
    first = floor(low / step)
    return [round(index * step, 10) for index in range(first, ceil(high / step) + 1)]
