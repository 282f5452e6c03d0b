"""What the site's templates may ask, whichever engine they are written for."""

from collections.abc import Mapping

from markupsafe import Markup

from byleave.experiments import Decision
from byleave.sdk.rewriter import mark
from byleave.sdk.visit import CURRENT, Visit
from byleave.segments import Purpose, Scalar, suggestion
from byleave.segments.access import may_read_attribute


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
    visit = _asked()
    return "" if visit is None else visit.slots.because(slot)


def decisions() -> Mapping[str, Decision]:
    """Return what each slot of the site shows this visitor, for the body of a page.

    It is empty where nothing is decided in this process. Reading a decision counts for nothing;
    what counts is a slot on the page.
    """
    visit = _asked()
    return {} if visit is None else visit.slots.decisions


def known(attribute: str) -> Scalar | None:
    """Return what is known of the visitor and may be used to personalise; else None.

    A form can leave out what it need not ask. Only values that the request or the site's own
    `attributes` tell are known, never a default.
    """
    visit = _asked()
    if visit is None or visit.decider is None:
        return None
    declared = visit.decider.snapshot.definitions.attributes
    if attribute not in declared:
        visit.site.warn_once(f"unknown attribute {attribute!r}.{suggestion(attribute, declared)}")
        return None
    use = Purpose.PERSONALISATION
    if not may_read_attribute(declared[attribute], use, consent=visit.consent):
        return None
    return visit.attributes.get(attribute)


def _asked() -> Visit | None:
    """Return the visit of a page that is no longer the same for everybody."""
    visit = CURRENT.get()
    if visit is None or visit.decider is None:
        return None
    visit.is_personal = True
    return visit
