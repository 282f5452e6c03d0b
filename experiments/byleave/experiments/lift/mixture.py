"""The boundary that a drifting sum stays within at all times, and the evidence beyond it.

A normal mixture over possible effects (Robbins 1970; the two-sided normal mixture of Howard et
al. 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences"). The clock counts
terms of unit variance: rows of standardised differences, or units.
"""

from math import exp, log, sqrt

__all__ = ["boundary", "mixture_e_value", "mixture_variance"]


def mixture_variance(*, alpha: float, tuned: float) -> float:
    """Return the variance v of mixed effects that makes the boundary narrowest near a clock.

    v = (-2·ln(alpha) + ln(1 - 2·ln(alpha))) / tuned (Waudby-Smith et al. 2021, "Time-uniform
    central limit theory and asymptotic confidence sequences"; GrowthBook tunes alike). Every
    choice keeps the level, if it is made before the data.

    Args:
        alpha: Error level in (0, 1).
        tuned: The clock t > 0 at which the boundary is narrowest.
    """
    return (-2 * log(alpha) + log(1 - 2 * log(alpha))) / tuned


def boundary(clock: float, *, alpha: float, tuned: float) -> float:
    """Return √[2(tv + 1)/v · ln(√(tv + 1)/alpha)], with v from `mixture_variance`.

    A sum of t independent terms of mean 0 and variance 1 is ever farther from 0 than this with
    probability at most alpha.
    """
    variance = mixture_variance(alpha=alpha, tuned=tuned)
    growth = clock * variance + 1
    return sqrt(2 * growth / variance * log(sqrt(growth) / alpha))


def mixture_e_value(total: float, clock: float, *, alpha: float, tuned: float) -> float:
    """Return the e-value (tv + 1)^(-1/2) · exp{v·Z²/(2(tv + 1))} of a sum Z at clock t.

    The likelihood ratio of the mixture against no effect: it reaches 1/alpha exactly where the
    sum crosses the boundary.
    """
    variance = mixture_variance(alpha=alpha, tuned=tuned)
    growth = clock * variance + 1
    # A float ends near e^709; evidence of that size needs no more digits.
    return exp(min(variance * total * total / (2 * growth), 700.0)) / sqrt(growth)
