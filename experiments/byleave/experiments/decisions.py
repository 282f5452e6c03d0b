"""What goes into a decision and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from byleave.experiments.definitions import CONTROL
from byleave.segments import Consent, Profile, Scalar

#: What stands in place of an arm for a visitor of the global holdout.
HOLDOUT = "holdout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sticky:
    """The arm a visitor was given in a run, with the row that gave it.

    Attributes:
        arm: The arm.
        allocation: Id of the allocation row it was drawn from.
        assigned_at_ms: When it was drawn.
    """

    arm: str
    allocation: str
    assigned_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignments:
    """What experiments remember of a visitor.

    Attributes:
        sticky: By run id.
        exposures: The times of served exposures, oldest first, no more than a cap looks back
            on; by experiment, and by `experiment/arm` where an arm has a cap of its own.
    """

    sticky: Mapping[str, Sticky] = field(default_factory=dict)
    exposures: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Everything `decide` may look at for one request.

    Attributes:
        id: The visitor's random id; None where nothing may be stored.
        view: A random id of this page view, never stored on the device.
        consent: What they agreed to.
        attributes: Values by name, from the request, the site and the server.
        profile: The minimal state of their events.
        assignments: Their arms and exposures so far.
        forced: Variant by slot, from a preview link.
        is_counted: False for crawlers, prefetches and previews: decided as on a first visit
            without consent, and nothing is enrolled.
    """

    id: str | None
    consent: Consent
    view: str | None = None
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    profile: Profile = Profile()
    assignments: Assignments = Assignments()
    forced: Mapping[str, str] = field(default_factory=dict)
    is_counted: bool = True


class Reason(StrEnum):
    """Why a slot shows what it shows."""

    ASSIGNED = "assigned"  # drawn now from an allocation row
    STICKY = "sticky"  # the arm recorded earlier
    HOLDOUT = "holdout"  # the global holdout: the site's own content
    NO_EXPERIMENT = "no-experiment"  # none is eligible
    NO_ALLOCATION = "no-allocation"  # no row, or its time to draw is over
    FORCED = "forced"  # a preview
    INELIGIBLE_ARM = "ineligible-arm"  # the sticky arm may not be shown now


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one slot shows, and why.

    Attributes:
        slot: The slot.
        variant: The variant to show; `control` means the site's own content.
        reason: Why.
        experiment: The experiment that owns the slot, if one does.
        run: Its run.
        arm: The arm the visitor is in, which may differ from `variant` when it is not shown.
        allocation: The row the arm was drawn from; None in the holdout.
        propensity: The arm's weight in that row; None when unknown or in the holdout.
        assigned_at_ms: When the arm was drawn.
        is_enrolling: Whether serving this slot is an exposure that counts.
        groups: The experiment's reporting segments that are true now.
    """

    slot: str
    variant: str = CONTROL
    reason: Reason = Reason.NO_EXPERIMENT
    experiment: str | None = None
    run: str | None = None
    arm: str | None = None
    allocation: str | None = None
    propensity: float | None = None
    assigned_at_ms: int | None = None
    is_enrolling: bool = False
    groups: tuple[str, ...] = ()
