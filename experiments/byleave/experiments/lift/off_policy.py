"""What another policy would have earned, estimated from decisions that were logged.

Each decision was drawn with a known propensity, so weighting it by how likely the other policy
would have drawn the same arm makes the log stand for that policy (Horvitz & Thompson 1952).
The fewer decisions the two have in common, the less the log can say; the effective sample size
tells, and below 100 nothing is estimated.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from byleave.experiments.lift.interval import Interval

__all__ = [
    "LEAST_EFFECTIVE",
    "LoggedDecisions",
    "OffPolicyError",
    "OffPolicyValue",
    "PolicyEstimate",
    "TooFewInCommon",
    "UnseenArm",
    "off_policy_value",
]

#: The effective sample size below which nothing is estimated.
LEAST_EFFECTIVE: Final = 100.0

_FOLDS: Final = 5
_PRIOR_UNITS: Final = 10.0


class OffPolicyError(ValueError):
    """A log or a policy that cannot be one, with what was expected and where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedDecisions:
    """N decisions in the order in which they were made, among K arms in C contexts.

    Attributes:
        arm: Index of the arm that was drawn, shape (N,).
        context: Index of the context that the policies look at, shape (N,).
        propensity: The probability in (0, 1] with which that arm was drawn, shape (N,).
        reward: What came of it, in the unit of the goal, shape (N,).

    Raises:
        OffPolicyError: Shapes differ, an index is negative, or a number is out of range.
    """

    arm: NDArray[np.int64]
    context: NDArray[np.int64]
    propensity: NDArray[np.float64]
    reward: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuse what cannot have been logged."""
        size = (len(self.arm),)
        for name in ("arm", "context", "propensity", "reward"):
            if np.shape(getattr(self, name)) != size:
                raise OffPolicyError(f"{name}: expected one number for each decision")
        if size[0] and (self.arm.min() < 0 or self.context.min() < 0):
            raise OffPolicyError("arm and context: expected indexes from 0 on")
        if not ((self.propensity > 0) & (self.propensity <= 1)).all():
            raise OffPolicyError("propensity: expected shares above 0 and at most 1")
        if not np.isfinite(self.reward).all():
            raise OffPolicyError("reward: expected finite numbers")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEstimate:
    """A policy's mean reward per decision, in the unit of the goal, by one method."""

    value: float
    standard_error: float
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class OffPolicyValue:
    """What a policy would have earned, by three methods; the doubly robust one is the narrowest.

    Each interval is for one look planned in advance, and takes decisions as independent once
    their weights are given: a visitor with many decisions makes it too narrow.

    Attributes:
        decisions: Number N of logged decisions.
        effective: Effective sample size (Σw)²/Σw² (Kish 1965), at most N.
        largest_weight: The largest w, ≥ 0.
        logged: Mean reward of what was done.
        ips: Inverse propensity scoring: unbiased, and wide.
        snips: The same, divided by the mean weight: slightly biased, and narrower.
        doubly_robust: A model of the rewards, corrected by the weights: unbiased however bad
            the model is.
    """

    decisions: int
    effective: float
    largest_weight: float
    logged: float
    ips: PolicyEstimate
    snips: PolicyEstimate
    doubly_robust: PolicyEstimate


@dataclass(frozen=True, slots=True)
class TooFewInCommon:
    """Why nothing is estimated: the logged decisions say too little about the policy.

    Attributes:
        decisions: Number of logged decisions.
        effective: What they are worth for this policy, below `LEAST_EFFECTIVE`.
    """

    decisions: int
    effective: float


@dataclass(frozen=True, slots=True)
class UnseenArm:
    """Why nothing is estimated: the policy draws an arm that was never drawn in a context."""

    context: int
    arm: int


def off_policy_value(
    log: LoggedDecisions, policy: ArrayLike, *, alpha: float = 0.05
) -> OffPolicyValue | TooFewInCommon | UnseenArm:
    """Estimate a policy's mean reward on the decisions that another one made.

    With weights w_i = policy(a_i | x_i)/e_i: inverse propensity scoring Σw_i·y_i/N (Horvitz &
    Thompson 1952), the self-normalised Σw_i·y_i/Σw_i (Swaminathan & Joachims 2015), and doubly
    robust (1/N)·Σ[Σ_a policy(a | x_i)·q(x_i, a) + w_i·(y_i - q(x_i, a_i))] (Dudík, Langford & Li
    2011). The model q is the mean reward of context and arm in the other four fifths of the log,
    drawn towards the arm's mean by 10 units.

    Args:
        log: The decisions.
        policy: Probability of each arm in each context, rows adding up to 1, shape (C, K).
        alpha: Error level in (0, 1).

    Raises:
        OffPolicyError: The policy is not a distribution, or lacks a logged context or arm.
    """
    shares = _policy(log, policy)
    count = len(log.arm)
    seen = np.zeros(shares.shape, dtype=bool)
    seen[log.context, log.arm] = True
    occurring = seen.any(axis=1, keepdims=True)
    unseen = np.argwhere((shares > 0) & ~seen & occurring)
    if len(unseen):
        return UnseenArm(context=int(unseen[0][0]), arm=int(unseen[0][1]))
    weights = shares[log.context, log.arm] / log.propensity
    total = float(weights.sum())
    effective = total**2 / float(weights @ weights) if total else 0.0
    if effective < LEAST_EFFECTIVE:
        return TooFewInCommon(decisions=count, effective=effective)
    y = log.reward
    normalised = float(weights @ y) / total
    model = _model(log, shares.shape)
    folds = np.arange(count) % _FOLDS
    expected = (shares[log.context] * model[folds, log.context]).sum(axis=1)
    corrected = expected + weights * (y - model[folds, log.context, log.arm])
    return OffPolicyValue(
        decisions=count,
        effective=effective,
        largest_weight=float(weights.max()),
        logged=float(y.mean()),
        ips=_mean(weights * y, alpha),
        snips=_mean(normalised + weights * (y - normalised) * count / total, alpha),
        doubly_robust=_mean(corrected, alpha),
    )


def _policy(log: LoggedDecisions, policy: ArrayLike) -> NDArray[np.float64]:
    shares = np.asarray(policy, dtype=np.float64)
    if shares.ndim != 2 or not (shares >= 0).all() or (abs(shares.sum(axis=1) - 1) > 1e-6).any():
        raise OffPolicyError("policy: expected for each context shares that add up to 1")
    contexts, arms = shares.shape
    if len(log.arm) and (log.arm.max() >= arms or log.context.max() >= contexts):
        raise OffPolicyError("policy: expected a share for every logged context and arm")
    return shares


def _model(log: LoggedDecisions, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the mean reward of context and arm outside each fifth of the log, shape (5, C, K)."""
    place = (np.arange(len(log.arm)) % _FOLDS, log.context, log.arm)
    units = np.zeros((_FOLDS, *shape))
    sums = np.zeros((_FOLDS, *shape))
    np.add.at(units, place, 1.0)
    np.add.at(sums, place, log.reward)
    units, sums = units.sum(axis=0) - units, sums.sum(axis=0) - sums
    overall = sums.sum(axis=(1, 2)) / units.sum(axis=(1, 2))
    arm_units, arm_sums = units.sum(axis=1), sums.sum(axis=1)
    arm_means = (arm_sums + _PRIOR_UNITS * overall[:, np.newaxis]) / (arm_units + _PRIOR_UNITS)
    return np.asarray(
        (sums + _PRIOR_UNITS * arm_means[:, np.newaxis]) / (units + _PRIOR_UNITS),
        dtype=np.float64,
    )


def _mean(scores: NDArray[np.float64], alpha: float) -> PolicyEstimate:
    """Return the mean of scores with the interval that the central limit theorem gives."""
    value = float(scores.mean())
    error = float(scores.std(ddof=1)) / sqrt(len(scores))
    margin = -float(special.ndtri(alpha / 2)) * error
    return PolicyEstimate(
        value=value,
        standard_error=error,
        interval=Interval(value - margin, value + margin),
    )
