"""Recording what a visitor did: into their profile, and for the server if a goal reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from byleave.experiments import may_enrol
from byleave.sdk import events
from byleave.sdk.failures import report
from byleave.segments import Purpose, Scalar

if TYPE_CHECKING:  # a visit records, and what is recorded belongs to it
    from byleave.sdk.visit import Visit


def record(
    visit: Visit,
    event: str,
    given: Mapping[str, Scalar],
    tell: Callable[[events.Event], None],
) -> None:
    """Record an event as far as the visitor agreed to that; nothing is raised.

    Args:
        visit: The request by which they did it.
        event: A declared event.
        given: Its properties; those that are not declared are left out.
        tell: Takes what is to be sent to the server.
    """
    try:
        if visit.is_counted and may_enrol(visit.consent):
            _record(visit, event, given, tell)
    except Exception as error:
        report("event not recorded", error, event=event)


def _record(
    visit: Visit, event: str, given: Mapping[str, Scalar], tell: Callable[[events.Event], None]
) -> None:
    identity, decider = visit.memory.identity, visit.decider
    if identity is None or decider is None:
        return
    definitions = decider.snapshot.definitions
    declared = definitions.events[event]
    properties = {k: given[k] for k in declared.properties if given.get(k) is not None}
    profile = decider.rules.record(
        visit.memory.state.profile,
        event,
        properties,
        at_ms=visit.now_ms,
        now_ms=visit.now_ms,
        consent=visit.consent,
    )
    if definitions.journeys:
        facts = decider.rules.facts(
            consent=visit.consent,
            attributes=visit.attributes,
            profile=profile,
            now_ms=visit.now_ms,
            collected=visit.collected,
        )
        profile, _ = facts.advance()
    visit.memory.remember(profile=profile)
    uses = [use for use in declared.purposes if visit.consent.allows(use)]
    is_goal = any(goal.event == event for goal in definitions.goals.values())
    if is_goal and Purpose.ANALYTICS in uses and visit.is_recognised:
        visit.memory.keep()
        tell(
            events.event(
                event,
                identity.id,
                properties,
                uses=uses,
                at_ms=visit.now_ms,
                random_bytes=visit.site.random_bytes,
            )
        )
