"""The draft of an experiment: shown, kept, published for review, launched, thrown away."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.server.access import EDITORS
from byleave.server.console import drafting
from byleave.server.console import experiments_form as drafts
from byleave.server.console.display import marked as _
from byleave.server.console.drafting import EXPERIMENTS, MEANWHILE
from byleave.server.console.experiments_checks import checks
from byleave.server.console.experiments_life import may_review
from byleave.server.console.experiments_publishing import RED, publish
from byleave.server.console.experiments_screen import PATH, address, screen
from byleave.server.console.forms import Form
from byleave.server.console.previews import is_page
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import ConsolePage, PageCall
from byleave.server.errors import ConflictError, ManagedError
from byleave.server.service import Service

_NO_PAGE: Final = _("Write the whole address of a page, or its path, such as /pricing.")
_WHY: Final = _("Say in a sentence what you expect, and why. It stands in the history.")


async def show(call: PageCall) -> Response:
    """Show the second screen: the form, the checklist, previews, and what may be done."""
    state = await run_in_threadpool(drafting.state, call.service, EXPERIMENTS, drafts.key_of(call))
    _version, draft, current = await run_in_threadpool(drafts.looked_up, call)
    form = drafts.as_form(draft or current or {}, zone=call.display.zone)
    asked = {name: [call.request.query_params.get(name, "")] for name in ("page", "days")}
    drafting.hold(form, state)
    form = Form({**form.values, **asked})
    if (page := form.value("page")) and not is_page(page):
        form.faults["page"] = _NO_PAGE
    return await screen(call, form, status=200 if form.is_sound else 422)


async def change(call: PageCall) -> Response:
    """Keep a draft; publish it too, for review or to launch it, where the checklist is green."""
    form, service, key = Form(call.values), call.service, drafts.key_of(call)
    version, draft, current = await run_in_threadpool(drafts.looked_up, call)
    doing = form.value("do")
    if doing == "discard":
        try:
            if draft is not None:
                over = drafting.held(form)
                await run_in_threadpool(drafting.drop, call, EXPERIMENTS, key, over=over)
        except ConflictError:
            return await _moved(call, form)
        return RedirectResponse(address(key) if current else PATH, 303, SAFE)
    drafts.tell_names(form)
    if not form.is_sound:
        return await screen(call, form, status=422)
    slot = service.published.snapshot.definitions.slots.get(form.value("slot"))
    wanted = drafts.written(form, draft or current or {}, slot.fields if slot else {})
    try:
        over = drafting.held(form)
        state = await run_in_threadpool(drafting.keep, call, EXPERIMENTS, key, wanted, over=over)
    except ConflictError:
        return await _moved(call, form)
    except ManagedError:
        form.faults["checks"] = drafts.FILES
        return await screen(call, form, status=409)
    drafting.hold(form, state)
    if doing not in ("review", "launch"):
        return RedirectResponse(address(key), 303, SAFE)
    if doing == "review":  # in the snapshot, so that a preview shows it; nobody is enrolled
        wanted = {**wanted, "traffic": 0, "ramp": []}
    reason = form.value("reason")
    if not 1 <= len(reason) <= 1_000:
        form.faults["reason"] = _WHY
    elif doing == "review" and not may_review(service, key, current):
        form.faults["reason"] = _("It runs, and this would end its run. Pause it first.")
    elif doing == "launch" and await run_in_threadpool(_is_red, service, key, wanted):
        form.faults["checks"] = RED
    if not form.is_sound:
        return await screen(call, form, status=422)
    told = f"{key} for review: {reason}" if doing == "review" else f"{key} is launched: {reason}"
    if form.value("expected") != version:
        form.faults["reason"] = MEANWHILE
    elif fault := await publish(call, key, wanted, told):
        form.faults["checks"] = fault
    if not form.is_sound:
        return await screen(call, form, status=409)
    if doing == "launch":
        over = drafting.held(form)
        await run_in_threadpool(drafting.drop_published, call, EXPERIMENTS, key, over=over)
    return RedirectResponse(address(key), 303, SAFE)


async def _moved(call: PageCall, form: Form) -> Response:
    """Say that the draft was changed meanwhile, with all that was typed."""
    await run_in_threadpool(drafting.tell_moved, call, form, EXPERIMENTS, drafts.key_of(call))
    return await screen(call, form, status=409)


def _is_red(service: Service, key: str, wanted: Mapping[str, Any]) -> bool:
    _newest, definitions = drafting.in_force(service)
    found = checks(service, key, drafting.laid_over(definitions, EXPERIMENTS, key, wanted))
    return any(each.blocks and not each.is_met for each in found)


PAGES: Final = (
    ConsolePage(
        path=f"{PATH}/{{draft}}",
        roles=EDITORS,
        handle=show,
        summary="An experiment as it is drafted: form, checklist, previews, and what may be done.",
    ),
    ConsolePage(
        path=f"{PATH}/{{draft}}",
        roles=EDITORS,
        handle=change,
        summary="Keep a draft, publish it for review, or launch it.",
        method="POST",
    ),
)
