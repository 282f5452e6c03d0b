"""Who may read what: decided from declarations and consent alone, before any value is seen."""

from collections.abc import Collection

from byleave.segments.consent import Choice, Consent, Purpose
from byleave.segments.vocabulary import Attribute, Event, Source


def may_read_attribute(
    attribute: Attribute,
    use: Purpose,
    *,
    consent: Consent,
    collected: Collection[Purpose] | None = None,
) -> bool:
    """Return whether an attribute may be read for one use.

    What a request says of itself (a contextual attribute) needs no grant. A sensitive
    attribute needs the visitor's own choice in every region: silence never allows it.

    Args:
        attribute: The declaration.
        use: The one purpose of the condition that asks.
        consent: What the visitor agreed to.
        collected: The purposes under whose grant the value was collected; None stands for
            all that the attribute declares.
    """
    if attribute.source is Source.REQUEST and not attribute.sensitive:
        return not attribute.purposes or use in attribute.purposes
    if use not in attribute.purposes or (collected is not None and use not in collected):
        return False
    if attribute.sensitive:
        return consent.choice(use) is Choice.GRANTED
    return consent.allows(use)


def may_read_event(event: Event, use: Purpose, *, consent: Consent) -> bool:
    """Return whether the events of one kind may be recorded and read for one use."""
    return use in event.purposes and consent.allows(use)
