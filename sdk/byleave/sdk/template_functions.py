"""What the site's templates may ask, whichever engine they are written for."""

from markupsafe import Markup

from byleave.sdk.rewriter import mark
from byleave.sdk.visit import CURRENT
from byleave.segments import suggestion


def marks(slot: str) -> tuple[Markup, Markup]:
    """Return the signed comments around a slot's default.

    They are empty where no middleware is, or none of the site's experiments fills the slot. An
    unknown slot is told to the developers once.
    """
    visit = CURRENT.get()
    if visit is None or visit.decider is None:
        return Markup(), Markup()
    if slot not in visit.slots.names:
        known = visit.decider.snapshot.definitions.slots
        if slot not in known:
            visit.site.warn_once(f"unknown slot {slot!r}.{suggestion(slot, known)}")
        return Markup(), Markup()
    # Slots are named by the site's definitions and signed by its key: nothing to escape.
    before, after = mark(slot, visit.site.mark_keys[0])
    return Markup(before), Markup(after)  # noqa: S704


def why_this(slot: str) -> str:
    """Return why a slot is different for this visitor, in a sentence that they can read.

    Empty where they see what everybody sees. Asking decides the page, so it is for the body of
    a page and not for parts that a site caches.
    """
    visit = CURRENT.get()
    return visit.slots.because(slot) if visit is not None and visit.is_active else ""
