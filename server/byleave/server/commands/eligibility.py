"""Why a slot shows a visitor what it shows, in words."""

from __future__ import annotations

from collections.abc import Iterator

from byleave.experiments import Decision, Experiment, Reason, may_enrol
from byleave.experiments.schedule import bounds_ms
from byleave.segments import EventLeaf, Purpose, Truth
from byleave.server.commands.personas import Standing


def reasons(decision: Decision, standing: Standing) -> dict[str, str]:
    """Return what became of each experiment of a slot, by its key; the first asked comes first."""
    definitions = standing.decider.snapshot.definitions
    wanting = {
        key: experiment
        for key, experiment in definitions.experiments.items()
        if experiment.slot == decision.slot
    }
    in_order = sorted(wanting, key=lambda key: (-wanting[key].priority, key))
    return {
        key: (
            _said(decision)
            if key == decision.experiment
            else "; ".join(_obstacles(wanting[key], standing)) or _otherwise(decision)
        )
        for key in in_order
    }


def _said(decision: Decision) -> str:
    """Return why the experiment that owns a slot shows this variant."""
    match decision.reason:
        case Reason.ASSIGNED:
            return f"arm {decision.arm}, drawn with probability {decision.propensity or 0:.4g}"
        case Reason.STICKY:
            return f"arm {decision.arm}, as before"
        case Reason.INELIGIBLE_ARM:
            return f"arm {decision.arm}, which is not for this visitor now"
        case Reason.HOLDOUT:
            return "in the holdout, which gets the site's own content everywhere"
        case _:
            return f"{decision.reason}"


def _otherwise(decision: Decision) -> str:
    if decision.experiment is not None:
        return f"{decision.experiment} is asked first and owns the slot"
    return "outside the experiment's share of the traffic, or not to be measured here"


def _obstacles(experiment: Experiment, standing: Standing) -> Iterator[str]:
    """Yield each condition of an experiment that does not hold."""
    facts, visitor = standing.facts, standing.visitor
    definitions = standing.decider.snapshot.definitions
    start_ms, end_ms = bounds_ms(experiment.schedule)
    if not start_ms <= standing.now_ms < end_ms:
        schedule = experiment.schedule
        yield f"runs from {schedule.start or 'ever'} to {schedule.end or 'ever'}"
    if experiment.unit == "visitor" and not may_enrol(visitor.consent):
        yield "needs consent to personalisation and to analytics"
    if experiment.audience is not None and not facts.segment(experiment.audience).is_true:
        yield f"{experiment.audience} is {facts.explain(experiment.audience).sentence}"
    for unless in (*experiment.unless, *definitions.suppress):
        truth = facts.segment(unless.segment).truth
        is_doubtful = truth is Truth.UNDETERMINED and unless.if_undetermined == "suppress"
        if truth is Truth.TRUE or is_doubtful:
            yield f"kept away, for {unless.segment} is {facts.explain(unless.segment).sentence}"
    if experiment.until == "goal":
        reached = EventLeaf(definitions.goals[experiment.goals.primary].event)
        if facts.verdict(reached, Purpose.PERSONALISATION).truth is not Truth.FALSE:
            yield f"the goal {experiment.goals.primary} is reached, or it is not known whether"
