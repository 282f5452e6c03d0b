"""Experiments before they run: simulated against a declared truth."""

from byleave.experiments.simulation.looks import Looks, look_often
from byleave.experiments.simulation.planning import Design, Plan, plan
from byleave.experiments.simulation.reporting import (
    ArmSummary,
    Simulated,
    Summary,
    simulate,
    summarise,
)
from byleave.experiments.simulation.scenario import Order, Rate, Scenario, Truth
from byleave.experiments.simulation.simulating import Row, Run, run_scenario

__all__ = [
    "ArmSummary",
    "Design",
    "Looks",
    "Order",
    "Plan",
    "Rate",
    "Row",
    "Run",
    "Scenario",
    "Simulated",
    "Summary",
    "Truth",
    "look_often",
    "plan",
    "run_scenario",
    "simulate",
    "summarise",
]
