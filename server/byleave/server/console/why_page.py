"""Why somebody saw what they saw: a decision by its receipt, or one for somebody made up."""

import math
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.sdk.receipts import Receipt, read_receipt
from byleave.segments.consent.purposes import CHOOSABLE
from byleave.server.access import ANALYSTS, EDITORS
from byleave.server.console import personas_form, personas_view
from byleave.server.console.display import marked as _
from byleave.server.console.forms import Form
from byleave.server.console.previews import NO_ADDRESS, origin_of
from byleave.server.console.routing import ConsolePage, PageCall, PageError
from byleave.server.lookups import DrawnArm, look_up
from byleave.server.receipt_keys import receipt_keys

PATH: Final = "/console/why"
_NOT_OURS: Final = _("This is no receipt of this site, or it was damaged on its way.")
_NOBODY: Final = (
    _("There is no such persona"),
    _("Somebody may have removed it. The list of saved personas shows who there is."),
)


async def show(call: PageCall) -> Response:
    """Show the two forms; with a saved persona, also what is decided for them."""
    query = call.request.query_params
    held = {name: [query.get(name, "")] for name in ("page", "as_drafted")}
    name = query.get("persona", "")
    if not name:
        return await page(call, Form(held))
    saved = await run_in_threadpool(call.service.personas.find, name)
    if saved is None:
        raise PageError(404, *_NOBODY)
    form = personas_form.as_form(name, saved.said)
    form.values = {**form.values, **held, "persona": [name], "saved": [saved.state]}
    return await _decided(call, form)


async def answer(call: PageCall) -> Response:
    """Look up a receipt, or decide for somebody made up."""
    form = Form(call.values)
    if form.value("do") != "look":
        return await _decided(call, form)
    receipt = await run_in_threadpool(_receipt, call, form.value("receipt"))
    if receipt is None:
        form.faults["receipt"] = _NOT_OURS
        return await page(call, form, status=422)
    drawn = await run_in_threadpool(_drawn, call, receipt, form.value("visitor"))
    return await page(call, form, receipt=receipt, drawn=drawn)


async def page(call: PageCall, form: Form, *, status: int = 200, **found: Any) -> Response:
    """Return the page with both forms, and what was found."""
    return call.page(
        "why.html",
        status=status,
        form=form,
        consents=personas_form.CONSENTS,
        purposes=CHOOSABLE,
        personas=await run_in_threadpool(call.service.personas.all),
        drafts=await run_in_threadpool(personas_view.offered_drafts, call),
        may_save=call.role in EDITORS,
        **found,
    )


async def _decided(call: PageCall, form: Form) -> Response:
    """Decide for the persona of a form."""
    if (address := form.value("page")) and not origin_of(address):
        form.faults["page"] = NO_ADDRESS
    persona = personas_form.checked(form, call.service.published.snapshot.definitions)
    found = {}
    if persona is not None:
        found = await run_in_threadpool(personas_view.view, call, form, persona)
    return await page(call, form, status=200 if form.is_sound else 422, **found)


def _receipt(call: PageCall, text: str) -> Receipt | None:
    """Return the receipt that a text holds, of whatever age; None where it holds none."""
    service = call.service
    with service.storage.reading() as connection:
        keys = [each.key for each in receipt_keys(connection, service.site)]
    return read_receipt(text, keys, now_ms=service.clock(), lasts_ms=math.inf)


def _drawn(call: PageCall, receipt: Receipt, visitor: str) -> list[DrawnArm]:
    service = call.service
    with service.storage.reading() as connection:
        return look_up(
            connection,
            service.site,
            service.published.snapshot.definitions,
            receipt,
            visitor=visitor,
        )


PAGES: Final = (
    ConsolePage(
        path=PATH,
        roles=ANALYSTS,
        handle=show,
        summary="Why somebody saw what they saw: by a receipt, or for somebody made up.",
    ),
    ConsolePage(
        path=PATH,
        roles=ANALYSTS,
        handle=answer,
        summary="Look up a decision, or make one for somebody made up; nothing is counted.",
        method="POST",
    ),
)
