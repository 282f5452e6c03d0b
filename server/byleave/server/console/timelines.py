"""The geometry of figures over time: the band of a lift, who came when, and the weights.

All have the same width and the same margin, so that their times lie below each other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from byleave.experiments.lift import Interval, Look
from byleave.server.console.figures import WIDTH, Tick, ticks
from byleave.server.history import DayOfEnrolment, LookBack
from byleave.server.results import AllocationStep

_LEFT: Final = 88.0  # the labels of the upright axis fit in it
_HEIGHT: Final = 140.0

#: More steps than this are not told apart at the width that a figure has.
MOST_STEPS: Final = 200

#: A band is drawn in full where it is at most so many times as wide as at its end.
_WIDEST: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeScale:
    """Where a time lies.

    Attributes:
        from_ms: The left end.
        until_ms: The right end.
    """

    from_ms: int
    until_ms: int
    left: float = _LEFT
    right: float = WIDTH

    def x(self, at_ms: float) -> float:
        """Return where a time lies."""
        share = (at_ms - self.from_ms) / max(self.until_ms - self.from_ms, 1)
        return round(self.left + (self.right - self.left) * min(max(share, 0.0), 1.0), 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """How the interval of one arm narrowed.

    Attributes:
        arm: The arm.
        place: Its place among colours.
        area: The outline of the band, as points of an SVG polygon.
        line: The estimate, as points of an SVG polyline.
        height: Height of the drawing without its axis.
        zero: Where no effect is.
        ticks: Marks of the upright axis.
        scale: The times.
        is_relative: Whether effects are relative to the control.
        is_cut: Whether early intervals are wider than the drawing.
    """

    arm: str
    place: int
    area: str
    line: str
    height: float
    zero: float
    ticks: tuple[Tick, ...]
    scale: TimeScale
    is_relative: bool
    is_cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """One arm's part of a drawing: its place among colours, and the data of an SVG path."""

    place: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Parts of all arms on each other, over time.

    Attributes:
        areas: The parts, in the order in which they are drawn: each covers what is below it.
        ticks: Marks of the upright axis.
        changes: Where a new row of weights was published.
        scale: The times.
        height: Height of the drawing without its axis.
        cell: The cell whose weights they are; empty for all.
    """

    areas: tuple[Area, ...]
    ticks: tuple[Tick, ...]
    changes: tuple[float, ...]
    scale: TimeScale
    height: float = _HEIGHT
    cell: str = ""


def bands(
    looks: Sequence[LookBack], *, place: Mapping[str, int], scale: TimeScale, is_relative: bool
) -> list[Band]:
    """Return the band of each arm that at least two looks could compare, all on one scale."""
    shown = {
        arm: [
            (look.at_ms, *_effect(look.arms[arm], is_relative))
            for look in looks
            if arm in look.arms and not (is_relative and look.arms[arm].lift_interval is None)
        ]
        for arm in place
    }
    shown = {arm: points for arm, points in shown.items() if len(points) > 1}
    if not shown:
        return []
    widest = _WIDEST * max(points[-1][2].width for points in shown.values())
    fitting = [
        interval
        for points in shown.values()
        for _, _, interval in points
        if interval.width <= widest
    ]
    marks = ticks(
        min(0.0, *(interval.low for interval in fitting)),
        max(0.0, *(interval.high for interval in fitting)),
    )

    def y(value: float) -> float:
        share = (value - marks[0]) / (marks[-1] - marks[0])
        return round(_HEIGHT * (1 - min(max(share, 0.0), 1.0)), 2)

    return [
        Band(
            arm=arm,
            place=place[arm],
            area=_points(
                [(scale.x(at_ms), y(interval.high)) for at_ms, _, interval in points]
                + [(scale.x(at_ms), y(interval.low)) for at_ms, _, interval in points[::-1]]
            ),
            line=_points([(scale.x(at_ms), y(value)) for at_ms, value, _ in points]),
            height=_HEIGHT,
            zero=y(0.0),
            ticks=tuple(Tick(at=y(value), value=value) for value in marks),
            scale=scale,
            is_relative=is_relative,
            is_cut=any(interval.width > widest for _, _, interval in points),
        )
        for arm, points in shown.items()
    ]


def enrolment_stack(
    days: Sequence[DayOfEnrolment],
    changes: Iterable[int],
    *,
    place: Mapping[str, int],
    scale: TimeScale,
) -> Stack | None:
    """Return how many came by each day's rows, as columns; None before anybody came."""
    totals = [sum(count or 0 for count in day.units.values()) for day in days]
    if not any(totals):
        return None
    marks = ticks(0.0, max(totals))
    ends = [scale.x(day.from_ms) for day in days[1:]] + [scale.x(scale.until_ms)]
    columns = [
        # A hair's breadth between two days shows where one ends.
        _Column(
            left=scale.x(day.from_ms),
            right=max(end - 0.5, scale.x(day.from_ms) + 0.5),
            heights={arm: (units or 0) / marks[-1] for arm, units in day.units.items()},
        )
        for day, end in zip(days, ends, strict=True)
    ]
    return Stack(
        areas=_areas(columns, place),
        ticks=tuple(Tick(at=round(_HEIGHT * (1 - m / marks[-1]), 2), value=m) for m in marks),
        changes=_thinned([scale.x(at_ms) for at_ms in changes]),
        scale=scale,
    )


def allocation_stacks(
    steps: Iterable[AllocationStep], *, place: Mapping[str, int], scale: TimeScale
) -> list[Stack]:
    """Return how the weights of each cell moved, the cell that changed most often first."""
    by_cell: dict[str, list[AllocationStep]] = {}
    for step in steps:
        by_cell.setdefault(step.cell, []).append(step)
    ordered = sorted(by_cell.values(), key=len, reverse=True)
    return [_allocation_stack(cell, place=place, scale=scale) for cell in ordered]


def _allocation_stack(
    steps: Sequence[AllocationStep], *, place: Mapping[str, int], scale: TimeScale
) -> Stack:
    kept = steps[:: ceil(len(steps) / MOST_STEPS)]
    ends = [step.opened_ms for step in kept[1:]] + [steps[-1].closed_ms or scale.until_ms]
    columns = [
        _Column(left=scale.x(step.opened_ms), right=scale.x(end_ms), heights=step.weights)
        for step, end_ms in zip(kept, ends, strict=True)
    ]
    return Stack(
        areas=_areas(columns, place),
        ticks=tuple(Tick(at=_HEIGHT * (1 - share), value=share) for share in (0.0, 0.5, 1.0)),
        changes=_thinned([scale.x(step.opened_ms) for step in steps[1:]]),
        scale=scale,
        cell=steps[0].cell,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """What lies between two times: the height of each arm, as a share of the drawing's."""

    left: float
    right: float
    heights: Mapping[str, float]


def _areas(columns: Sequence[_Column], place: Mapping[str, int]) -> tuple[Area, ...]:
    """Return what is drawn of each arm: from the bottom up to its top, the highest first.

    The control lies lowest. What is drawn later covers what would show below it, so that each
    arm is one outline and not a rectangle for each step.
    """
    below = sorted(place, key=lambda arm: place[arm])
    areas = []
    for count in range(len(below), 0, -1):
        arms = below[:count]
        areas.append(Area(place=place[arms[-1]], path=_outline(columns, arms)))
    return tuple(areas)


def _outline(columns: Sequence[_Column], arms: Sequence[str]) -> str:
    """The outline of columns that reach up to the last of some arms; touching ones are one."""
    path, at = [], None
    for column in columns:
        if at != column.left:
            path.append(f"{'' if at is None else f'V{_HEIGHT:g}'}M{column.left:g} {_HEIGHT:g}")
        path.append(f"V{_top(column, arms):g}H{column.right:g}")
        at = column.right
    return "".join(path) + f"V{_HEIGHT:g}"


def _top(column: _Column, arms: Sequence[str]) -> float:
    return round(_HEIGHT * (1 - sum(column.heights.get(arm, 0.0) for arm in arms)), 1)


def _effect(look: Look, is_relative: bool) -> tuple[float, Interval]:
    if is_relative and look.lift is not None and look.lift_interval is not None:
        return look.lift, look.lift_interval
    return look.difference, look.difference_interval


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _thinned(places: Sequence[float]) -> tuple[float, ...]:
    """Places of ticks, without those that would lie on another."""
    return tuple(dict.fromkeys(round(place, 1) for place in places))
