"""An experiment while it runs and after: paused, going on, stopped with a conclusion, archived."""

from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.server.access import EDITORS
from byleave.server.console import drafting
from byleave.server.console import experiments_form as drafts
from byleave.server.console.display import marked as _
from byleave.server.console.drafting import EXPERIMENTS, MEANWHILE
from byleave.server.console.experiments_life import CONCLUSIONS, ended, going_on, is_running
from byleave.server.console.experiments_publishing import publish
from byleave.server.console.experiments_screen import PATH, address, screen
from byleave.server.console.forms import Form
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import ConsolePage, PageCall, PageError


async def live(call: PageCall) -> Response:
    """Pause what runs, let it go on, stop it with a conclusion, or put it away."""
    form, service, key = Form(call.values), call.service, drafts.key_of(call)
    state = await run_in_threadpool(drafting.state, service, EXPERIMENTS, key)
    version, draft, current = await run_in_threadpool(drafts.looked_up, call)
    doing, reason = form.value("do"), form.value("live_reason")
    if current is None:
        raise PageError(404, *drafts.UNKNOWN)
    runs = is_running(service, key)
    if not 1 <= len(reason) <= 1_000:
        form.faults["live_reason"] = _("Say why in a sentence. It stands in the history.")
    if form.value("expected") != version:
        form.faults["live_reason"] = MEANWHILE
    if doing == "stop":
        form.chosen("conclusion", [*CONCLUSIONS], fault=_("Choose with what it ends."))
    if doing not in (("pause", "stop") if runs else ("resume", "stop", "archive")):
        form.faults["live_reason"] = _("That cannot be done as it stands now.")
    if form.is_sound:
        told = (
            f"{key}: {doing} ({form.value('conclusion')})"
            if doing == "stop"
            else (f"{key}: {doing}")
        )
        wanted: Any = None
        if doing == "resume":
            wanted = await run_in_threadpool(going_on, service, key, current)
        elif doing in ("pause", "stop"):
            wanted = ended(current, service.clock())
        stops = doing in ("pause", "stop")
        if fault := await publish(call, key, wanted, f"{told}: {reason}", is_stopping=stops):
            form.faults["live_reason"] = fault
    if not form.is_sound:
        shown = drafts.as_form(draft or current, zone=call.display.zone)
        drafting.hold(shown, state)
        values = {**shown.values, "live_reason": [reason], "conclusion": [form.value("conclusion")]}
        return await screen(call, Form(values, form.faults), status=422)
    return RedirectResponse(PATH if doing == "archive" else address(key), 303, SAFE)


PAGES: Final = (
    ConsolePage(
        path=f"{PATH}/{{draft}}/live",
        roles=EDITORS,
        handle=live,
        summary="Pause an experiment, let it go on, stop it with a conclusion, or archive it.",
        method="POST",
    ),
)
