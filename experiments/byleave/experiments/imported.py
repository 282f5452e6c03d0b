"""Splits that another system began: how it draws, so that nobody changes arms by moving here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, Literal

#: The algorithms that `byleave.experiments.hashes` knows.
HashName = Literal["blake2b64", "fnv1a32-v1", "fnv1a32-v2", "murmur3-32"]

_GROWTHBOOK_HASHES: Final[Mapping[int, HashName]] = {1: "fnv1a32-v1", 2: "fnv1a32-v2"}


#: What Unleash hashes by default. Where neither is there it draws at random; here such a
#: visitor is not taken.
UNLEASH_DEFAULT: Final = ("userId", "sessionId")


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A part of [0, 1): `start` is inside, `end` is not."""

    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which units an imported experiment takes: those whose hash lies in one of the ranges.

    Attributes:
        hash: The algorithm.
        seed: Its seed.
        within: The ranges.
        by: The attributes whose value is hashed, as in `Imported`; the experiment's own, when
            empty.
    """

    hash: HashName
    seed: str
    within: tuple[Range, ...]
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A fixed split that another system began, drawn as it draws.

    Attributes:
        hash: Its algorithm.
        seed: Its seed, as that system knows it.
        ranges: Where on [0, 1) each arm lies; a unit that lies in none is not enrolled.
        by: The attributes whose value is hashed, the first that is there; when empty, the
            visitor's id.
        filters: What a unit must pass besides.
        buckets: In how many parts `murmur3-32` divides: the sum of the variants' weights.
    """

    hash: HashName
    seed: str
    ranges: Mapping[str, Range]
    by: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    buckets: int = 1000


def growthbook_ranges(
    count: int, *, coverage: float = 1.0, weights: Sequence[float] | None = None
) -> tuple[Range, ...]:
    """Return where GrowthBook puts `count` variations: each starts where the weights say.

    Coverage narrows each from its end, so that raising it moves nobody. Weights that do not
    fit, or are more than a hundredth away from 1 together, count as equal.
    """
    if weights is None or len(weights) != count or not 0.99 <= sum(weights) <= 1.01:
        weights = [1 / count] * count
    coverage = min(max(coverage, 0.0), 1.0)
    starts = accumulate(weights, initial=0.0)
    return tuple(
        Range(start=start, end=start + coverage * weight)
        for start, weight in zip(starts, weights, strict=False)
    )


def growthbook_split(experiment: Mapping[str, Any], arms: Sequence[str]) -> Imported:
    """Return how GrowthBook draws one of its experiments.

    Args:
        experiment: The experiment or experiment rule as its payload (SDK specification 0.7)
            writes it: `key`, `seed`, `hashVersion`, `hashAttribute`, `fallbackAttribute`,
            `weights`, `coverage`, `ranges`, `filters` and `namespace` are read.
        arms: Our arms in the order of its variations.

    Raises:
        ValueError: It hashes in a way that the specification does not know.
    """
    if "ranges" in experiment:
        ranges = tuple(Range(start=start, end=end) for start, end in experiment["ranges"])
    else:
        ranges = growthbook_ranges(
            len(arms),
            coverage=experiment.get("coverage", 1.0),
            weights=experiment.get("weights"),
        )
    attributes = (experiment.get("hashAttribute") or "id", experiment.get("fallbackAttribute"))
    return Imported(
        hash=_growthbook_hash(experiment.get("hashVersion", 1)),
        seed=experiment.get("seed") or experiment["key"],
        ranges=dict(zip(arms, ranges, strict=True)),
        by=tuple(attribute for attribute in attributes if attribute),
        filters=_growthbook_filters(experiment),
    )


def _growthbook_filters(experiment: Mapping[str, Any]) -> tuple[Filter, ...]:
    if "filters" not in experiment:
        namespace = experiment.get("namespace")
        return (growthbook_namespace(*namespace),) if namespace else ()
    return tuple(
        Filter(
            hash=_growthbook_hash(each.get("hashVersion", 2)),
            seed=each["seed"],
            within=tuple(Range(start=start, end=end) for start, end in each["ranges"]),
            by=(each.get("attribute") or "id",),
        )
        for each in experiment["filters"]
    )


def growthbook_namespace(name: str, start: float, end: float) -> Filter:
    """Return what keeps the experiments of a GrowthBook namespace apart."""
    return Filter(hash="fnv1a32-v1", seed=f"__{name}", within=(Range(start=start, end=end),))


def _growthbook_hash(version: int) -> HashName:
    if version not in _GROWTHBOOK_HASHES:
        raise ValueError(f"expected GrowthBook hash version 1 or 2, got {version!r}")
    return _GROWTHBOOK_HASHES[version]


def unleash_split(
    feature: str,
    weights: Mapping[str, int],
    *,
    by: Sequence[str] = UNLEASH_DEFAULT,
    filters: Sequence[Filter] = (),
) -> Imported:
    """Return how Unleash draws the variants of a feature.

    Args:
        feature: The feature's name, or the strategy's `groupId` for variants of a strategy.
        weights: The weight of each variant, in their order.
        by: The variants' stickiness: the context fields, the first that is there.
        filters: The rollout that a visitor must be in, as `unleash_rollout` gives it.
    """
    total = sum(weights.values())
    ends = accumulate(weights.values())
    return Imported(
        hash="murmur3-32",
        seed=feature,
        ranges={
            arm: Range(start=(end - weights[arm]) / total, end=end / total)
            for arm, end in zip(weights, ends, strict=True)
        },
        by=tuple(by),
        filters=tuple(filters),
        buckets=total,
    )


def unleash_rollout(group: str, percentage: int, *, by: Sequence[str] = UNLEASH_DEFAULT) -> Filter:
    """Return whom Unleash takes by a gradual or flexible rollout.

    Args:
        group: The strategy's `groupId`.
        percentage: Its `rollout` or `percentage`, from 0 to 100.
        by: Its stickiness.
    """
    within = Range(start=0.0, end=percentage / 100)
    return Filter(hash="murmur3-32", seed=group, within=(within,), by=tuple(by))
