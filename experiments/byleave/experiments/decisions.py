"""What goes into a decision and what comes out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from byleave.experiments.definitions import CONTROL
from byleave.segments import Consent, Profile, Purpose, Scalar

#: What stands in place of an arm for a visitor of the global holdout.
HOLDOUT: Final = "holdout"

#: What an enrolment reveals, and so what everything that leads to one must be allowed for.
ENROLLING: Final = (Purpose.PERSONALISATION, Purpose.ANALYTICS)


# Not frozen, like a decision: there is one for each arm of each page.
@dataclass(slots=True, kw_only=True)
class Sticky:
    """The arm a visitor was given in a run, with the row that gave it.

    Attributes:
        arm: The arm.
        allocation: Id of the allocation row it was drawn from.
        assigned_at_ms: When it was drawn.
        is_enrolled: False for an arm drawn again after the first one was retired: it is shown,
            and counts for nothing.
    """

    arm: str
    allocation: str
    assigned_at_ms: int
    is_enrolled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignments:
    """What experiments remember of a visitor.

    Attributes:
        sticky: By run id.
        exposures: The times of served exposures, oldest first, no more than caps look back
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
        collected: The purposes under whose grant an attribute was collected, by name; where a
            name is missing, all that it declares.
        region: The country code that the consent's regime follows from; None when unknown.
        profile: The minimal state of their events.
        assignments: Their arms and exposures so far.
        forced: By slot, what a preview link shows there, as `experiment/variant`.
        is_counted: False for crawlers, prefetches and previews: decided as on a first visit
            without consent, and nothing is enrolled.
    """

    id: str | None
    consent: Consent
    view: str | None = None
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    collected: Mapping[str, Collection[Purpose]] = field(default_factory=dict)
    region: str | None = None
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


# Neither frozen nor by keyword only: one is made for each slot of each page, and either would
# cost more than deciding it. Nothing changes a decision all the same.
@dataclass(slots=True)
class Decision:
    """What one slot shows, and why.

    Attributes:
        slot: The slot.
        variant: The variant to show; `control` means the site's own content.
        reason: Why.
        experiment: The experiment that owns the slot, if one does, or that a preview is of.
        run: Its run.
        arm: The arm the visitor is in, which may differ from `variant` when it is not shown.
        allocation: The row the arm was drawn from; None in the holdout.
        propensity: The arm's weight in that row; None when unknown or in the holdout.
        assigned_at_ms: When the arm was drawn.
        is_enrolling: Whether serving this slot is an exposure that counts.
        groups: The experiment's reporting segments that are true now; empty where nothing
            is enrolled.
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
