"""Events as they come over the wire: what is accepted, and why the rest is not.

One bad event never costs the others of its batch: each is checked by itself, and refused with
a reason that names the place and what was expected, never a value.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from byleave.experiments import Definitions
from byleave.segments import Event, Purpose, Scalar, ValueType

_DAY_MS: Final = 86_400_000

#: Older events can no longer be told from repeated ones, because ids are not kept for ever.
OLDEST_MS: Final = 30 * _DAY_MS
#: How far a sender's clock may be ahead of ours.
AHEAD_MS: Final = _DAY_MS

EVENT_ID: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
VISITOR_ID: Final = "^[A-Za-z0-9._~:@+-]{1,128}$"

_Id = Annotated[str, msgspec.Meta(pattern=EVENT_ID)]
_VisitorId = Annotated[str, msgspec.Meta(pattern=VISITOR_ID)]
_Name = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9._-]{0,127}$")]
_Text = Annotated[str, msgspec.Meta(max_length=1024)]
_TimeMs = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Exposure(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="exposure"
):
    """A variant was served to a visitor; `allocation` is None in the holdout."""

    id: _Id
    visitor: _VisitorId
    at_ms: _TimeMs = msgspec.field(name="at")
    experiment: _Name
    run: _Name
    allocation: _Name | None
    arm: _Name
    assigned_ms: _TimeMs = msgspec.field(name="assigned_at")
    segments: Annotated[tuple[_Name, ...], msgspec.Meta(max_length=10)] = msgspec.field(
        name="groups", default=()
    )


class Happening(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="event"):
    """A visitor did something that the site declares; `uses` were granted when they did."""

    id: _Id
    visitor: _VisitorId
    at_ms: _TimeMs = msgspec.field(name="at")
    name: _Name = msgspec.field(name="event")
    uses: tuple[Purpose, ...]
    properties: Mapping[_Name, bool | int | float | _Text] = {}


WireEvent = Exposure | Happening


class RefusedError(Exception):
    """An event that is not taken; the message says why."""


def read_event(item: object, *, definitions: Definitions, now_ms: int) -> WireEvent:
    """Return the event that plain data describes.

    Raises:
        RefusedError: It is malformed, undeclared, or dated too early or too late.
    """
    try:
        event: WireEvent = msgspec.convert(item, WireEvent)
    except msgspec.ValidationError as error:
        raise RefusedError(str(error)) from None
    if event.at_ms < now_ms - OLDEST_MS:
        raise RefusedError("dated more than 30 days ago")
    latest = max(event.at_ms, event.assigned_ms) if isinstance(event, Exposure) else event.at_ms
    if latest > now_ms + AHEAD_MS:
        raise RefusedError("dated more than a day ahead: set the sender's clock")
    if isinstance(event, Happening):
        _check_declared(event, definitions.events.get(event.name))
    return event


def body_of(event: WireEvent) -> str:
    """Return the one text of an event, by which a repeated one is recognised."""
    return msgspec.json.encode(event, order="deterministic").decode()


def event_of(body: str) -> WireEvent:
    """Return the event that `body_of` wrote."""
    event: WireEvent = msgspec.json.decode(body, type=WireEvent)
    return event


def _check_declared(event: Happening, declared: Event | None) -> None:
    if declared is None:
        raise RefusedError("no definition declares this event")
    if not event.uses:
        raise RefusedError("collected under no purpose")
    if not set(event.uses) <= {*declared.purposes, Purpose.NECESSARY}:
        raise RefusedError("collected for a purpose that the event does not declare")
    for name, value in event.properties.items():
        kind = declared.properties.get(name)
        if kind is None:
            raise RefusedError("has a property that the event does not declare")
        if not _is_a(kind, value):
            raise RefusedError(f"expected property {name!r} to be a {kind}")


def _is_a(kind: ValueType, value: Scalar) -> bool:
    if kind is ValueType.NUMBER:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return math.isfinite(value) and abs(value) <= 2**53
    return isinstance(value, bool if kind is ValueType.BOOLEAN else str)
