"""From what was observed to the weights of the next allocation row."""

from byleave.experiments.allocation.best_arm import (
    ArmComparison,
    beats,
    compare_arms,
    may_stop,
    value_remaining,
)
from byleave.experiments.allocation.posterior import (
    BetaPosterior,
    NormalPosterior,
    Posterior,
    beta_posterior,
    discounted_totals,
    normal_posterior,
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
    "NormalPosterior",
    "Posterior",
    "beats",
    "beta_posterior",
    "compare_arms",
    "discounted_totals",
    "equal_weights",
    "fixed_weights",
    "floors",
    "is_warming_up",
    "may_stop",
    "normal_posterior",
    "thompson_weights",
    "value_remaining",
]
