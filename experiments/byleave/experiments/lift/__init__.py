"""Estimators of lift from adaptive experiments, and the report that is made of them."""

from byleave.experiments.lift.bernstein import guaranteed_interval
from byleave.experiments.lift.holdout import HoldoutContrast, holdout_contrast
from byleave.experiments.lift.holdout_report import holdout_sentence
from byleave.experiments.lift.interval import Interval
from byleave.experiments.lift.multiplicity import e_benjamini_hochberg, holm
from byleave.experiments.lift.relative import (
    BaselineTooUncertain,
    RelativeLift,
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
from byleave.experiments.lift.segments import exploratory
from byleave.experiments.lift.srm import (
    LiveSampleRatio,
    SampleRatio,
    holdout_ratio,
    live_sample_ratio,
    mismatched_rows,
    sample_ratio,
    withdrawal_ratio,
)
from byleave.experiments.lift.strata import Strata, StrataError
from byleave.experiments.lift.stratified import StratifiedContrast, stratified_contrast
from byleave.experiments.lift.together import looked_at_together
from byleave.experiments.lift.trajectory import Look, trajectory
from byleave.experiments.lift.two_sample import Group, TwoSample, newcombe, two_sample_lift, welch
from byleave.experiments.lift.vectors import contrasts

__all__ = [
    "METHOD_VERSION",
    "ArmRow",
    "BaselineTooUncertain",
    "Group",
    "GuardVerdict",
    "Health",
    "HoldoutContrast",
    "Interval",
    "LiveSampleRatio",
    "Look",
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
    "TwoSample",
    "build_report",
    "contrasts",
    "e_benjamini_hochberg",
    "exploratory",
    "guaranteed_interval",
    "holdout_contrast",
    "holdout_ratio",
    "holdout_sentence",
    "holm",
    "live_sample_ratio",
    "looked_at_together",
    "mismatched_rows",
    "newcombe",
    "relative_lift",
    "sample_ratio",
    "stratified_contrast",
    "trajectory",
    "two_sample_lift",
    "welch",
    "withdrawal_ratio",
]
