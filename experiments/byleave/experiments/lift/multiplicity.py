"""Several questions of the same data: how to keep the promised error for all of them together."""

from collections.abc import Sequence

import numpy as np

__all__ = ["adjusted_alpha", "e_benjamini_hochberg", "holm"]


def adjusted_alpha(alpha: float, *, arms: int) -> float:
    """Return the error level of each arm's interval, alpha/(K - 1) (Bonferroni 1936).

    All K - 1 comparisons with the control then hold together with probability 1 - alpha, so that
    picking the best arm afterwards is safe.

    Args:
        alpha: Error level in (0, 1) for all arms together.
        arms: Number K ≥ 1 of arms, the control included.
    """
    return alpha / max(arms - 1, 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in the same order (Holm 1979).

    The i-th smallest becomes the largest of (m - h + 1)·p_(h) over h ≤ i, at most 1: rejecting
    those at or below alpha errs once or more with probability at most alpha. For fixed looks.

    Raises:
        ValueError: A p-value lies outside [0, 1].
    """
    p = np.asarray(p_values, dtype=np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"expected p-values from 0 to 1, got {list(p_values)}")
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1.0)
    return [float(value) for value in adjusted]


def e_benjamini_hochberg(e_values: Sequence[float], *, alpha: float = 0.05) -> list[bool]:
    """Return which hypotheses to reject so that at most a share alpha of them is false.

    Rejects the r largest e-values for the largest r with e_(r) ≥ m/(alpha·r) (Wang & Ramdas
    2022, "False discovery rate control with e-values"): valid at any look and however the
    metrics depend on each other.

    Args:
        e_values: One e-value ≥ 0 per hypothesis.
        alpha: Accepted share of false discoveries in (0, 1).

    Raises:
        ValueError: An e-value is negative.
    """
    e = np.asarray(e_values, dtype=np.float64)
    if not (e >= 0).all():
        raise ValueError(f"expected e-values >= 0, got {list(e_values)}")
    order = np.argsort(-e, kind="stable")
    ranks = np.arange(1, len(e) + 1)
    passing = np.flatnonzero(e[order] * ranks * alpha >= len(e))
    rejected = np.zeros(len(e), dtype=bool)
    if len(passing):
        rejected[order[: passing[-1] + 1]] = True
    return [bool(reject) for reject in rejected]
