"""Slots that open over a page by themselves: what the page is given, and what comes of it.

The page holds an empty element that names the slot. Where an experiment owns it, the decision
goes along with the page, sealed; it counts at the moment at which the slot opens, or would have
opened for the control. One is shown within 24 hours, whatever its arm.
"""

from collections.abc import Mapping
from typing import Any, Final

from markupsafe import escape

from byleave.experiments import CONTROL, Decision, Reason
from byleave.experiments.triggers import Trigger
from byleave.sdk.cookies import cookie_name, set_cookie
from byleave.sdk.visit import Visit
from byleave.segments import plain

LABEL: Final = "For you"
CLOSE: Final = "Close"

#: Everything that an offer says beside its own content.
MESSAGES: Final = (LABEL, CLOSE)

#: Nobody is shown another one for a day.
SHOWN_LASTS_S: Final = 86_400


def offers(visit: Visit) -> list[tuple[Decision, Trigger]]:
    """Return what may open on the page; nothing where something did within a day."""
    if visit.decider is None or cookie_name("shown", visit.scope) in visit.cookies:
        return []
    slots = visit.decider.snapshot.definitions.slots
    found = ((decision, slots[slot].trigger) for slot, decision in visit.slots.offered.items())
    return [(d, trigger) for d, trigger in found if trigger is not None and d.is_enrolling]


def offer(visit: Visit, decision: Decision, trigger: Trigger, *, sealed: str) -> dict[str, Any]:
    """Return what the page's script is told of an offer; its content is no part of it."""
    say = visit.site.gettext
    moments = {name: value for name, value in plain(trigger).items() if value}
    for name in ("idle", "after"):
        if (lasts := getattr(trigger, name)) is not None:
            moments[name] = int(lasts)
    if trigger.scroll is not None:
        moments["scroll"] = float(trigger.scroll)
    return {
        **moments,
        "slot": decision.slot,
        "show": trigger.show,
        "sealed": sealed,
        "label": say(LABEL),
        "close": say(CLOSE),
    }


def content(visit: Visit, decision: Decision, *, codec: str) -> str:
    """Return the content of an offer as a template that shows nothing yet; none in the control."""
    if decision.variant == CONTROL:
        return ""
    rendered = visit.slots.rendered(decision, b"", codec)
    if rendered is None:
        return ""
    name = escape(decision.slot)
    return f'<template id="byleave-offer-{name}">{rendered.decode(codec)}</template>'


def opened(visit: Visit, exposure: Mapping[str, Any]) -> bool:
    """Return whether an exposure is of a slot that opens by itself, and remember that it did.

    It is remembered as if it had been served now.
    """
    decider = visit.decider
    if decider is None or visit.memory.identity is None:
        return False
    experiment = decider.snapshot.definitions.experiments.get(exposure["experiment"])
    if experiment is None or decider.snapshot.definitions.slots[experiment.slot].trigger is None:
        return False
    decision = Decision(
        slot=experiment.slot,
        variant=exposure["arm"],
        reason=Reason.ASSIGNED,
        experiment=exposure["experiment"],
        run=exposure["run"],
        arm=exposure["arm"],
        allocation=exposure["allocation"],
        assigned_at_ms=exposure["assigned_at"],
        is_enrolling=True,
    )
    before = visit.memory.state.assignments
    after = decider.remember(before, [decision], now_ms=visit.now_ms)
    visit.memory.remember(assignments=after)
    visit.has_opened = True
    return True


def shown_cookie(visit: Visit) -> list[str]:
    """Return the Set-Cookie value by which nothing opens again for a day."""
    if not visit.has_opened:
        return []
    name = cookie_name("shown", visit.scope)
    return [set_cookie(name, "1", visit.scope, lasts_s=SHOWN_LASTS_S, is_http_only=False)]
