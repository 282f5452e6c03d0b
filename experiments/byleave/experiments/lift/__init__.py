"""Estimators of lift from adaptive experiments, and the report that is made of them."""

from byleave.experiments.lift.bernstein import guaranteed_interval
from byleave.experiments.lift.interval import Interval
from byleave.experiments.lift.relative import (
    BaselineTooUncertain,
    RelativeLift,
    fieller,
    relative_lift,
)
from byleave.experiments.lift.report import METHOD_VERSION, build_report
from byleave.experiments.lift.report_model import (
    ArmRow,
    GuardVerdict,
    Health,
    Phase,
    Population,
    Refusal,
    RefusalCode,
    Report,
    RunFacts,
    Status,
)
from byleave.experiments.lift.srm import (
    LiveSampleRatio,
    SampleRatio,
    live_sample_ratio,
    sample_ratio,
)
from byleave.experiments.lift.strata import Strata, StrataError
from byleave.experiments.lift.stratified import StratifiedContrast, stratified_contrast

__all__ = [
    "METHOD_VERSION",
    "ArmRow",
    "BaselineTooUncertain",
    "GuardVerdict",
    "Health",
    "Interval",
    "LiveSampleRatio",
    "Phase",
    "Population",
    "Refusal",
    "RefusalCode",
    "RelativeLift",
    "Report",
    "RunFacts",
    "SampleRatio",
    "Status",
    "Strata",
    "StrataError",
    "StratifiedContrast",
    "build_report",
    "fieller",
    "guaranteed_interval",
    "live_sample_ratio",
    "relative_lift",
    "sample_ratio",
    "stratified_contrast",
]
