"""Goals: the events that count, and how much they count."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from byleave.segments import Duration


class GoalKind(StrEnum):
    """What a goal counts per enrolment: whether, how often, how much, or how long."""

    CONVERSION = "conversion"
    COUNT = "count"
    VALUE = "value"
    TIME = "time"


class Better(StrEnum):
    """Which direction of a goal is the good one."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """An event that counts, from a visitor's enrolment until the window ends.

    Attributes:
        event: The event that reaches the goal.
        kind: What is counted.
        within: The attribution window after enrolment; `page` means on the same page.
        of: The event's property that a value or time goal sums.
        cap: The most that one enrolment can contribute, in the unit of `of`: a sum above it
            counts as the cap, and one below minus the cap as that (it is winsorised).
        better: Whether more of it is good.
    """

    event: str
    kind: GoalKind
    within: Duration | Literal["page"]
    of: str | None = None
    cap: float | None = None
    better: Better = Better.HIGHER
