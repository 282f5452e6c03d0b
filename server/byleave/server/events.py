"""Events as they come over the wire: what is accepted, and why the rest is not.

One bad event never costs the others of its batch: each is checked by itself, and refused with
a reason that names the place and what was expected, never a value.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Final

import msgspec

from byleave.experiments import Definitions
from byleave.sdk.receipts import read_receipt
from byleave.segments import Event, Purpose, Scalar, ValueType
from byleave.server.errors import unquoted
from byleave.server.times import TimeMs

_DAY_MS: Final = 86_400_000

#: Older events can no longer be told from repeated ones, because ids are not kept for ever.
OLDEST_MS: Final = 30 * _DAY_MS
#: How far a sender's clock may be ahead of ours.
AHEAD_MS: Final = _DAY_MS

#: Where the text ends, for Python and for JSON Schema: before a last line feed `$` matches as well.
END: Final = r"$(?!\n)"
EVENT_ID: Final = (
    f"^[0-9a-f]{{8}}-[0-9a-f]{{4}}-7[0-9a-f]{{3}}-[89ab][0-9a-f]{{3}}-[0-9a-f]{{12}}{END}"
)
VISITOR_ID: Final = f"^[A-Za-z0-9._~:@+-]{{1,128}}{END}"

# What is kept may be older than `END`, and has to be read for as long as it is.
_Id = Annotated[str, msgspec.Meta(pattern=EVENT_ID.replace(END, "$"))]
_VisitorId = Annotated[str, msgspec.Meta(pattern=VISITOR_ID.replace(END, "$"))]
_Name = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9._-]{0,127}$")]
_Text = Annotated[str, msgspec.Meta(max_length=1024)]


class Exposure(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="exposure"
):
    """A variant was served to a visitor; `allocation` is None in the holdout."""

    id: _Id
    visitor: _VisitorId
    at_ms: TimeMs = msgspec.field(name="at")
    experiment: _Name
    run: _Name
    allocation: _Name | None
    arm: _Name
    assigned_ms: TimeMs = msgspec.field(name="assigned_at")
    segments: Annotated[tuple[_Name, ...], msgspec.Meta(max_length=10)] = msgspec.field(
        name="groups", default=()
    )

    #: The name under which the log keeps it.
    log_name: ClassVar[None] = None


class Happening(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="event"):
    """A visitor did something that the site declares; `uses` were granted when they did."""

    id: _Id
    visitor: _VisitorId
    at_ms: TimeMs = msgspec.field(name="at")
    name: _Name = msgspec.field(name="event")
    uses: tuple[Purpose, ...]
    properties: Mapping[_Name, bool | int | float | _Text] = {}

    @property
    def log_name(self) -> str:
        """The name under which the log keeps it."""
        return self.name


class SentReward(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="reward"
):
    """A page view reached a goal: its receipt says which view, and nobody knows whose."""

    id: _Id
    at_ms: TimeMs = msgspec.field(name="at")
    receipt: Annotated[str, msgspec.Meta(max_length=4096)]
    goal: _Name


class Reward(msgspec.Struct, frozen=True, kw_only=True, tag="reward"):
    """A reward as it is kept; `visitor` is the random id of the page view."""

    id: _Id
    visitor: _VisitorId
    at_ms: TimeMs = msgspec.field(name="at")
    goal: _Name

    @property
    def log_name(self) -> str:
        """The name under which the log keeps it."""
        return reward_name(self.goal)


WireEvent = Exposure | Happening | Reward

_texts: Final = msgspec.json.Encoder(order="deterministic")
_kept_events: Final[msgspec.json.Decoder[WireEvent]] = msgspec.json.Decoder(WireEvent)


class RefusedError(Exception):
    """An event that is not taken; the message says why."""


def read_event(
    item: object, *, definitions: Definitions, receipt_keys: Sequence[str], now_ms: int
) -> WireEvent:
    """Return the event that plain data describes.

    Args:
        item: The data.
        definitions: What the site declares.
        receipt_keys: The keys by which receipts are accepted.
        now_ms: The server's time.

    Raises:
        RefusedError: It is malformed, undeclared, forged, or dated too early or too late.
    """
    try:
        event = msgspec.convert(item, Exposure | Happening | SentReward)
    except msgspec.ValidationError as error:
        raise RefusedError(unquoted(error)) from None
    for name in ("id", "visitor"):
        if getattr(event, name, "").endswith("\n"):
            raise RefusedError(f"Expected no line feed - at `$.{name}`")
    if event.at_ms < now_ms - OLDEST_MS:
        raise RefusedError("dated more than 30 days ago")
    latest = max(event.at_ms, event.assigned_ms) if isinstance(event, Exposure) else event.at_ms
    if latest > now_ms + AHEAD_MS:
        raise RefusedError("dated more than a day ahead: set the sender's clock")
    if isinstance(event, SentReward):
        return _kept(event, definitions, receipt_keys)
    if isinstance(event, Happening):
        _check_declared(event, definitions.events.get(event.name))
    return event


def body_of(event: WireEvent) -> str:
    """Return the one text of an event, by which a repeated one is recognised."""
    return _texts.encode(event).decode()


def event_of(body: str) -> WireEvent:
    """Return the event that `body_of` wrote."""
    return _kept_events.decode(body)


def reward_name(goal: str) -> str:
    """Return the log's name for rewards of a goal, which no declared event can have."""
    return f"reward/{goal}"


def _kept(reward: SentReward, definitions: Definitions, keys: Sequence[str]) -> Reward:
    if reward.goal not in definitions.goals:
        raise RefusedError("no definition declares this goal")
    receipt = read_receipt(reward.receipt, keys, now_ms=reward.at_ms)
    if receipt is None:
        raise RefusedError("the receipt is not ours, or older than a day")
    return Reward(id=reward.id, visitor=receipt.decision, at_ms=reward.at_ms, goal=reward.goal)


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
        return abs(value) <= 2**53  # nor does NaN pass
    return isinstance(value, bool if kind is ValueType.BOOLEAN else str)
