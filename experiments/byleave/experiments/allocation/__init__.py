"""From what was observed to the weights of the next allocation row."""

from byleave.experiments.allocation.best_arm import (
    ArmComparison,
    beats,
    compare_arms,
)
from byleave.experiments.allocation.delay import DelayCurve, corrected_totals, delay_curve
from byleave.experiments.allocation.posterior import (
    BetaPosterior,
    NormalPosterior,
    Posterior,
    beta_posterior,
    discounted_totals,
    normal_posterior,
)
from byleave.experiments.allocation.stopping import (
    champion,
    may_stop,
    probability_within,
    value_remaining,
)
from byleave.experiments.allocation.weights import (
    equal_weights,
    fixed_weights,
    floors,
    is_warming_up,
    thompson_weights,
)

__all__ = [
    "ArmComparison",
    "BetaPosterior",
    "DelayCurve",
    "NormalPosterior",
    "Posterior",
    "beats",
    "beta_posterior",
    "champion",
    "compare_arms",
    "corrected_totals",
    "delay_curve",
    "discounted_totals",
    "equal_weights",
    "fixed_weights",
    "floors",
    "is_warming_up",
    "may_stop",
    "normal_posterior",
    "probability_within",
    "thompson_weights",
    "value_remaining",
]
