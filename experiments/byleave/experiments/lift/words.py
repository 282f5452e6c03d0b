"""The words of a report: plain English, every figure with its interval and its population."""

from collections.abc import Sequence

from byleave.experiments.goals import Better, GoalKind
from byleave.experiments.lift.interval import Interval
from byleave.experiments.lift.relative import RelativeLift
from byleave.experiments.lift.report_model import ArmRow, Phase, Population, Refusal

__all__ = ["effect_words", "headline", "percent", "population_words"]


def percent(share: float, *, signed: bool = False) -> str:
    """Return a share as people read it: 0.1234 is `12.3 %`, or `+12.3 %` when signed."""
    # Adding 0 turns a negative zero, left by rounding, into a plain one.
    return f"{round(100 * share, 1) + 0.0:{'+' if signed else ''}.1f} %".replace(".0 %", " %")


def population_words(population: Population) -> str:
    """Return whom a report is about: `the 61 % of visitors who agreed, in Returning visitors`."""
    if population.unit == "view":
        words = "all measured page views"
    elif population.agreed_share is None:
        words = "all visitors"
    else:
        words = f"the {percent(round(population.agreed_share, 2))} of visitors who agreed"
    return words if population.segment is None else f"{words}, in {population.segment}"


def headline(
    arms: Sequence[ArmRow],
    *,
    goal: str,
    kind: GoalKind,
    better: Better,
    population: str,
    confidence: float,
    phase: Phase,
    blocking: Sequence[Refusal],
) -> str:
    """Return the first sentence of a report.

    It tells of the arm whose interval promises most in the good direction, with that interval;
    or, where no interval may be given, why.
    """
    if phase is Phase.DRAFT:
        return f"This is a draft: nothing has been measured among {population}."
    if blocking:
        return f"No lift is given among {population}: {blocking[0].words}."
    shown = [(row, row.difference_interval) for row in arms if row.difference_interval is not None]
    if shown:
        row, interval = max(shown, key=lambda pair: _promise(pair[1], better))
        effect = effect_words(
            row.arm,
            goal=goal,
            kind=kind,
            difference=row.difference or 0.0,
            interval=interval,
            relative=None
            if row.lift is None or row.lift_interval is None
            else RelativeLift(row.lift, row.lift_interval),
            confidence=confidence,
        )
        return f"Among {population}, {effect}."
    early = "Not enough data" if any(row.units for row in arms) else "No mature data"
    for row in arms:
        if row.guaranteed_interval is not None:
            ends = _ends(row.guaranteed_interval, kind=kind)
            return (
                f"{early} yet among {population}: the difference that {row.arm} makes to {goal} "
                f"lies anywhere from {ends} ({percent(confidence)} interval, valid at any look)."
            )
    return f"{early} yet among {population}, so there is no interval for {goal}."


def _promise(interval: Interval, better: Better) -> float:
    """The least gain that an interval leaves, larger being better."""
    return interval.low if better is Better.HIGHER else -interval.high


def effect_words(
    subject: str,
    *,
    goal: str,
    kind: GoalKind,
    difference: float,
    interval: Interval,
    relative: RelativeLift | None,
    confidence: float,
) -> str:
    """Return what something did to a goal: relative where the baseline allows it, else absolute.

    Args:
        subject: What acted, such as an arm.
        goal: The goal's key.
        kind: What the goal counts.
        difference: The absolute estimate, in the unit of the goal.
        interval: Its always-valid interval.
        relative: The relative estimate with its always-valid interval, if there is one.
        confidence: Level of the interval.
    """
    if relative is not None:
        size, ends = percent(abs(relative.estimate)), _relative_ends(relative.interval)
    else:
        size, ends = _amount(abs(difference), kind), _ends(interval, kind=kind)
    proof = f"({percent(confidence)} interval {ends}, valid at any look)"
    if 0.0 in interval:
        return f"{subject} may have changed {goal} or not {proof}"
    return f"{subject} {'raised' if interval.low > 0 else 'lowered'} {goal} by {size} {proof}"


def _relative_ends(interval: Interval) -> str:
    return f"{percent(interval.low, signed=True)} to {percent(interval.high, signed=True)}"


def _ends(interval: Interval, *, kind: GoalKind) -> str:
    """Both ends of an absolute difference, in the unit of the goal."""
    if kind is GoalKind.CONVERSION:
        return f"{100 * interval.low:+.2f} to {100 * interval.high:+.2f} percentage points"
    return f"{interval.low:+.4g} to {interval.high:+.4g}"


def _amount(value: float, kind: GoalKind) -> str:
    """The size of an absolute difference, in the unit of the goal."""
    return f"{100 * value:.2f} percentage points" if kind is GoalKind.CONVERSION else f"{value:.4g}"
