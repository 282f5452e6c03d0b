"""The words of a report: plain English, every figure with its interval and its population."""

from collections.abc import Sequence
from math import floor, log10

from byleave.experiments.goals import Better, GoalKind
from byleave.experiments.lift.interval import Interval
from byleave.experiments.lift.relative import RelativeLift
from byleave.experiments.lift.report_model import (
    ArmRow,
    GuardVerdict,
    Phase,
    Population,
    Refusal,
)

__all__ = ["effect_words", "headline", "p_words", "percent", "population_words"]

# Without a verdict, a guard goal is as doubtful as with an unclear one.
_DANGER = {GuardVerdict.HOLDS: 0, None: 1, GuardVerdict.UNCLEAR: 1, GuardVerdict.BROKEN: 2}


def percent(share: float, *, signed: bool = False) -> str:
    """Return a share as people read it: 0.1234 is `12.3 %`, or `+12.3 %` when signed."""
    return f"{_figure(100 * share, digits=1, signed=signed).removesuffix('.0')} %"


def p_words(p: float) -> str:
    """Return a p-value as people read it: `p = 0.03`, or `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def population_words(population: Population) -> str:
    """Return whom a report is about: for example `all measured page views`."""
    if population.unit == "view":
        words = "all measured page views"
    else:
        words = "visitors who may be measured"
        if population.page_share is not None:
            words += f" ({percent(round(population.page_share, 2))} of page views)"
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
    is_empty: bool,
    worse_by_at_most: float | None,
) -> str:
    """Return the first sentence of a report.

    It tells of the arm whose interval promises most in the good direction, of a guard goal of the
    arm that endangers it most, with that interval; or, where no interval may be given, why.
    """
    if phase is Phase.DRAFT:
        return f"This is a draft: nothing has been measured among {population}."
    if blocking:
        return f"No lift is given among {population}: {blocking[0].words}."
    shown = [(row, row.difference_interval) for row in arms if row.difference_interval is not None]
    if shown:
        row, interval = max(
            shown, key=lambda pair: _weight(*pair, better=better, accepted=worse_by_at_most)
        )
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
        return f"Among {population}, {effect}{_guard_words(row.guard, worse_by_at_most)}."
    early = "No mature data" if is_empty else "Not enough data"
    for row in arms:
        if row.guaranteed_interval is not None:
            ends = _ends(row.guaranteed_interval, kind=kind)
            return (
                f"{early} yet among {population}: the difference that {row.arm} makes to {goal} "
                f"lies anywhere from {ends} ({percent(confidence)} interval, valid at any look)."
            )
    return f"{early} yet among {population}, so there is no interval for {goal}."


def _guard_words(guard: GuardVerdict | None, accepted: float | None) -> str:
    """What an arm's interval means for a goal that must not get worse; nothing for others."""
    if guard is None or accepted is None:
        return ""
    words = {
        GuardVerdict.HOLDS: "within",
        GuardVerdict.BROKEN: "beyond",
        GuardVerdict.UNCLEAR: "perhaps beyond",
    }
    return f", {words[guard]} the {percent(accepted)} that it may get worse by"


def _weight(
    row: ArmRow, interval: Interval, *, better: Better, accepted: float | None
) -> tuple[int, float]:
    """How much an arm deserves to be told of: by what it promises, or as a guard endangers."""
    promise = interval.low if better is Better.HIGHER else -interval.high
    return (0, promise) if accepted is None else (_DANGER[row.guard], -promise)


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
        ends = (interval.low, interval.high)
        low, high = (_figure(100 * end, digits=2, signed=True) for end in ends)
        return f"{low} to {high} percentage points"
    return f"{interval.low:+.4g} to {interval.high:+.4g}"


def _amount(value: float, kind: GoalKind) -> str:
    """The size of an absolute difference, in the unit of the goal."""
    if kind is GoalKind.CONVERSION:
        return f"{_figure(100 * value, digits=2)} percentage points"
    return f"{value:.4g}"


def _figure(value: float, *, digits: int, signed: bool = False) -> str:
    """A number with so many digits after the point; with as many as one that is nearly 0 needs.

    Else an interval next to 0 would seem to hold it.
    """
    if value and abs(value) < 0.5 * 10**-digits:
        digits = -floor(log10(abs(value)))
    # Adding 0 turns a negative zero into a plain one.
    return f"{value + 0.0:{'+' if signed else ''}.{digits}f}"
