"""What is true in the simulated shop, so that a report can be checked against it.

The visitors of the demonstration are simulated, and this is the law they obey: of those who are
enrolled in an arm, the share that signs up within the goal's window. Nothing here was observed
on a real site. Base rates are at most 12 % and relative lifts at most 40 %, about what a good
change on a good page can hope for.
"""

from typing import Final

SIMULATED: Final = "Simulated data: these visitors are generated and their true rates are known."
"""What every page that shows demonstration data says."""

TRUE_RATES: Final = {
    "pricing-hero": {"control": 0.12, "proof": 0.167, "finder": 0.13},
    "welcome-nav": {"control": 0.12, "plans-first": 0.144},
}
"""Probability of the goal `signup` by experiment and arm."""

WORDS: Final = {
    "pricing-hero": {"proof": b"Trusted by 300 schools", "finder": b"Which plan fits?"},
    "welcome-nav": {"plans-first": b"Plans for schools"},
}
"""What a simulated visitor reads on a page only when that arm shows."""


def true_lift(experiment: str, arm: str) -> float:
    """The relative lift of an arm over the control; 0.35 means 35 % more sign-ups.

    >>> round(true_lift("pricing-hero", "proof"), 2)
    0.39
    """
    rates = TRUE_RATES[experiment]
    return rates[arm] / rates["control"] - 1
