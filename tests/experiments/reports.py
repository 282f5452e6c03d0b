"""Strata in which every rate is exact, and the reports of them."""

from dataclasses import replace
from typing import Any

import numpy as np

from byleave.experiments.goals import Better, Goal, GoalKind
from byleave.experiments.lift import (
    Population,
    Report,
    RunFacts,
    Strata,
    build_report,
)
from byleave.segments import Duration

DAY_MS = 86_400_000
SIGNUP = Goal(event="sign_up", kind=GoalKind.CONVERSION, within=Duration(7 * DAY_MS))
SUPPORT = replace(SIGNUP, event="support_contact", better=Better.LOWER)
REVENUE = Goal(event="purchase", kind=GoalKind.VALUE, within="page", of="amount", cap=100.0)
AGREED = Population(page_share=0.61)


def conversions(*rates: float, rows: int = 10, units: int = 2_000) -> Strata:
    """Equal weights and exactly the given rate in every row and arm."""
    counts = np.full((rows, len(rates)), units)
    sums = np.tile(np.round(units * np.array(rates)), (rows, 1))
    shares = np.full((rows, len(rates)), 1 / len(rates))
    return Strata.of(counts=counts, sums=sums, squares=sums, propensities=shares)


def orders(*means: float, units: int = 500, buyers: float = 0.1) -> Strata:
    """Ten rows in which a share of the units buys for twice or no more than a mean."""
    counts = np.full((10, len(means)), units)
    amount = np.array(means) / buyers
    buying = units * buyers
    return Strata.of(
        counts=counts,
        sums=np.tile(amount * buying, (10, 1)),
        squares=np.tile(amount**2 * buying, (10, 1)),
        propensities=np.full(counts.shape, 1 / len(means)),
    )


def reported(strata: Strata, **changes: Any) -> Report:
    arms = ["control", "proof", "finder"][: strata.arms]
    asked: dict[str, Any] = {
        "arms": arms,
        "goal_key": "signup",
        "goal": SIGNUP,
        "population": AGREED,
        "run": RunFacts(age_ms=3 * DAY_MS),
    }
    return build_report(strata, **(asked | changes))
