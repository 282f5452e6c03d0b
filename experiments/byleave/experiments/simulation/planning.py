"""How long it takes until a lift is seen, from many runs that are played at once.

Runs are followed row by row and not visit by visit: what a row sees of an arm is one draw, and
the weights of all runs are computed together. A plan takes a second or less, where simulating
as many runs whole takes minutes.
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy import special

from byleave.experiments.allocation import GRACE_MS, LONGEST_ROW_MS, fixed_weights, floors
from byleave.experiments.allocation.policy import LEAST_EXPECTED
from byleave.experiments.allocation.weights import WARM_UP_MS, WARM_UP_UNITS
from byleave.experiments.definitions import CONTROL, Allocate, Policy
from byleave.experiments.goals import Better, GoalKind
from byleave.experiments.lift.arm_report import LEAST_ROWS, least_orders
from byleave.experiments.lift.mixture import boundary
from byleave.experiments.lift.multiplicity import adjusted_alpha
from byleave.experiments.lift.stratified import DEFAULT_TUNED_ROWS

__all__ = ["Design", "Plan", "plan"]

Array = NDArray[np.float64]

_DAY_MS = 86_400_000
_RUNS = 200
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """An experiment that is being planned.

    Attributes:
        allocate: How it divides its units.
        arms: Its arms, `control` among them.
        baseline: The control's mean, > 0, in the unit of the goal; for conversions their rate.
        lift: How much better or worse one arm is, relative to the control; the others are alike.
        units_per_day: Units enrolled per day.
        arm: The arm that is better or worse; the first one that is not the control, when empty.
        deviation: Standard deviation of an outcome; None for conversions, where it follows.
        better: Which direction of the goal is good.
        within_ms: The goal's window.
        alpha: Error level in (0, 1) of all intervals together.

    Raises:
        ValueError: A number is out of range, or an arm is missing.
    """

    allocate: Allocate
    arms: tuple[str, ...]
    baseline: float
    lift: float
    units_per_day: float
    arm: str = ""
    deviation: float | None = None
    better: Better = Better.HIGHER
    within_ms: int = 0
    alpha: float = 0.05

    def __post_init__(self) -> None:
        """Refuse what cannot be planned."""
        others = set(self.arms) - {CONTROL}
        if CONTROL not in self.arms or not others or (self.arm and self.arm not in others):
            raise ValueError(f"arms: expected {CONTROL!r}, and another arm with the lift")
        if not (self.baseline > 0 and self.units_per_day > 0 and self.lift):
            raise ValueError("baseline, units_per_day, lift: expected numbers other than 0")
        if self.deviation is not None and not self.deviation > 0:
            raise ValueError("deviation: expected more than 0")
        if self.deviation is None and not 0 < self.baseline * (1 + self.lift) < 1 > self.baseline:
            raise ValueError("baseline, lift: expected conversion rates between 0 and 1")

    @property
    def control(self) -> int:
        """Column of the control."""
        return self.arms.index(CONTROL)

    @property
    def column(self) -> int:
        """Column of the arm that is better or worse."""
        others = [arm for arm in self.arms if arm != CONTROL]
        return self.arms.index(self.arm or others[0])

    @property
    def means(self) -> Array:
        """True mean per arm, shape (K,)."""
        means = np.full(len(self.arms), self.baseline)
        means[self.column] *= 1 + self.lift
        return means

    @property
    def variances(self) -> Array:
        """Variance of an outcome per arm, shape (K,)."""
        if self.deviation is not None:
            return np.full(len(self.arms), self.deviation**2)
        return np.asarray(self.means * (1 - self.means))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When half of all runs have seen the lift: the always-valid interval excluded 0 at some look.

    Attributes:
        units: Units enrolled until then, all arms together.
        enrolling_ms: How long that takes.
        seen_ms: When the report shows it, since the run began: a window and 24 hours later.
    """

    units: int
    enrolling_ms: int
    seen_ms: int


def plan(design: Design, *, most_days: int = 365, seed: int = 0) -> Plan | None:
    """Return how long it takes until half of all runs have seen the lift.

    Weights learn as on the server, but from all conversions at once and by normal beliefs.
    Simulated medians are within 20 % (benchmarks/planning.py).

    Args:
        design: The experiment.
        most_days: For how long one would wait.
        seed: Seed of the random numbers; the same seed gives the same plan.

    Returns:
        None where that is not long enough.
    """
    runs = _Runs(design, np.random.default_rng(seed))
    epoch_ms = int(design.allocate.epoch)
    units = 0
    for tick in range(1, ceil(most_days * _DAY_MS / epoch_ms) + 1):
        enrolled = round(design.units_per_day * tick * epoch_ms / _DAY_MS)
        runs.enrol(enrolled - units, now_ms=tick * epoch_ms)
        units = enrolled
        if 2 * runs.seen.sum() > _RUNS:
            return Plan(
                units=units,
                enrolling_ms=tick * epoch_ms,
                seen_ms=tick * epoch_ms + GRACE_MS + design.within_ms,
            )
    return None


class _Runs:
    """All runs of a plan; arrays have one line per run.

    Attributes:
        seen: Which runs have seen the lift.
    """

    def __init__(self, design: Design, rng: np.random.Generator) -> None:
        arms = len(design.arms)
        self.seen = np.zeros(_RUNS, dtype=bool)
        self._design = design
        self._rng = rng
        shares = design.allocate.shares
        first = [float(shares[arm]) if shares else 1 / arms for arm in design.arms]
        self._weights = np.tile(fixed_weights(first), (_RUNS, 1))
        self._is_learning = np.zeros(_RUNS, dtype=bool)
        self._opened_ms = np.zeros(_RUNS)
        self._drawn, self._units, self._sums = np.zeros((3, _RUNS, arms))
        self._score, self._rows = np.zeros(_RUNS), np.zeros(_RUNS, dtype=int)
        self._alpha = adjusted_alpha(design.alpha, arms=arms)
        self._kept = floors(
            arms,
            control=design.control,
            control_floor=design.allocate.control,
            arm_floor=design.allocate.floor,
        )

    def enrol(self, units: int, *, now_ms: int) -> None:
        """Let every run enrol so many units, and replace the rows that are ripe."""
        self._drawn += self._rng.multinomial(units, self._weights)
        age_ms = now_ms - self._opened_ms
        expected = self._drawn.sum(axis=1) * self._weights.min(axis=1)
        ripe = (age_ms >= LONGEST_ROW_MS) | (self._is_learning & (expected >= LEAST_EXPECTED))
        if ripe.any():
            self._close(ripe)
            self._opened_ms[ripe] = now_ms
            if self._design.allocate.policy is not Policy.FIXED and now_ms >= WARM_UP_MS:
                self._learn(ripe)

    def _close(self, ripe: NDArray[np.bool_]) -> None:
        """Add what the rows saw to the evidence, and look."""
        design, drawn = self._design, self._drawn[ripe]
        sums = self._outcomes(drawn)
        self._units[ripe] += drawn
        self._sums[ripe] += sums
        self._drawn[ripe] = 0
        pair = [design.column, design.control]
        usable = (drawn[:, pair] > 0).all(axis=1)
        n, y = np.maximum(drawn[:, pair], 1), sums[:, pair]
        drawn_variance = drawn @ design.variances / np.maximum(drawn.sum(axis=1), 1)
        variance = np.where(usable, drawn_variance, 1.0)
        z = (y[:, 0] / n[:, 0] - y[:, 1] / n[:, 1]) / np.sqrt(variance * (1 / n).sum(axis=1))
        self._score[ripe] += np.where(usable, z, 0.0)
        self._rows[ripe] += usable
        limits = [
            boundary(rows, alpha=self._alpha, tuned=DEFAULT_TUNED_ROWS) for rows in self._rows
        ]
        self.seen |= self._is_shown() & (abs(self._score) > limits)

    def _outcomes(self, drawn: Array) -> Array:
        design = self._design
        if design.deviation is None:
            return np.asarray(self._rng.binomial(drawn.astype(int), design.means), dtype=float)
        return self._rng.normal(drawn * design.means, np.sqrt(drawn) * design.deviation)

    def _is_shown(self) -> NDArray[np.bool_]:
        """Which runs have enough data for an interval."""
        enough = self._rows >= LEAST_ROWS
        if self._design.deviation is None:
            least, _ = least_orders(GoalKind.CONVERSION)
            pair = [self._design.column, self._design.control]
            enough &= (self._sums[:, pair] >= least).all(axis=1)
        return enough

    def _learn(self, ripe: NDArray[np.bool_]) -> None:
        """Give new weights to the runs that have warmed up."""
        learning = ripe & (self._units.min(axis=1) >= WARM_UP_UNITS)
        self._is_learning |= learning
        units = self._units[learning]
        means = self._sums[learning] / units
        if self._design.better is Better.LOWER:
            means = -means
        best = _best(means, np.sqrt(self._design.variances / units))
        self._weights[learning] = self._kept + (1 - self._kept.sum()) * best


def _best(means: Array, sds: Array) -> Array:
    """Probability that each arm is the best by normal beliefs, for all runs, shape (runs, K)."""
    reach = 6.0
    points = means[:, :, np.newaxis] + sds[:, :, np.newaxis] * reach * _NODES
    below = special.ndtr(
        (points[:, :, np.newaxis] - means[:, np.newaxis, :, np.newaxis])
        / sds[:, np.newaxis, :, np.newaxis]
    )
    arms = np.arange(means.shape[1])
    below[:, arms, arms] = 1.0
    density = np.exp(-((reach * _NODES) ** 2) / 2) / np.sqrt(2 * np.pi)
    best = below.prod(axis=2) @ (reach * _NODE_WEIGHTS * density)
    return np.asarray(best / best.sum(axis=1, keepdims=True))
