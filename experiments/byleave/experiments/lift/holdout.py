"""Everything personalised against the fixed holdout: the figure for the whole business.

Who is held out is decided by a hash that never adapts, so whatever happens inside the
personalised group, two plain means may be compared.
"""

from dataclasses import dataclass
from math import sqrt

from byleave.experiments.lift.interval import Interval
from byleave.experiments.lift.mixture import boundary, mixture_e_value
from byleave.experiments.lift.relative import BaselineTooUncertain, RelativeLift, fieller
from byleave.experiments.lift.two_sample import Group, TwoSample, welch

__all__ = ["DEFAULT_TUNED_UNITS", "HoldoutContrast", "holdout_contrast"]

DEFAULT_TUNED_UNITS = 5_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldoutContrast:
    """What personalisation as a whole did to a goal.

    Attributes:
        fixed: The classical comparison, valid for one look at a moment planned in advance.
        always_valid: Interval of the difference of means that holds at any look.
        always_valid_p: Two-sided p-value valid at any look, in [0, 1].
        e_value: Evidence against no difference, ≥ 0.
        relative: The ratio of the means minus 1, with its always-valid interval, or why there
            is none.
    """

    fixed: TwoSample
    always_valid: Interval
    always_valid_p: float
    e_value: float
    relative: RelativeLift | BaselineTooUncertain


def holdout_contrast(
    personalised: Group,
    holdout: Group,
    *,
    alpha: float = 0.05,
    tuned_units: float = DEFAULT_TUNED_UNITS,
) -> HoldoutContrast | None:
    """Compare the personalised units with the held-out ones.

    Welch's difference; the always-valid half-width is s·boundary(N)/N with s² = N·SE² and N the
    units of both groups, that is s·√[2(Nv + 1)/(N²v)·ln(√(Nv + 1)/alpha)] (Waudby-Smith et al.
    2021, asymptotic confidence sequences; the form that GrowthBook uses, too).

    Args:
        personalised: Sums over the units that may be personalised.
        holdout: Sums over the units that are held out.
        alpha: Error level in (0, 1).
        tuned_units: Units of both groups, half of the planned ones, at which the interval is
            narrowest. Any choice is valid if it is frozen before the data.

    Returns:
        None when no outcome varies.
    """
    fixed = welch(personalised, holdout, alpha=alpha)
    error = fixed.standard_error
    if not error:
        return None
    units = personalised.units + holdout.units
    # The difference is a mean of N terms of deviation error·√N.
    multiplier = boundary(units, alpha=alpha, tuned=tuned_units) / sqrt(units)
    total = fixed.difference / error * sqrt(units)
    e_value = mixture_e_value(total, units, alpha=alpha, tuned=tuned_units)
    return HoldoutContrast(
        fixed=fixed,
        always_valid=Interval(
            fixed.difference - multiplier * error, fixed.difference + multiplier * error
        ),
        always_valid_p=min(1.0, 1 / e_value),
        e_value=e_value,
        relative=fieller(
            personalised.mean,
            holdout.mean,
            numerator_variance=personalised.error**2,
            denominator_variance=holdout.error**2,
            multiplier=multiplier,
        ),
    )
