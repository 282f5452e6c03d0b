"""Who may read what: decided from declarations and consent alone, before any value is seen."""

from collections.abc import Collection
from typing import Literal

from byleave.segments.consent import Choice, Consent, Purpose
from byleave.segments.vocabulary import Attribute, Event, Source

#: On what it depends whether something may be read for one use: on nothing, on whether the use
#: is allowed, on whether the visitor chose it.
Access = Literal["always", "never", "allowed", "chosen"]


def access_to(attribute: Attribute, use: Purpose) -> Access:
    """Return on what it depends whether an attribute may be read for one use.

    What a request says of itself (a contextual attribute) needs no grant. A sensitive attribute
    needs the visitor's own choice in every region: silence never allows it.
    """
    if attribute.source is Source.REQUEST and not attribute.sensitive:
        return "never" if attribute.purposes and use not in attribute.purposes else "always"
    if use not in attribute.purposes:
        return "never"
    return "chosen" if attribute.sensitive else "allowed"


def may_read_attribute(
    attribute: Attribute,
    use: Purpose,
    *,
    consent: Consent,
    collected: Collection[Purpose] | None = None,
) -> bool:
    """Return whether an attribute may be read for one use.

    Args:
        attribute: The declaration.
        use: The one purpose of the condition that asks.
        consent: What the visitor agreed to.
        collected: The purposes under whose grant the value was collected; None stands for
            all that the attribute declares.
    """
    access = access_to(attribute, use)
    if access == "always":
        return True
    if access == "never" or (collected is not None and use not in collected):
        return False
    return consent.allows(use) if access == "allowed" else consent.choice(use) is Choice.GRANTED


def may_read_for_something(attribute: Attribute, *, consent: Consent) -> bool:
    """Return whether there is any use at all for which an attribute may be read."""
    return any(may_read_attribute(attribute, use, consent=consent) for use in Purpose)


def may_read_event(event: Event, use: Purpose, *, consent: Consent) -> bool:
    """Return whether the events of one kind may be recorded and read for one use."""
    return use in event.purposes and consent.allows(use)
