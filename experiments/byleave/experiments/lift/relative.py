"""Lift relative to the control, the figure that people quote."""

from dataclasses import dataclass

import numpy as np

from byleave.experiments.lift.interval import Interval
from byleave.experiments.lift.stratified import StratifiedContrast

__all__ = ["BaselineTooUncertain", "RelativeLift", "fieller", "relative_lift"]


@dataclass(frozen=True, slots=True)
class BaselineTooUncertain:
    """Why there is no relative lift: the control's mean may well be 0.

    Attributes:
        baseline: The control's mean.
        standard_error: Its standard error.
    """

    baseline: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class RelativeLift:
    """The arm's mean divided by the control's, minus 1: 0.12 is 12 % more.

    Attributes:
        estimate: The ratio of the two means, minus 1.
        interval: Fieller's interval around it, not symmetric.
    """

    estimate: float
    interval: Interval


def relative_lift(
    contrast: StratifiedContrast, *, always_valid: bool = True
) -> RelativeLift | BaselineTooUncertain:
    """Return the lift relative to the control, at the contrast's error level.

    Args:
        contrast: What `stratified_contrast` returned.
        always_valid: Whether the interval holds at any look, or only at one planned look.
    """
    interval = contrast.always_valid if always_valid else contrast.fixed
    return fieller(
        contrast.arm_mean,
        contrast.control_mean,
        numerator_variance=contrast.arm_variance,
        denominator_variance=contrast.control_variance,
        multiplier=interval.width / 2 / contrast.standard_error,
    )


def fieller(
    numerator: float,
    denominator: float,
    *,
    numerator_variance: float,
    denominator_variance: float,
    multiplier: float,
) -> RelativeLift | BaselineTooUncertain:
    """Return the interval of a ratio of two independent means, minus 1.

    The set {θ: (A - θB)² ≤ q·(V_A + θ²·V_B)} - 1 with q = multiplier² (Fieller 1954). It is an
    interval only where the denominator differs from 0 at the same level, B² > q·V_B.

    Args:
        numerator: A.
        denominator: B.
        numerator_variance: V_A ≥ 0.
        denominator_variance: V_B ≥ 0.
        multiplier: Half the width of an interval in standard errors, such as 1.96.
    """
    q = multiplier**2
    leading = denominator**2 - q * denominator_variance
    if denominator <= 0 or leading <= 0:
        return BaselineTooUncertain(denominator, float(np.sqrt(denominator_variance)))
    centre = numerator * denominator / leading
    spread = numerator_variance * leading + numerator**2 * denominator_variance
    margin = multiplier * float(np.sqrt(spread)) / leading
    return RelativeLift(
        numerator / denominator - 1, Interval(centre - margin - 1, centre + margin - 1)
    )
