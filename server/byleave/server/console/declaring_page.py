"""What segments may look at: events and attributes are declared here, and from then on known.

What a site's pages and requests tell by themselves is declared at the press of a button; an event
that the site's own code records, by a form. Nothing is collected by that: collection begins when
something that is published reads it.
"""

from collections.abc import Mapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.segments import Fault, Purpose
from byleave.segments.consent.purposes import CHOOSABLE
from byleave.server.access import EDITORS
from byleave.server.console import drafting
from byleave.server.console.display import marked as _
from byleave.server.console.forms import Form
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import ConsolePage, PageCall
from byleave.server.errors import ConflictError

_PATH: Final = "/console/declare"
EVENTS: Final = "events"
ATTRIBUTES: Final = "attributes"

#: What every request tells, with its type.
OF_REQUESTS: Final[Mapping[str, str]] = {
    "campaign": "string",
    "country": "string",
    "device": "string",
    "hour": "number",
    "language": "string",
    "path": "string",
    "referrer_host": "string",
}
#: What pages tell by themselves, with its properties.
OF_PAGES: Final[Mapping[str, Mapping[str, str]]] = {
    "page_view": {"path": "string"},
    "search": {},
    "form_start": {"form": "string"},
    "form_submit": {"form": "string"},
    "form_abandon": {"form": "string"},
    "scroll": {"depth": "number"},
    "dwell": {"seconds": "number"},
}
#: How long an event may be kept, by what definitions write for it.
LIVES: Final = {
    "7d": _("7 days"),
    "30d": _("30 days"),
    "90d": _("90 days"),
    "400d": _("400 days"),
}
_USES: Final = (Purpose.PERSONALISATION, Purpose.ANALYTICS)
_TAKEN: Final = _("There is one of this name already.")
_NO_PURPOSE: Final = _("Choose at least one: without a purpose nothing may be collected.")
_NO_LIFE: Final = _("Choose how long it may be kept.")
_PROPERTIES: Final = _(
    "Expected a name and a kind each, and each name once, such as: amount number, plan string."
)
_FIELDS: Final = ("ttl", "purposes", "properties")


async def show(call: PageCall) -> Response:
    """Show what may be declared, and what is."""
    form = Form({"ttl": ("30d",), "purposes": tuple(map(str, _USES))})
    return await run_in_threadpool(_page, call, form)


async def declare(call: PageCall) -> Response:
    """Publish the declaration of an event or an attribute."""
    return await run_in_threadpool(_declared, call, Form(call.values))


def _declared(call: PageCall, form: Form) -> Response:
    known = form.value("known")
    section = ATTRIBUTES if known in OF_REQUESTS else EVENTS
    key = known or form.value("name")
    declaration = _known(known) if known in OF_REQUESTS or known in OF_PAGES else _own(form)
    version, definitions = drafting.in_force(call.service)
    if any(key in definitions.get(kind, {}) for kind in (EVENTS, ATTRIBUTES)):
        form.faults["name"] = _TAKEN
    if form.is_sound:
        wanted = drafting.laid_over(definitions, section, key, declaration)
        _tell(form, drafting.all_faults(call.service, wanted), (section, key))
    if form.is_sound:
        try:
            drafting.publish(
                call.service,
                section,
                key,
                declaration,
                expected=version,
                reason=f"{key} is declared",
                author=call.author,
            )
        except ConflictError:
            form.faults["name"] = drafting.MEANWHILE
            return _page(call, form, status=409)
    if not form.is_sound:
        return _page(call, form, status=422)
    return RedirectResponse(f"{_PATH}#declared", 303, SAFE)


def _known(name: str) -> dict[str, Any]:
    """Return the declaration of what requests and pages tell by themselves."""
    if name in OF_REQUESTS:
        return {"type": OF_REQUESTS[name], "source": "request"}
    return {"properties": dict(OF_PAGES[name]), "purposes": [*map(str, _USES)], "ttl": "30d"}


def _own(form: Form) -> dict[str, Any]:
    """Return the declaration of an event that the site's own code records."""
    purposes = [each for each in form.values.get("purposes", ()) if each in CHOOSABLE]
    if not purposes:
        form.faults["purposes"] = _NO_PURPOSE
    pairs = [each.split() for each in form.value("properties").split(",") if each.strip()]
    if not all(len(pair) == 2 for pair in pairs) or len({pair[0] for pair in pairs}) < len(pairs):
        form.faults["properties"] = _PROPERTIES
        pairs = []
    return {
        "properties": dict(pairs),
        "purposes": purposes,
        "ttl": form.chosen("ttl", [*LIVES], fault=_NO_LIFE),
    }


def _tell(form: Form, faults: list[Fault], place: tuple[str, str]) -> None:
    """Put faults to the fields in which they are mended."""
    for fault in faults:
        is_own = tuple(fault.path[:2]) == place
        part = str(fault.path[2]) if is_own and len(fault.path) > 2 else ""
        field = part if part in _FIELDS else "name"
        form.faults.setdefault(field, _("Mend this:"))
        form.details.setdefault(field, fault.message if is_own else str(fault))


def _page(call: PageCall, form: Form, *, status: int = 200) -> Response:
    _version, definitions = drafting.in_force(call.service)
    declared = {kind: definitions.get(kind, {}) for kind in (EVENTS, ATTRIBUTES)}
    taken = {name for names in declared.values() for name in names}
    return call.page(
        "declaring.html",
        status=status,
        form=form,
        of_pages=[name for name in OF_PAGES if name not in taken],
        of_requests=[name for name in OF_REQUESTS if name not in taken],
        declared=sorted(taken),
        purposes=[*map(str, CHOOSABLE)],
        lives=LIVES,
    )


PAGES: Final = (
    ConsolePage(
        path=_PATH, roles=EDITORS, handle=show, summary="What segments may look at, and could."
    ),
    ConsolePage(
        path=_PATH,
        roles=EDITORS,
        handle=declare,
        summary="Declare an event or an attribute.",
        method="POST",
    ),
)
