"""`byleave stats plan`: how long it takes until a lift is seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import typer

from byleave.experiments.definitions import CONTROL, Allocate, Policy
from byleave.experiments.goals import Better
from byleave.segments import Duration, Share
from byleave.server.commands.documents import print_json, read_as, read_json, refusing
from byleave.server.commands.exits import FOUND, refuse

_DAY_MS: Final = 86_400_000
_MOST_ARMS: Final = 20
_MOST_UNITS: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What is planned.

    Attributes:
        baseline: The control's conversion rate, or its mean where `deviation` is given.
        lift: How much better or worse one arm is, relative to the control.
        units_per_day: Units enrolled per day.
        arms: How many arms there are, the control included.
        policy: Learned or fixed weights.
        control: The share that the control keeps.
        floor: The share that any other arm keeps.
        epoch: The least life of a row of weights.
        deviation: The standard deviation of an outcome; for conversions it follows.
        better: Which direction of the goal is the good one.
        within: The goal's window.
        most_days: For how long one would wait.
    """

    baseline: float
    lift: float
    units_per_day: float
    arms: int = 2
    policy: Policy = Policy.THOMPSON
    control: Share = field(default=Share(0.10))
    floor: Share = field(default=Share(0.01))
    epoch: Duration = field(default=Duration(_DAY_MS))
    deviation: float | None = None
    better: Better = Better.HIGHER
    within: Duration = field(default=Duration(0))
    most_days: int = 365


def plan() -> None:
    """Tell how long it takes until half of all experiments like this have seen the lift.

    Reads {"baseline": 0.05, "lift": 0.1, "units_per_day": 2000} and optionally "arms", "policy",
    "control", "floor", "epoch", "deviation", "better", "within" and "most_days". Prints the units
    that takes, the days of enrolling, and the days until the report shows it. Exits with 1, and
    says so, where that takes longer than `most_days`.
    """
    asked = read_as(Planned, read_json())
    if not 2 <= asked.arms <= _MOST_ARMS:
        refuse(f"$.arms: expected 2 to {_MOST_ARMS}, got {asked.arms}")
    if not 0 < asked.units_per_day <= _MOST_UNITS:
        refuse(f"$.units_per_day: expected more than 0 and at most {_MOST_UNITS:g}")
    if not 1 <= asked.most_days <= 3_650:
        refuse(f"$.most_days: expected 1 to 3650, got {asked.most_days}")

    from byleave.experiments.simulation import Design
    from byleave.experiments.simulation import plan as planned

    with refusing("$: "):
        found = planned(
            Design(
                allocate=Allocate(
                    policy=asked.policy,
                    goal="goal",
                    control=asked.control,
                    floor=asked.floor,
                    epoch=asked.epoch,
                ),
                arms=(CONTROL, *(f"arm{number}" for number in range(1, asked.arms))),
                baseline=asked.baseline,
                lift=asked.lift,
                units_per_day=asked.units_per_day,
                deviation=asked.deviation,
                better=asked.better,
                within_ms=asked.within,
            ),
            most_days=asked.most_days,
        )
    if found is None:
        print_json({"refused": f"half of all experiments do not see it in {asked.most_days} days"})
        raise typer.Exit(FOUND)
    print_json(
        {
            "units": found.units,
            "enrolling_days": found.enrolling_ms / _DAY_MS,
            "seen_days": found.seen_ms / _DAY_MS,
        }
    )
