"""Decisions over the wire, for sites that do not decide in their own process.

The server keeps nothing of the visitor here: what has to be remembered comes with the request
and goes back with the answer.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from operator import attrgetter
from typing import Annotated, Any, Final

import msgspec

from byleave.experiments import Decision, Reason, Visitor, may_enrol
from byleave.segments import (
    Choice,
    Consent,
    Purpose,
    Regime,
)
from byleave.server.events import VISITOR_ID
from byleave.server.publishing import Published
from byleave.server.states import KnownState, States

#: A decision as it is told: what is as it is by default goes without saying.
_Told: Final[Any] = msgspec.defstruct(
    "_Told",
    [
        (each.name, each.type, msgspec.NODEFAULT if each.default is MISSING else each.default)
        for each in fields(Decision)
    ],
    frozen=True,
    omit_defaults=True,
)
_values: Final = attrgetter(*(field.name for field in fields(Decision)))
_NO_EXPERIMENT: Final = Reason.NO_EXPERIMENT
_VisitorId = Annotated[str, msgspec.Meta(pattern=VISITOR_ID)]


class WireConsent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the visitor agreed to; nothing said means nothing agreed, where consent is opt-in."""

    choices: Mapping[Purpose, Choice] = {}
    regime: Regime = Regime.OPT_IN
    source: str = "default"
    at_ms: int | None = None
    number: int = 0
    knowing: bool = False

    def consent(self) -> Consent:
        """Return it in the form that deciding takes."""
        return Consent(
            self.choices,
            self.regime,
            source=self.source,
            at_ms=self.at_ms,
            number=self.number,
            knowing=self.knowing,
        )


class DecideRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is asking, what they agreed to, what is known of them, and for which slots."""

    slots: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=100)]
    visitor: _VisitorId | None = None
    view: _VisitorId | None = None
    consent: WireConsent = WireConsent()
    attributes: Mapping[str, str | int | float | bool] = {}
    state: str | KnownState | None = None
    region: str | None = None
    counted: bool = True


def decide(
    published: Published, states: States, request: DecideRequest, *, now_ms: int
) -> dict[str, Any]:
    """Return the decision for each slot, the version they are by, and the next state.

    It is what `msgspec.json.encode` writes as the answer.
    """
    consent = request.consent.consent()
    state = states.read(request.state, request.visitor, consent)
    assignments = state.assignments
    visitor = Visitor(
        id=request.visitor,
        view=request.view,
        consent=consent,
        attributes=request.attributes,
        region=request.region,
        profile=state.profile,
        assignments=assignments,
        is_counted=request.counted,
    )
    decider = published.decider
    decisions = decider.decide(visitor, request.slots, now_ms=now_ms)
    if may_enrol(consent):
        assignments = decider.remember(assignments, decisions.values(), now_ms=now_ms)
    return {
        "version": published.version,
        "decisions": {slot: _told(decision) for slot, decision in decisions.items()},
        "state": states.write(state, assignments, request.visitor),
    }


def _told(decision: Decision) -> Any:
    if decision.experiment is None and decision.reason is _NO_EXPERIMENT:
        return _Told(decision.slot)  # so are most slots
    return _Told(*_values(decision))
