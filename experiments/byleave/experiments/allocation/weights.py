"""From the probabilities of being best to the weights that an allocation row publishes.

Weights are multiples of 2⁻⁴⁰, so they and every partial sum of them are exact in floating
point: they add up to exactly 1 in any order and on any machine, which drawing an arm needs.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from byleave.experiments.cells import MOST_FLOORS

__all__ = [
    "WARM_UP_MS",
    "WARM_UP_UNITS",
    "equal_weights",
    "fixed_weights",
    "floors",
    "is_warming_up",
    "limited_step",
    "thompson_weights",
]

_GRID = 2.0**40
WARM_UP_MS = 86_400_000
WARM_UP_UNITS = 100


def floors(
    arms: int, *, control: int = 0, control_floor: float = 0.10, arm_floor: float = 0.01
) -> NDArray[np.float64]:
    """Return the share of traffic that every arm keeps whatever the posterior says, shape (K,).

    A floor bounds the variance of every estimator, and the control's is the larger one because
    it is in every contrast: 10 % instead of 1 % halved the width of the lift interval.

    Args:
        arms: Number K ≥ 1 of arms.
        control: Index of the control.
        control_floor: Share in [0, 1] that the control keeps.
        arm_floor: Share in [0, 1] that every other arm keeps.

    Raises:
        ValueError: The control is not one of the arms, a share is negative, or together they
            exceed 20 %, which would leave too little to learn with.
    """
    if not 0 <= control < arms:
        raise ValueError(f"expected a control among {arms} arms, got index {control}")
    shares = np.full(arms, arm_floor, dtype=np.float64)
    shares[control] = control_floor
    if not (shares >= 0).all() or shares.sum() > MOST_FLOORS + 1e-9:
        raise ValueError(
            f"expected floors >= 0 of at most {MOST_FLOORS:.0%} together, got "
            f"{control_floor:.4g} for the control and {arm_floor:.4g} for each of "
            f"{arms - 1} other arms: lower a floor or drop an arm"
        )
    return shares


def thompson_weights(best: ArrayLike, *, floors: ArrayLike) -> NDArray[np.float64]:
    """Return e_k = f_k + (1 - Σf)·P_k, adding up to exactly 1, shape (K,).

    Drawing an arm from these weights is Thompson sampling (Thompson 1933) mixed with a fixed
    split: a share Σf of the units explores in proportion to the floors, the rest follows the
    posterior. The floor is constant, because one that decays to zero breaks inference (Hadad
    et al. 2021, section 3).

    Args:
        best: Probability P_k that the arm is best, sums to 1, shape (K,).
        floors: Shares f_k as `floors` returns them, shape (K,).

    Raises:
        ValueError: The shapes differ, or `best` is not a distribution.
    """
    probabilities = np.asarray(best, dtype=np.float64)
    kept = np.asarray(floors, dtype=np.float64)
    if probabilities.shape != kept.shape:
        raise ValueError(f"{probabilities.size} probabilities do not fit {kept.size} floors")
    _require_distribution("probabilities of being best", probabilities)
    return _exact(kept + (1 - kept.sum()) * probabilities)


def limited_step(before: ArrayLike, wanted: ArrayLike, *, most: float) -> NDArray[np.float64]:
    """Return the wanted weights, or as much of the way to them as a step may go, shape (K,).

    The share of traffic that changes its arm is Σ|Δ|/2. Where that exceeds `most`, all weights
    move by the same part of their way, so that they stay above floors that both ends respect.

    Args:
        before: The weights in force, shape (K,).
        wanted: The weights to move to, shape (K,).
        most: The share of traffic in (0, 1] that may change its arm.

    Raises:
        ValueError: `most` is not positive.
    """
    if not most > 0:
        raise ValueError(f"expected a step of more than 0, got {most!r}")
    start, end = np.asarray(before, dtype=np.float64), np.asarray(wanted, dtype=np.float64)
    moved = float(np.abs(end - start).sum()) / 2
    return end if moved <= most else _exact(start + most / moved * (end - start))


def equal_weights(arms: int) -> NDArray[np.float64]:
    """Return the weights of the warm-up, 1/K each up to 1e-11, shape (K,).

    Raises:
        ValueError: There is no arm.
    """
    if arms < 1:
        raise ValueError(f"expected at least one arm, got {arms}")
    return _exact(np.full(arms, 1 / arms))


def fixed_weights(shares: Sequence[float]) -> NDArray[np.float64]:
    """Return the weights of a split that never adapts, adding up to exactly 1, shape (K,).

    Raises:
        ValueError: A share is negative or they do not add up to 1 within 1e-6.
    """
    weights = np.asarray(shares, dtype=np.float64)
    _require_distribution("shares", weights)
    return _exact(weights)


def is_warming_up(units: ArrayLike, *, age_ms: int) -> bool:
    """Whether a run is too young to learn from: an arm below 100 units, or less than 24 h old.

    Until then weights stay equal: a posterior of a handful of units, or of one part of the day,
    would starve an arm by accident (GrowthBook and Amplitude wait for 100 units, too).

    Args:
        units: Units enrolled so far per arm, shape (K,).
        age_ms: Milliseconds since the run began.
    """
    return age_ms < WARM_UP_MS or bool(np.min(units) < WARM_UP_UNITS)


def _require_distribution(name: str, values: NDArray[np.float64]) -> None:
    if not (values.ndim == 1 and (values >= 0).all() and abs(values.sum() - 1) < 1e-6):
        raise ValueError(f"expected {name} to be >= 0 and to add up to 1, got {values.tolist()}")


def _exact(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round up to the grid, so that no floor is undercut, and let the largest weight give way."""
    steps = np.ceil(weights * _GRID)
    largest = int(np.argmax(steps))
    steps[largest] += _GRID - steps.sum()
    return steps / _GRID
