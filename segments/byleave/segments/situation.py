"""Everything that the truth of a condition may depend on, at one moment."""

from collections.abc import Collection, Mapping
from dataclasses import KW_ONLY, dataclass, field

from byleave.segments.consent import Consent, Purpose
from byleave.segments.profile import Profile


@dataclass(frozen=True, slots=True)
class Situation:
    """A visitor at a moment: consent, attributes, profile and time.

    Attributes:
        consent: What the visitor agreed to.
        attributes: Values by name, from the request, the site and the server; None counts as
            absent.
        profile: The minimal state of their events.
        now_ms: The time.
        collected: The purposes under whose grant an attribute was collected, by name. A name
            that is not in it was collected under all that it declares.
    """

    consent: Consent
    _: KW_ONLY
    attributes: Mapping[str, object] = field(default_factory=dict[str, object])
    profile: Profile = field(default_factory=Profile)
    now_ms: int
    collected: Mapping[str, Collection[Purpose]] = field(
        default_factory=dict[str, Collection[Purpose]]
    )
