"""Why somebody saw what they saw: a decision by its receipt, or one for somebody made up."""

import json
import math
from collections.abc import Iterator
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.sdk.receipts import Receipt, read_receipt
from byleave.segments import DefinitionError, read
from byleave.server.access import ANALYSTS
from byleave.server.commands.eligibility import reasons
from byleave.server.commands.personas import Persona, standing
from byleave.server.console.display import marked as _
from byleave.server.console.forms import Form
from byleave.server.console.previews import HOUR_MS, origin_of, preview
from byleave.server.console.routing import ConsolePage, PageCall
from byleave.server.lookups import Drawn, look_up
from byleave.server.receipt_keys import receipt_keys

_PATH: Final = "/console/why"
CONSENTS: Final = {
    "": _("nothing said"),
    "all": _("agreed to all"),
    "none": _("refused all"),
}
_NOT_OURS: Final = _("This is no receipt of this site, or it was damaged on its way.")
_NO_ADDRESS: Final = _("Write the whole address of a page, such as https://example.com/plans.")
_NO_LINE: Final = _("Mend this:")


async def show(call: PageCall) -> Response:
    """Show the two forms."""
    return _page(call, Form())


async def answer(call: PageCall) -> Response:
    """Look up a receipt, or decide for somebody made up."""
    form = Form(call.values)
    found: dict[str, Any] = {}
    if form.value("do") == "look":
        receipt = await run_in_threadpool(_receipt, call, form.value("receipt"))
        if receipt is None:
            form.faults["receipt"] = _NOT_OURS
        else:
            drawn = await run_in_threadpool(_drawn, call, receipt, form.value("visitor"))
            found = {"receipt": receipt, "drawn": drawn}
    elif (address := form.value("page")) and not origin_of(address):
        form.faults["page"] = _NO_ADDRESS
    else:
        try:
            found = await run_in_threadpool(_simulated, call, form)
        except DefinitionError as error:
            for fault in error.faults:
                name = str(fault.path[0]) if fault.path else "attributes"
                field = {"now": "at", "persona": "attributes"}.get(name, name)
                form.faults[field] = _NO_LINE
                form.details.setdefault(field, fault.message)
    return _page(call, form, status=200 if form.is_sound else 422, **found)


def _receipt(call: PageCall, text: str) -> Receipt | None:
    """Return the receipt that a text holds, of whatever age; None where it holds none."""
    service = call.service
    with service.storage.reading() as connection:
        keys = [each.key for each in receipt_keys(connection, service.site)]
    return read_receipt(text, keys, now_ms=service.clock(), lasts_ms=math.inf)


def _drawn(call: PageCall, receipt: Receipt, visitor: str) -> list[Drawn]:
    service = call.service
    with service.storage.reading() as connection:
        return look_up(
            connection,
            service.site,
            service.published.snapshot.definitions,
            receipt,
            visitor=visitor,
        )


def _simulated(call: PageCall, form: Form) -> dict[str, Any]:
    """Return what each slot shows somebody made up, and why, by what is in force.

    Raises:
        DefinitionError: Something that is said of them cannot be read.
    """
    service = call.service
    snapshot, decider = service.published.snapshot, service.published.decider
    definitions = snapshot.definitions
    said: dict[str, Any] = {
        "persona": form.value("name") or "persona",
        "consent": form.value("consent") or {},
        "attributes": dict(_attributes(form.value("attributes"))),
        "events": list(_events(form.value("events"))),
    }
    said |= {"now": form.value("at")} if form.value("at") else {}
    said |= {"region": form.value("region").upper()} if form.value("region") else {}
    persona = read(Persona, said)
    if faults := list(persona.faults(definitions)):
        raise DefinitionError(faults)
    stands = standing(persona, definitions, now_ms=service.clock(), decider=decider)
    decisions = decider.decide(stands.visitor, definitions.slots, now_ms=stands.now_ms)
    rows = {row.id: row for run in snapshot.runs.values() for row in run.allocations}
    shown = {
        slot: f"{decision.experiment}/{decision.variant}"
        for slot, decision in decisions.items()
        if decision.experiment is not None
    }
    address = form.value("page")
    return {
        "stands": stands,
        "preview": preview(call, address, shown, lasts_ms=HOUR_MS) if address else "",
        "slots": [
            (decision, reasons(decision, stands), rows.get(decision.allocation or ""))
            for decision in decisions.values()
        ],
        "trees": {key: stands.facts.explain(key).to_plain() for key in definitions.segments},
    }


def _attributes(text: str) -> Iterator[tuple[str, Any]]:
    """Yield what lines such as `industry: retail` say."""
    for line in filter(str.strip, text.splitlines()):
        name, _colon, value = line.partition(":")
        try:
            yield name.strip(), json.loads(value)
        except ValueError:
            yield name.strip(), value.strip()


def _events(text: str) -> Iterator[dict[str, str]]:
    """Yield what lines such as `sign_up, 3 days ago` say."""
    for line in filter(str.strip, text.splitlines()):
        name, comma, moment = line.partition(",")
        yield {"event": name.strip()} | ({"at": moment.strip()} if comma else {})


def _page(call: PageCall, form: Form, *, status: int = 200, **found: Any) -> Response:
    return call.page("why.html", status=status, form=form, consents=CONSENTS, **found)


PAGES: Final = (
    ConsolePage(
        path=_PATH,
        roles=ANALYSTS,
        handle=show,
        summary="Why somebody saw what they saw: by a receipt, or for somebody made up.",
    ),
    ConsolePage(
        path=_PATH,
        roles=ANALYSTS,
        handle=answer,
        summary="Look up a decision, or make one for somebody made up; nothing is counted.",
        method="POST",
    ),
)
