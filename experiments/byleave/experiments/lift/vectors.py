"""Every estimator on one set of aggregates, as plain data in and plain data out.

The shape in which estimators of different systems are compared with each other: what
`byleave stats lift` reads and prints.
"""

from collections.abc import Mapping
from typing import Any

from byleave.experiments.lift.bernstein import guaranteed_interval, is_bounded
from byleave.experiments.lift.interval import Interval
from byleave.experiments.lift.relative import BaselineTooUncertain, relative_lift
from byleave.experiments.lift.secondary import (
    Estimate,
    aipw_uniform,
    naive_pooled,
    period_weighted,
)
from byleave.experiments.lift.srm import SampleRatio, sample_ratio
from byleave.experiments.lift.strata import Strata, StrataError
from byleave.experiments.lift.stratified import StratifiedContrast, stratified_contrast

__all__ = ["contrasts"]


def contrasts(aggregates: Mapping[str, Any]) -> dict[str, Any]:
    """Return every estimator of every arm against the control, by `<arm>_vs_<control>`.

    Args:
        aggregates: `counts`, `sums`, `sums_sq` and `propensities`, each a list of rows of one
            number per arm, oldest row first; `alpha` (0.05 when left out) and `control` (0).

    Returns:
        Per contrast `pooled_naive`, `epoch_stratified`, `period_weighted`, `srm`,
        `aipw_uniform` and `eb_confidence_sequence`, the last one planned for as many units as
        there are. What cannot be computed is None.

    Raises:
        StrataError: A list is missing or the sums cannot come from an experiment.
    """
    for name in ("counts", "sums", "sums_sq", "propensities"):
        if name not in aggregates:
            raise StrataError(f"{name}: expected a list of rows, found nothing")
    strata = Strata.of(
        counts=aggregates["counts"],
        sums=aggregates["sums"],
        squares=aggregates["sums_sq"],
        propensities=aggregates["propensities"],
    )
    alpha, control = float(aggregates.get("alpha", 0.05)), int(aggregates.get("control", 0))
    ratio = _ratio(sample_ratio(strata))
    return {
        f"{arm}_vs_{control}": {
            "pooled_naive": _estimate(naive_pooled(strata, arm=arm, control=control)),
            "epoch_stratified": _stratified(
                stratified_contrast(strata, arm=arm, control=control, alpha=alpha)
            ),
            "period_weighted": _period(strata, arm, control),
            "srm": ratio,
            "aipw_uniform": _estimate(aipw_uniform(strata, arm=arm, control=control)),
            "eb_confidence_sequence": _guaranteed(strata, arm, control, alpha),
        }
        for arm in range(strata.arms)
        if arm != control
    }


def _estimate(estimate: Estimate | None) -> dict[str, float] | None:
    if estimate is None:
        return None
    return {"diff": estimate.difference, "se": estimate.standard_error}


def _stratified(contrast: StratifiedContrast | None) -> dict[str, Any] | None:
    if contrast is None:
        return None
    return {
        "usable_epochs": contrast.rows,
        "diff": contrast.difference,
        "se": contrast.standard_error,
        "ci_fixed": _ends(contrast.fixed),
        "p_fixed": contrast.fixed_p,
        "cs_always_valid": _ends(contrast.always_valid),
        "lift": contrast.arm_mean / contrast.control_mean - 1 if contrast.control_mean else None,
        "baseline": contrast.control_mean,
        "lift_fieller_fixed": _relative(contrast, always_valid=False),
        "lift_fieller_always_valid": _relative(contrast, always_valid=True),
    }


def _relative(contrast: StratifiedContrast, *, always_valid: bool) -> list[float] | None:
    lift = relative_lift(contrast, always_valid=always_valid)
    return None if isinstance(lift, BaselineTooUncertain) else _ends(lift.interval)


def _period(strata: Strata, arm: int, control: int) -> dict[str, float] | None:
    weighted = period_weighted(strata, arm=arm, control=control)
    if weighted is None:
        return None
    return {
        "mean_k": weighted.arm_mean,
        "mean_c": weighted.control_mean,
        "diff": weighted.estimate.difference,
        "se": weighted.estimate.standard_error,
    }


def _ratio(ratio: SampleRatio) -> dict[str, Any]:
    return {
        "observed": ratio.observed.tolist(),
        "expected": ratio.expected.tolist(),
        "wald": ratio.wald,
        "df": ratio.freedom,
        "p": ratio.p,
    }


def _guaranteed(strata: Strata, arm: int, control: int, alpha: float) -> list[float] | None:
    units = float(strata.counts.sum())
    if not units or not is_bounded(strata, upper=1.0):
        return None
    return _ends(
        guaranteed_interval(strata, arm=arm, control=control, alpha=alpha, planned_units=units)
    )


def _ends(interval: Interval) -> list[float]:
    return [interval.low, interval.high]
