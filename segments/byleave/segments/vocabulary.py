"""What a site may know about a visitor, declared: attributes, events, segments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from byleave.segments.comparisons import Scalar
from byleave.segments.conditions import Condition
from byleave.segments.consent import Purpose
from byleave.segments.values import Duration

#: How the keys of conditions begin that are no segments; no segment may be named so.
TRACKED: Final = "tracked["

#: The longest that a device may be recognised: CNIL allows thirteen months.
THIRTEEN_MONTHS: Final = Duration(395 * 86_400_000)


class ValueType(StrEnum):
    """The type of an attribute or of an event's property.

    A `list` holds texts. A `time` is a moment: milliseconds since the epoch, or ISO 8601 text
    with an offset, or a date.
    """

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "list"
    TIME = "time"


class Source(StrEnum):
    """Where an attribute comes from.

    `request` is derived from the request at hand and never stored; `site` is what the host's
    own code knows; `device` is derived from the visitor's events and kept in their cookie;
    `server` is kept by the decision server, for example from a CRM.
    """

    REQUEST = "request"
    SITE = "site"
    DEVICE = "device"
    SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A declared fact about a visitor or a request.

    Attributes:
        type: The only type its values may have.
        source: Where it comes from; everything but `request` needs purposes and a ttl.
        purposes: What it may be used for.
        ttl: How long a value may be kept; `session` means not beyond the request.
        default: What is read when the attribute is readable and absent, never when withheld.
        one_of: The values it may take; any, when empty.
        sensitive: Needs an explicit grant in every region.
        fresh: Too private for a cookie; fetched from the server when needed.
    """

    type: ValueType
    source: Source
    purposes: tuple[Purpose, ...] = ()
    ttl: Duration | Literal["session"] | None = None
    default: Scalar | tuple[str, ...] | None = None
    one_of: tuple[Scalar, ...] = ()
    sensitive: bool = False
    fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something a visitor does, with declared properties."""

    properties: Mapping[str, ValueType] = field(default_factory=dict)
    purposes: tuple[Purpose, ...] = ()
    ttl: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A named condition.

    Attributes:
        when: The condition.
        title: What people call it.
        because: What a visitor is told when it decided something: a sentence about them.
        use: The one purpose its result may be used for; every leaf must allow it.
    """

    when: Condition
    title: str = ""
    because: str = ""
    use: Purpose = Purpose.PERSONALISATION


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyStep:
    """One step of a journey.

    Attributes:
        key: The step's name within the journey.
        done: The segment that is true once the step is done.
        link: Where the step is done, for navigation that leads to it.
        label: What such a link says.
    """

    key: str
    done: str
    link: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """Ordered steps; the order guides a visitor and never forces them.

    Attributes:
        steps: The steps, from the first to the last.
        title: What people call it.
        use: The one purpose for which reached steps are remembered.
        ttl: How long a reached step is remembered.
    """

    steps: tuple[JourneyStep, ...]
    title: str = ""
    use: Purpose = Purpose.PERSONALISATION
    ttl: Duration = THIRTEEN_MONTHS


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Everything conditions may name."""

    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    events: Mapping[str, Event] = field(default_factory=dict)
    segments: Mapping[str, Segment] = field(default_factory=dict)
    journeys: Mapping[str, Journey] = field(default_factory=dict)
