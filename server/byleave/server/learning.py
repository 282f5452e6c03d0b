"""What is learned from events: enrolments, outcomes, and the sums that reports read.

Events come late, twice and in any order. Therefore nothing is added up event by event: when
events touch a unit, its enrolments and outcomes are worked out anew, as a function of the set of
its events, and the sums change by what that differs from before. The sums are then the same
whatever the order, and equal to a recount of the log.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, isqrt
from typing import Final

import msgspec

from byleave.experiments import HOLDOUT, Goal
from byleave.experiments.goals import GoalKind
from byleave.sdk.receipts import RECEIPT_LASTS_MS
from byleave.segments import Purpose
from byleave.server.events import Happening, Reward, reward_name

HOUR_MS: Final = 3_600_000

#: The reporting segment that everyone is in.
EVERYONE: Final = ""
#: A goal's window is divided into this many buckets.
DELAY_BUCKETS: Final = 64


# Made for each exposure, where a data class takes longer than all that is asked of it.
class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
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
#: What a unit did, by the names that the log has for it.
Deeds = Mapping[str, Sequence[Happening | Reward]]


class Measurement:
    """What runs measure, those that are over included.

    Attributes:
        runs: Each run's goals by key.
        names: Under which names the log holds what reaches some goal of a run, by run.
        every_name: The names of all runs.
    """

    def __init__(self, runs: Mapping[str, Mapping[str, Goal]]) -> None:
        """Work out the names once, because events are looked up by them all the time."""
        self.runs = runs
        self.names = {
            run: frozenset(name for key, goal in goals.items() for name in _names(key, goal))
            for run, goals in runs.items()
        }
        self.every_name = frozenset().union(*self.names.values())


def earliest(known: Enrolment | None, other: Enrolment) -> Enrolment:
    """Return which of two exposures of a unit to a run enrols it."""
    if known is None:
        return other
    first = min(known, other, key=lambda enrolment: (enrolment.assigned_ms, enrolment.event))
    is_conflict = known.is_conflict or other.is_conflict or known.arm != other.arm
    if first.is_conflict == is_conflict:
        return first
    return msgspec.structs.replace(first, is_conflict=is_conflict)


def outcomes(goals: Mapping[str, Goal], deeds: Deeds, *, assigned_ms: int) -> dict[str, Outcome]:
    """Return what each goal came to that was reached within its window, both ends included.

    A receipt is good for each goal once: of its rewards the earliest counts.
    """
    found: dict[str, Outcome] = {}
    if not deeds:
        return found  # as of most units
    for key, goal in goals.items():
        happened, rewarded = deeds.get(goal.event, ()), deeds.get(reward_name(key), ())
        if not happened and not rewarded:
            continue
        until_ms = assigned_ms + window_ms(goal)
        counted: list[Happening | Reward] = [
            event
            for event in happened
            if assigned_ms <= event.at_ms <= until_ms
            and isinstance(event, Happening)
            and Purpose.ANALYTICS in event.uses
        ]
        rewards = [
            event
            for event in rewarded
            if assigned_ms <= event.at_ms <= until_ms and isinstance(event, Reward)
        ]
        counted += sorted(rewards, key=lambda event: event.at_ms)[:1]
        if counted:
            delay_ms = min(event.at_ms for event in counted) - assigned_ms
            found[key] = Outcome(_value(goal, counted), delay_ms)
    return found


def window_ms(goal: Goal) -> int:
    """Return how long after an enrolment a goal counts; on a page, as long as its receipt."""
    return RECEIPT_LASTS_MS if goal.within == "page" else goal.within


def longest_window_ms(goals: Iterable[Goal]) -> int:
    """Return how long after an enrolment the last of a run's goals may count."""
    return max((window_ms(goal) for goal in goals), default=0)


def delay_bucket(goal: Goal, delay_ms: int) -> int:
    """Return the bucket of a delay: b holds delays from (b/64)² to ((b+1)/64)² of the window.

    Most conversions come early, where buckets are short: 2.5 minutes at the start of 7 days.
    """
    scaled = isqrt(DELAY_BUCKETS**2 * delay_ms // window_ms(goal))
    return min(scaled, DELAY_BUCKETS - 1)


def holdout_stratum(run: str, assigned_ms: int) -> str:
    """Return the stratum of a unit in the holdout: its run and the hour that it came in."""
    return f"{run}.{HOLDOUT}.{assigned_ms // HOUR_MS}"


def holdout_hour_end_ms(stratum: str) -> int:
    """Return when the hour of a holdout stratum was over."""
    return (int(stratum.rpartition(".")[2]) + 1) * HOUR_MS


class Change:
    """What a set of units changes in the sums.

    Attributes:
        sums: Units, units that reached the goal, sum and sum of squares of its value, by run,
            stratum, arm, goal and reporting segment.
        delays: Units that reached a goal, by run, stratum, goal and bucket of delay.
        conflicts: Units that were seen in two arms, by run.
    """

    def __init__(self) -> None:
        self.sums: defaultdict[tuple[str, str, str, str, str], list[float]] = defaultdict(
            lambda: [0, 0, 0.0, 0.0]
        )
        self.delays: Counter[tuple[str, str, str, int]] = Counter()
        self.conflicts: Counter[str] = Counter()

    def add_new(
        self,
        run: str,
        stratum: str,
        arm: str,
        segments: Iterable[str],
        goals: Iterable[str],
        *,
        times: int,
    ) -> None:
        """Count enrolments that are alike, of units that reached nothing."""
        for segment in (EVERYONE, *segments):
            for goal in goals:
                self.sums[run, stratum, arm, goal, segment][0] += times

    def add(
        self,
        enrolment: Enrolment,
        goals: Iterable[tuple[str, Goal]],
        reached: Outcomes,
        *,
        times: int = 1,
    ) -> None:
        """Count an enrolment with its outcomes, or take it out with `times=-1`."""
        run, stratum, arm = enrolment.run, enrolment.stratum, enrolment.arm
        if enrolment.is_conflict:
            self.conflicts[run] += times
        for key, goal in goals:
            outcome = reached.get(key)
            for segment in (EVERYONE, *enrolment.segments):
                sums = self.sums[run, stratum, arm, key, segment]
                sums[0] += times
                if outcome is not None:
                    sums[1] += times
                    sums[2] += times * outcome.value
                    sums[3] += times * outcome.value * outcome.value
            if outcome is not None:
                self.delays[run, stratum, key, delay_bucket(goal, outcome.delay_ms)] += times


def _names(key: str, goal: Goal) -> tuple[str, str]:
    """Return the names under which the log holds what reaches a goal."""
    return goal.event, reward_name(key)


def _value(goal: Goal, events: Sequence[Happening | Reward]) -> float:
    if goal.kind is GoalKind.CONVERSION:
        return 1.0
    # An exact sum does not depend on the order of its parts.
    value = fsum(_amount(goal, event) for event in events)
    # Winsorised at both ends: refunds, or a sign gone wrong, decide no more than a large order.
    return value if goal.cap is None else max(-goal.cap, min(value, goal.cap))


def _amount(goal: Goal, event: Happening | Reward) -> float:
    if goal.kind is GoalKind.COUNT or isinstance(event, Reward):
        return 1.0
    return float(event.properties.get(goal.of or "", 0.0))
