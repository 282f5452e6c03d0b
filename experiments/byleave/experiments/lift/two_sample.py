"""Two groups whose split never adapted, compared by their sums: the classical intervals."""

from dataclasses import dataclass
from math import inf, sqrt

from scipy import special

from byleave.experiments.lift.interval import Interval
from byleave.experiments.lift.relative import BaselineTooUncertain, RelativeLift, fieller

__all__ = ["Group", "TwoSample", "newcombe", "two_sample_lift", "welch"]


@dataclass(frozen=True, slots=True)
class Group:
    """Sums over the units of one group.

    Attributes:
        units: Number n ≥ 2 of units.
        total: Sum of their outcomes Σy, in the unit of the goal.
        squares: Sum of their squared outcomes Σy².

    Raises:
        ValueError: There are fewer than 2 units, or Σy² < (Σy)²/n.
    """

    units: float
    total: float
    squares: float

    def __post_init__(self) -> None:
        """Refuse sums that cannot be those of a group."""
        if not self.units >= 2:
            raise ValueError(f"expected at least 2 units, got {self.units!r}")
        if not self.squares * self.units * (1 + 1e-9) >= self.total * self.total:
            raise ValueError("expected the sum of squares to be at least (sum of outcomes)²/units")

    @property
    def mean(self) -> float:
        """Mean outcome."""
        return self.total / self.units

    @property
    def variance(self) -> float:
        """Unbiased variance of an outcome."""
        return max(self.squares - self.total * self.mean, 0.0) / (self.units - 1)

    @property
    def orders(self) -> float:
        """(Σy)²/Σy², at most the number of units with an outcome (Kish's effective size)."""
        return self.total**2 / self.squares if self.squares > 0 else 0.0

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return sqrt(self.variance / self.units)


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoSample:
    """How two groups differ, valid for one look at a moment planned in advance.

    Attributes:
        difference: Treated mean minus reference mean, in the unit of the goal.
        standard_error: Its standard error.
        freedom: Welch's degrees of freedom; infinite when nothing varies.
        interval: Interval of the difference.
        p: Two-sided p-value of no difference, in [0, 1].
    """

    difference: float
    standard_error: float
    freedom: float
    interval: Interval
    p: float


def welch(treated: Group, reference: Group, *, alpha: float = 0.05) -> TwoSample:
    """Compare two means without assuming equal variances.

    Student's t with (a + b)² / (a²/(n - 1) + b²/(m - 1)) degrees of freedom, where a and b are
    the squared standard errors (Welch 1947; Satterthwaite 1946).

    Args:
        treated: The group that was treated.
        reference: The group it is compared with.
        alpha: Error level in (0, 1).
    """
    difference = treated.mean - reference.mean
    a, b = treated.error**2, reference.error**2
    error = sqrt(a + b)
    if not error:
        p = 1.0 if not difference else 0.0
        return TwoSample(
            difference=difference,
            standard_error=0.0,
            freedom=inf,
            interval=Interval(difference, difference),
            p=p,
        )
    freedom = (a + b) ** 2 / (a**2 / (treated.units - 1) + b**2 / (reference.units - 1))
    margin = -float(special.stdtrit(freedom, alpha / 2)) * error
    return TwoSample(
        difference=difference,
        standard_error=error,
        freedom=freedom,
        interval=Interval(difference - margin, difference + margin),
        p=2 * float(special.stdtr(freedom, -abs(difference / error))),
    )


def newcombe(treated: Group, reference: Group, *, alpha: float = 0.05) -> Interval:
    """Return the interval for the difference of two conversion rates.

    Wilson's score intervals of the two rates, joined by squares and roots (Newcombe 1998,
    "Interval estimation for the difference between independent proportions", method 10). It
    stays in [-1, 1] and works without any conversion.

    Args:
        treated: The group that was treated, with 0/1 outcomes.
        reference: The group it is compared with, with 0/1 outcomes.
        alpha: Error level in (0, 1).
    """
    difference = treated.mean - reference.mean
    mine, theirs = _wilson(treated, alpha=alpha), _wilson(reference, alpha=alpha)
    below = sqrt((treated.mean - mine.low) ** 2 + (theirs.high - reference.mean) ** 2)
    above = sqrt((mine.high - treated.mean) ** 2 + (reference.mean - theirs.low) ** 2)
    return Interval(difference - below, difference + above)


def two_sample_lift(
    treated: Group, reference: Group, *, alpha: float = 0.05
) -> RelativeLift | BaselineTooUncertain:
    """Return the treated mean over the reference mean, minus 1, by Fieller's method (1954).

    Args:
        treated: The group that was treated.
        reference: The group it is compared with.
        alpha: Error level in (0, 1).
    """
    return fieller(
        treated.mean,
        reference.mean,
        numerator_variance=treated.error**2,
        denominator_variance=reference.error**2,
        multiplier=-float(special.ndtri(alpha / 2)),
    )


def _wilson(group: Group, *, alpha: float) -> Interval:
    """Wilson's score interval of a rate (1927)."""
    z = float(special.ndtri(alpha / 2))
    centre = (group.total + z * z / 2) / (group.units + z * z)
    failures = group.units - group.total
    margin = -z * sqrt(group.total * failures / group.units + z * z / 4) / (group.units + z * z)
    return Interval(centre - margin, centre + margin)
