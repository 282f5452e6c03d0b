"""What is learned from events: enrolments, outcomes, and the sums that reports read.

Events come late, twice and in any order. Therefore nothing is added up event by event: when
events touch a unit, its enrolments and outcomes are worked out anew, as a function of the set of
its events, and the sums change by what that differs from before. The sums are then the same
whatever the order, and equal to a recount of the log.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import fsum, isqrt
from typing import Final

from byleave.experiments import HOLDOUT, Goal
from byleave.experiments.definitions import GoalKind
from byleave.sdk.receipts import RECEIPT_LASTS_MS
from byleave.segments import Purpose
from byleave.server.events import Happening, Reward, log_name, reward_name

_HOUR_MS: Final = 3_600_000

#: The reporting segment that everyone is in.
EVERYONE: Final = ""
#: A goal's window is divided into this many buckets.
DELAY_BUCKETS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """The earliest served exposure of a unit to a run.

    Attributes:
        unit: The visitor's id.
        run: The run.
        stratum: The allocation row that the arm was drawn from, or the holdout's hour.
        arm: The arm.
        assigned_ms: When it was drawn; the goals' windows start here.
        event: Id of the exposure.
        segments: The reporting segments that were true then.
        is_conflict: Whether the unit was ever seen in another arm of the run.
    """

    unit: str
    run: str
    stratum: str
    arm: str
    assigned_ms: int
    event: str
    segments: tuple[str, ...] = ()
    is_conflict: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a goal came to for an enrolment: its value, and how long until its first event."""

    value: float
    delay_ms: int


Outcomes = Mapping[str, Outcome]
#: Units, units that reached the goal, sum and sum of squares of its value.
Sums = tuple[int, int, float, float]
_NOTHING: Final[Sums] = (0, 0, 0.0, 0.0)


def holdout_stratum(run: str, assigned_ms: int) -> str:
    """Return the stratum of a unit in the holdout: its run and the hour that it came in."""
    return f"{run}.{HOLDOUT}.{assigned_ms // _HOUR_MS}"


def holdout_hour_end_ms(stratum: str) -> int:
    """Return when the hour of a holdout stratum was over."""
    return (int(stratum.rpartition(".")[2]) + 1) * _HOUR_MS


def earliest(known: Enrolment | None, other: Enrolment) -> Enrolment:
    """Return which of two exposures of a unit to a run enrols it."""
    if known is None:
        return other
    first = min(known, other, key=lambda enrolment: (enrolment.assigned_ms, enrolment.event))
    return replace(
        first,
        is_conflict=known.is_conflict or other.is_conflict or known.arm != other.arm,
    )


def signals(key: str, goal: Goal) -> set[str]:
    """Return the names of what the log holds about a goal."""
    return {goal.event, reward_name(key)}


def outcome(
    key: str, goal: Goal, log: Iterable[Happening | Reward], *, assigned_ms: int
) -> Outcome | None:
    """Return what a goal came to within its window, which includes both ends.

    Args:
        key: The goal's key.
        goal: The goal.
        log: What the unit did, in any order, whether it concerns the goal or not.
        assigned_ms: When the window starts.

    Returns:
        None where nothing reached the goal.
    """
    until_ms = assigned_ms + window_ms(goal)
    counted = [
        event
        for event in log
        if log_name(event) in signals(key, goal)
        and assigned_ms <= event.at_ms <= until_ms
        and (isinstance(event, Reward) or Purpose.ANALYTICS in event.uses)
    ]
    if not counted:
        return None
    delay_ms = min(event.at_ms for event in counted) - assigned_ms
    if goal.kind is GoalKind.CONVERSION:
        return Outcome(1.0, delay_ms)
    # An exact sum does not depend on the order of its parts.
    value = fsum(_amount(goal, event) for event in counted)
    return Outcome(value if goal.cap is None else min(value, goal.cap), delay_ms)


def window_ms(goal: Goal) -> int:
    """Return how long after an enrolment a goal counts; on a page, as long as its receipt."""
    return RECEIPT_LASTS_MS if goal.within == "page" else goal.within


def delay_bucket(goal: Goal, delay_ms: int) -> int:
    """Return the bucket of a delay: b holds delays from (b/64)² to ((b+1)/64)² of the window.

    Most conversions come early, where buckets are short: 2.5 minutes at the start of 7 days.
    """
    scaled = isqrt(DELAY_BUCKETS**2 * delay_ms // max(window_ms(goal), 1))
    return min(scaled, DELAY_BUCKETS - 1)


class Change:
    """What a set of units changes in the sums."""

    def __init__(self) -> None:
        self.sums: dict[tuple[str, str, str, str], Sums] = {}
        self.delays: Counter[tuple[str, str, int]] = Counter()
        self.conflicts: Counter[str] = Counter()

    def add(
        self, enrolment: Enrolment, goals: Mapping[str, Goal], outcomes: Outcomes, *, times: int = 1
    ) -> None:
        """Count an enrolment with its outcomes, or take it out with `times=-1`."""
        self.conflicts[enrolment.run] += times * enrolment.is_conflict
        for name, goal in goals.items():
            reached = outcomes.get(name)
            value = 0.0 if reached is None else reached.value
            part = (times, times * (reached is not None), times * value, times * value**2)
            for segment in (EVERYONE, *enrolment.segments):
                key = (enrolment.stratum, enrolment.arm, name, segment)
                self.sums[key] = _added(self.sums.get(key, _NOTHING), part)
            if reached is not None:
                bucket = delay_bucket(goal, reached.delay_ms)
                self.delays[enrolment.stratum, name, bucket] += times


def _added(sums: Sums, part: Sums) -> Sums:
    return (sums[0] + part[0], sums[1] + part[1], sums[2] + part[2], sums[3] + part[3])


def _amount(goal: Goal, event: Happening | Reward) -> float:
    if goal.kind is GoalKind.COUNT or isinstance(event, Reward):
        return 1.0
    return float(event.properties.get(goal.of or "", 0.0))
