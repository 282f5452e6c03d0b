"""Decisions that the server makes, for a site that has it asked on each page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from byleave.experiments import Decider, Decision
from byleave.segments import plain, read
from byleave.segments.access import may_read_for_something

if TYPE_CHECKING:  # a visit has slots, and they ask for it
    from byleave.sdk.visit import Visit


async def asked(visit: Visit, decider: Decider) -> Mapping[str, Decision]:
    """Return what the server decides for each slot of a site.

    A run that only one of both has yet is left alone, in every arm alike: the site can show all
    arms of an experiment or none.

    Raises:
        LeftAloneError: The server is not asked for now.
        Exception: It did not answer, or not in time, or not as expected.
    """
    question = _question(visit, decider)
    answer = await visit.site.source.decide(question, timeout_s=visit.site.deadline_s)
    told = (
        read(Decision, {"slot": slot, **decision}) for slot, decision in answer["decisions"].items()
    )
    return {d.slot: d if _is_known(d, decider) else Decision(slot=d.slot) for d in told}


def _question(visit: Visit, decider: Decider) -> dict[str, Any]:
    visitor, carried = visit.visitor, visit.carried
    consent, declared = visitor.consent, decider.snapshot.definitions.attributes
    return {
        "visitor": visitor.id,
        "view": visitor.view,
        "consent": {
            "choices": {str(use): str(choice) for use, choice in consent.choices.items()},
            "regime": str(consent.regime),
            "source": consent.source,
            "at_ms": consent.at_ms,
            "number": consent.number,
            "knowing": consent.knowing,
        },
        # What the server itself told us it knows better by now.
        "attributes": {
            name: value
            for name, value in visitor.attributes.items()
            if name not in carried and may_read_for_something(declared[name], consent=consent)
        },
        "state": {
            "profile": visitor.profile.to_plain(),
            "assignments": plain(visitor.assignments),
        },
        "slots": [*decider.slots],
        "counted": visitor.is_counted,
        **({"region": visitor.region} if visitor.region else {}),
    }


def _is_known(decision: Decision, decider: Decider) -> bool:
    if decision.experiment is None:
        return True
    run = decider.snapshot.runs.get(decision.experiment)
    return run is not None and run.id == decision.run
