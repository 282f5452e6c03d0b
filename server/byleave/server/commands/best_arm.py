"""`byleave stats best-arm`: how likely each arm is the best one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from byleave.server.commands.documents import print_json, read_as, read_json, refusing
from byleave.server.commands.exits import refuse

if TYPE_CHECKING:  # NumPy and SciPy load when the command runs
    from byleave.experiments.allocation import Posterior


@dataclass(frozen=True, slots=True, kw_only=True)
class BetaArm:
    """A belief about a conversion rate: Beta(alpha, beta), both above 0."""

    alpha: float
    beta: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalArm:
    """A belief about a mean: Normal, with the deviation above 0."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Beliefs:
    """What is asked.

    Attributes:
        arms: At least one arm, all of one kind.
        floor: The share that every arm keeps, from 0 to one part in the number of arms.
        better: Which direction is the good one.
    """

    arms: tuple[BetaArm | NormalArm, ...]
    floor: float = 0.0
    better: Literal["higher", "lower"] = "higher"


def best_arm() -> None:
    """Compare arms by what is believed about them.

    Reads {"arms": [{"alpha": 5, "beta": 95}, ...], "floor": 0.01} or arms of {"mean", "sd"}, and
    optionally "better": "lower". Prints the probability of being best, the weights of Thompson
    sampling with that floor, the expected loss and the probabilities of the first three ranks.
    """
    beliefs = read_as(Beliefs, read_json())

    import numpy as np

    from byleave.experiments.allocation import compare_arms, thompson_weights
    from byleave.experiments.goals import Better

    if not 0 <= beliefs.floor * len(beliefs.arms) <= 1:
        refuse(f"$.floor: expected 0 to 1/{len(beliefs.arms)}, got {beliefs.floor:g}")
    with refusing("$.arms: "):
        found = compare_arms(_posterior(beliefs), better=Better(beliefs.better))
        weights = thompson_weights(found.best, floors=np.full(len(beliefs.arms), beliefs.floor))
    print_json(
        {
            "p_best": found.best.tolist(),
            "weights": weights.tolist(),
            "expected_loss": found.expected_loss.tolist(),
            "ranks": np.stack([found.best, found.second, found.third], axis=1).tolist(),
        }
    )


def _posterior(beliefs: Beliefs) -> Posterior:
    import numpy as np

    from byleave.experiments.allocation import BetaPosterior, NormalPosterior

    betas = [arm for arm in beliefs.arms if isinstance(arm, BetaArm)]
    normals = [arm for arm in beliefs.arms if isinstance(arm, NormalArm)]
    if betas and normals:
        raise ValueError("expected alpha and beta for every arm, or mean and sd for every arm")
    if betas:
        return BetaPosterior(
            np.array([arm.alpha for arm in betas], dtype=np.float64),
            np.array([arm.beta for arm in betas], dtype=np.float64),
        )
    if normals:
        return NormalPosterior(
            np.array([arm.mean for arm in normals], dtype=np.float64),
            np.array([arm.sd for arm in normals], dtype=np.float64),
        )
    raise ValueError("expected at least one arm")
