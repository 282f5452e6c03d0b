"""How a run came to where it is: what each look showed, and who came when."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from byleave.experiments.lift import Look, RunFacts, trajectory
from byleave.server.few import shown
from byleave.server.learning import EVERYONE
from byleave.server.sums import RunSums

_DAY_MS: Final = 86_400_000
_MONTH_MS: Final = 30 * _DAY_MS

#: More looks than this are not told apart in a figure.
MOST_LOOKS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class LookBack:
    """What a look at the results showed, or would have shown.

    Attributes:
        at_ms: When one would have looked: as rows had just matured.
        units: Mature units of all arms then.
        arms: What it showed of each arm that could be compared.
    """

    at_ms: int
    units: int
    arms: Mapping[str, Look]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfEnrolment:
    """How many units came by the rows of weights that were published on one day, UTC.

    Attributes:
        from_ms: When the first of the rows was published.
        units: Enrolled units by arm, mature or not; None for 1 to 9.
        rows: How many rows there were.
    """

    from_ms: int
    units: Mapping[str, int | None]
    rows: int


def looks(sums: RunSums, goal: str) -> tuple[LookBack, ...]:
    """Return what looks at a goal showed, at most 16, evenly spread, the newest one included."""
    matured_ms = sums.matured_ms(goal)
    moments = np.unique(matured_ms[sums.mature(goal)])
    if len(moments) > MOST_LOOKS:
        places = np.linspace(0, len(moments) - 1, MOST_LOOKS).round().astype(int)
        moments = moments[places]
    mature = matured_ms[sums.mature(goal)]
    strata = sums.strata(goal)
    seen = [mature <= moment for moment in moments]
    found = trajectory(strata, seen, arms=sums.arms, goal=sums.fixed.goals[goal], run=RunFacts())
    return tuple(
        LookBack(at_ms=int(moment), units=round(float(strata.counts[rows].sum())), arms=arms)
        for moment, rows, arms in zip(moments, seen, found, strict=True)
    )


def enrolment(sums: RunSums, goal: str) -> tuple[DayOfEnrolment, ...]:
    """Return how many units came day by day."""
    opened_ms = np.array([row.opened_ms for row in sums.rows])
    days = opened_ms // _DAY_MS
    units = sums.units(goal, EVERYONE)
    found = []
    for day in np.unique(days):
        counts = units[days == day].sum(axis=0)
        found.append(
            DayOfEnrolment(
                from_ms=int(opened_ms[days == day].min()),
                units={
                    arm: shown(round(float(count)))
                    for arm, count in zip(sums.arms, counts, strict=True)
                },
                rows=int((days == day).sum()),
            )
        )
    return tuple(found)


def units_in_30_days(sums: RunSums, goal: str) -> float | None:
    """Return how many units come in 30 days at the pace of the mature rows; None without any."""
    until_ms = sums.mature_until_ms(goal)
    if until_ms is None or until_ms <= sums.run.started_ms:
        return None
    is_before = [row.opened_ms < until_ms for row in sums.rows]
    units = float(sums.units(goal, EVERYONE)[is_before].sum())
    return units * _MONTH_MS / float(until_ms - sums.run.started_ms)
