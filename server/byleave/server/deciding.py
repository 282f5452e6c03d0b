"""Decisions over the wire, for sites that do not decide in their own process.

The server keeps nothing of the visitor here: what has to be remembered comes with the request
and goes back with the answer, as a signed text that only this site's server can read back. A
site that keeps the state itself, as the SDK does in the visitor's cookie, sends it as it is.
"""

from collections.abc import Mapping
from dataclasses import fields
from hashlib import sha256
from typing import Annotated, Any, Final

import msgspec
from itsdangerous import BadSignature, Signer

from byleave.experiments import Assignments, Decision, Visitor, may_enrol
from byleave.segments import (
    Choice,
    Consent,
    Profile,
    Purpose,
    Regime,
    plain,
)
from byleave.server.events import VISITOR_ID
from byleave.server.publishing import Published
from byleave.server.sites import Site

_FIELDS: Final = tuple((field.name, field.default) for field in fields(Decision))
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


class KnownState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A visitor's state as the site keeps it: the plain forms of profile and assignments."""

    profile: dict[str, Any] = {}
    assignments: dict[str, Any] = {}


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
    published: Published, site: Site, request: DecideRequest, *, now_ms: int
) -> dict[str, Any]:
    """Return the decision for each slot, the version they are by, and the next state."""
    signer = Signer(site.derived("state"), salt=request.visitor or "nobody", digest_method=sha256)
    profile, assignments = _known(request, signer)
    visitor = Visitor(
        id=request.visitor,
        view=request.view,
        consent=request.consent.consent(),
        attributes=request.attributes,
        region=request.region,
        profile=profile,
        assignments=assignments,
        is_counted=request.counted,
    )
    decider = published.decider
    decisions = decider.decide(visitor, request.slots, now_ms=now_ms)
    if may_enrol(visitor.consent):
        assignments = decider.remember(assignments, decisions.values(), now_ms=now_ms)
    state = msgspec.json.encode({"profile": profile.to_plain(), "assignments": assignments})
    return {
        "version": plain(published.snapshot.version),
        "decisions": {slot: _plain(decision) for slot, decision in decisions.items()},
        "state": signer.sign(state).decode(),
    }


def _plain(decision: Decision) -> dict[str, Any]:
    """Return a decision as `plain` does, without asking each time which fields it has."""
    return {
        name: value for name, default in _FIELDS if (value := getattr(decision, name)) != default
    }


def _known(request: DecideRequest, signer: Signer) -> tuple[Profile, Assignments]:
    """Return what the state holds and the visitor still lets us keep.

    A state that is not ours, or another visitor's, holds nothing.
    """
    consent = request.consent.consent()
    try:
        if isinstance(request.state, KnownState):
            state = request.state
        else:
            state = msgspec.json.decode(signer.unsign(request.state or ""), type=KnownState)
        profile = Profile.from_plain(state.profile)
        assignments = msgspec.convert(state.assignments, Assignments)
    except (BadSignature, msgspec.ValidationError):
        return Profile(), Assignments()
    refused = [purpose for purpose in Purpose if not consent.allows(purpose)]
    return profile.forget(refused), assignments if may_enrol(consent) else Assignments()
