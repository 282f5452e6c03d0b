"""The geometry of the figures: where bars, dots and steps lie, in units of a drawing 320 wide.

Pages draw these as SVG. Nothing here is about colour or type.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Final

from byleave.experiments.lift import Interval, Report
from byleave.server.results import AllocationStep

WIDTH: Final = 320.0
_MARGIN: Final = 22.0  # half of a tick's label fits in it
_ROW: Final = 38.0
_AXIS: Final = 22.0

#: More steps than this are not told apart at the width that a figure has.
MOST_STEPS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on the axis."""

    x: float
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
        is_relative: Whether the axis is in shares of the control, or in the goal's own unit.
        height: Height of the drawing.
        zero: Where zero is.
        ticks: Marks of the axis.
        bars: One per arm but the control.
    """

    is_relative: bool
    height: float
    zero: float
    ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One arm's share during one step."""

    arm: str
    place: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationPlot:
    """The weights of one cell over time, stacked."""

    cell: str
    height: float
    blocks: tuple[Block, ...]
    changes: tuple[float, ...]
    opened_ms: int
    until_ms: int


def places(report: Report) -> dict[str, int]:
    """Return each arm's place among colours: control is 0, the others follow by name."""
    others = sorted(row.arm for row in report.arms if not row.is_control)
    return {row.arm: 0 for row in report.arms if row.is_control} | {
        arm: index + 1 for index, arm in enumerate(others)
    }


def interval_plot(report: Report) -> IntervalPlot | None:
    """Return the plot of a report's intervals; None when it has none to show."""
    arms = [row for row in report.arms if not row.is_control]
    is_relative = all(
        row.lift_interval is not None for row in arms if row.difference_interval is not None
    )
    shown: dict[str, tuple[Interval, float]] = {}
    for row in arms:
        interval = row.lift_interval if is_relative else row.difference_interval
        estimate = row.lift if is_relative else row.difference
        if interval is not None and estimate is not None:
            shown[row.arm] = (interval, estimate)
    if not shown:
        return None
    low = min(0.0, *(interval.low for interval, _ in shown.values()))
    high = max(0.0, *(interval.high for interval, _ in shown.values()))
    ticks = _ticks(low, high)
    start, end = min(low, ticks[0]), max(high, ticks[-1])

    def x(value: float) -> float:
        return round(_MARGIN + (WIDTH - 2 * _MARGIN) * (value - start) / (end - start), 2)

    place, bars = places(report), []
    for index, row in enumerate(arms):
        bar = Bar(arm=row.arm, place=place[row.arm], y=index * _ROW)
        if row.arm in shown:
            interval, estimate = shown[row.arm]
            bar = Bar(
                arm=row.arm,
                place=place[row.arm],
                y=index * _ROW,
                low=x(interval.low),
                high=x(interval.high),
                estimate=x(estimate),
            )
        bars.append(bar)
    return IntervalPlot(
        is_relative=is_relative,
        height=len(arms) * _ROW + _AXIS,
        zero=x(0.0),
        ticks=tuple(Tick(x=x(value), value=value) for value in ticks),
        bars=tuple(bars),
    )


def allocation_plots(
    steps: Iterable[AllocationStep], *, place: Mapping[str, int], now_ms: int
) -> list[AllocationPlot]:
    """Return how the weights of each cell moved, the cell that changed most often first."""
    by_cell: dict[str, list[AllocationStep]] = {}
    for step in steps:
        by_cell.setdefault(step.cell, []).append(step)
    ordered = sorted(by_cell.values(), key=len, reverse=True)
    return [_allocation_plot(cell, place=place, now_ms=now_ms) for cell in ordered]


def _allocation_plot(
    steps: Sequence[AllocationStep], *, place: Mapping[str, int], now_ms: int
) -> AllocationPlot:
    height = 120.0
    start_ms = steps[0].opened_ms
    until_ms = max(steps[-1].closed_ms or now_ms, start_ms + 1)
    kept = steps[:: ceil(len(steps) / MOST_STEPS)]
    ends = [step.opened_ms for step in kept[1:]] + [until_ms]

    def x(at_ms: int) -> float:
        return round(WIDTH * (at_ms - start_ms) / (until_ms - start_ms), 2)

    blocks = []
    for step, end_ms in zip(kept, ends, strict=True):
        below = 0.0
        for arm in sorted(step.weights, key=lambda arm: place.get(arm, 0)):
            share = step.weights[arm]
            blocks.append(
                Block(
                    arm=arm,
                    place=place.get(arm, 0),
                    x=x(step.opened_ms),
                    y=round(height * below, 2),
                    width=round(x(end_ms) - x(step.opened_ms), 2),
                    height=round(height * share, 2),
                )
            )
            below += share
    return AllocationPlot(
        cell=steps[0].cell,
        height=height,
        blocks=tuple(blocks),
        changes=tuple(x(step.opened_ms) for step in kept[1:]),
        opened_ms=start_ms,
        until_ms=until_ms,
    )


def _ticks(low: float, high: float) -> list[float]:
    """Return three to six round values that span a range which includes zero."""
    span = high - low or 1.0
    power = 10.0 ** floor(log10(span / 4))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= 5)
    first = floor(low / step)
    return [round(index * step, 10) for index in range(first, ceil(high / step) + 1)]
