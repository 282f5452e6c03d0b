"""From what was observed to the weights of the next allocation row."""

from byleave.experiments.allocation.anomaly import sudden_change
from byleave.experiments.allocation.best_arm import (
    ArmComparison,
    beats,
    compare_arms,
)
from byleave.experiments.allocation.delay import DelayCurve, delay_curve, delay_edges, row_shares
from byleave.experiments.allocation.observed import Observed, observe
from byleave.experiments.allocation.policy import (
    GRACE_MS,
    LONGEST_ROW_MS,
    Evidence,
    Method,
    Step,
    evidence,
    is_replaced,
    is_ripe,
    next_weights,
)
from byleave.experiments.allocation.posterior import (
    BetaPosterior,
    NormalPosterior,
    Posterior,
    beta_posterior,
    normal_posterior,
    pooled_variance,
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
    limited_step,
    thompson_weights,
)

__all__ = [
    "GRACE_MS",
    "LONGEST_ROW_MS",
    "ArmComparison",
    "BetaPosterior",
    "DelayCurve",
    "Evidence",
    "Method",
    "NormalPosterior",
    "Observed",
    "Posterior",
    "Step",
    "beats",
    "beta_posterior",
    "champion",
    "compare_arms",
    "delay_curve",
    "delay_edges",
    "equal_weights",
    "evidence",
    "fixed_weights",
    "floors",
    "is_replaced",
    "is_ripe",
    "is_warming_up",
    "limited_step",
    "may_stop",
    "next_weights",
    "normal_posterior",
    "observe",
    "pooled_variance",
    "probability_within",
    "row_shares",
    "sudden_change",
    "thompson_weights",
    "value_remaining",
]
