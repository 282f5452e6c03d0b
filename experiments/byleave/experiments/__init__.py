"""Experiments: what each slot shows a visitor, decided with propensities that are exact.

This front door is for deciding and needs the standard library only. How weights are learned is
`byleave.experiments.allocation`, how lift is estimated `byleave.experiments.lift`; both need
NumPy and SciPy and are imported by the server and by analysts.
"""

from byleave.experiments.deciding import Decider, may_enrol
from byleave.experiments.decisions import (
    HOLDOUT,
    Assignments,
    Decision,
    Reason,
    Sticky,
    Visitor,
)
from byleave.experiments.definitions import (
    CONTROL,
    Definitions,
    Experiment,
    Slot,
    Variant,
)
from byleave.experiments.goals import Goal
from byleave.experiments.local import local_snapshot
from byleave.experiments.snapshot import Allocation, Run, Snapshot, Version, load_snapshot

__all__ = [
    "CONTROL",
    "HOLDOUT",
    "Allocation",
    "Assignments",
    "Decider",
    "Decision",
    "Definitions",
    "Experiment",
    "Goal",
    "Reason",
    "Run",
    "Slot",
    "Snapshot",
    "Sticky",
    "Variant",
    "Version",
    "Visitor",
    "load_snapshot",
    "local_snapshot",
    "may_enrol",
]
