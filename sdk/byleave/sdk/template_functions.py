"""What the site's templates may ask, whichever engine they are written for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from markupsafe import Markup

from byleave.experiments import Decision
from byleave.experiments.definitions import VariantKind
from byleave.sdk.current import CURRENT
from byleave.sdk.failures import report
from byleave.sdk.journey import JourneyShown, shown
from byleave.sdk.rewriter import mark
from byleave.sdk.visit import Visit
from byleave.sdk.why import control
from byleave.segments import Scalar, suggestion

if TYPE_CHECKING:  # loaded only where a menu may change
    from byleave.sdk.navigation import Navigation

_Shown = TypeVar("_Shown")


def marks(slot: str) -> tuple[Markup, Markup]:
    """Return the signed comments around a slot's default.

    They are empty where no middleware is, none of the site's experiments fills the slot, or it
    stands inside a variant, where nobody would take them out again. An unknown slot is told to
    the developers once.
    """
    visit = CURRENT.get()
    if visit is None or visit.decider is None or visit.is_rendering:
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


def why_control() -> Markup:
    """Return the control "Why am I seeing this?", with the way to the standard site.

    Nothing where the visitor sees what everybody sees. Like `why_this` it decides the page.
    """
    visit = _asked()
    found = None if visit is None else _tried(control, visit)
    return found or Markup()


def data(slot: str) -> object:
    """Return the `data` of the variant that a slot shows; None for the site's own content.

    Asking for it serves the slot: it counts as an exposure, in the control as in any arm.
    """
    visit = _asked()
    return None if visit is None else visit.slots.data(slot)


def personalise_nav(slot: str, links: Sequence[Mapping[str, Any]]) -> Navigation:
    """Return a list of links as this visitor is shown it, for a template that prints it itself.

    Asking for it serves the slot, as `data` does.

    Args:
        slot: A slot of kind `navigation`.
        links: The site's own, each with `href` and `label`, and whatever else the site likes.
    """
    from byleave.sdk.navigation import Navigation, personal_links  # where a menu may change

    own = Navigation(links=tuple(links))
    visit = _asked()
    if visit is None or visit.decider is None:
        return own
    known_slots = visit.decider.snapshot.definitions.slots
    if slot not in known_slots:
        visit.site.warn_once(f"unknown slot {slot!r}.{suggestion(slot, known_slots)}")
        return own

    def show(visit: Visit) -> Navigation | None:
        operations = visit.slots.content(slot, VariantKind.NAV)
        return operations and personal_links(
            own.links,
            operations,
            current_path=visit.path,
            promote_at_most=known_slots[slot].promote_at_most,
            may_reorder=known_slots[slot].reorder,
            label=visit.site.renderer.promoted_label(),
        )

    return _tried(show, visit) or own


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
    return visit.known(attribute)


def journey(key: str) -> JourneyShown | None:
    """Return where the visitor is in a journey; printed, it is an accessible list of its steps.

    Its `steps`, `next`, `share` and `count` are there for markup of the site's own.
    """
    visit = _asked()
    return None if visit is None else _tried(shown, visit, key)


#: What templates of every engine can call.
FUNCTIONS: Final = (why_this, why_control, decisions, data, personalise_nav, known, journey)


def _asked() -> Visit | None:
    """Return the visit of a page that is no longer the same for everybody."""
    visit = CURRENT.get()
    if visit is None or visit.is_over or visit.decider is None:
        return None
    visit.is_personal = True
    return visit


def _tried(show: Callable[..., _Shown], *given: object) -> _Shown | None:
    """Return what is to be shown; None where it fails, because a page must not."""
    try:
        return show(*given)
    except Exception as error:
        report("part of a page not shown", error)
        return None
