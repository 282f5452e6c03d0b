"""The drafts of experiments, and the first screen of a new one: what it is."""

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.segments.naming import NAME_RULE, is_name
from byleave.server.access import EDITORS
from byleave.server.console import drafting
from byleave.server.console import experiments_form as drafts
from byleave.server.console.display import marked as _
from byleave.server.console.drafting import EXPERIMENTS
from byleave.server.console.experiments_screen import PATH, address
from byleave.server.console.forms import Form
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import ConsolePage, PageCall
from byleave.server.errors import ConflictError

_TAKEN: Final = _("There is one of this name already. Choose another.")


async def show_drafts(call: PageCall) -> Response:
    """Show what is written and not published yet."""
    found = await run_in_threadpool(call.service.library.drafts)
    return call.page("drafts.html", drafts=found)


async def show_new(call: PageCall) -> Response:
    """Show the first screen."""
    audience = call.request.query_params.get("audience", "")
    return _first(call, Form.holding(audience=audience), 200)


async def create(call: PageCall) -> Response:
    """Begin a draft, and go on to the second screen."""
    form, service = Form(call.values), call.service
    defined = service.published.snapshot.definitions
    key = form.value("key")
    drafted = await run_in_threadpool(drafting.drafted, service, EXPERIMENTS, key)
    taken = key in defined.experiments or drafted is not None
    if not is_name(key):
        form.faults["key"] = NAME_RULE
    elif taken or key == "new":
        form.faults["key"] = _TAKEN
    form.chosen("slot", [*defined.slots], fault=_("Choose where it shows."))
    form.chosen("audience", ["", *defined.segments], fault=_("Choose whom it is for."))
    form.chosen("goal", [*defined.goals], fault=_("Choose what it is judged by."))
    if not form.is_sound:
        return _first(call, form, 422)
    begun = drafts.begun(form)
    try:
        await run_in_threadpool(drafting.keep, call, EXPERIMENTS, key, begun, over="")
    except ConflictError:
        form.faults["key"] = _TAKEN
        return _first(call, form, 409)
    return RedirectResponse(address(key), 303, SAFE)


def _first(call: PageCall, form: Form, status: int) -> Response:
    defined = call.service.published.snapshot.definitions
    return call.page("experiment_new.html", status=status, form=form, defined=defined)


PAGES: Final = (
    ConsolePage(path=PATH, roles=EDITORS, handle=show_drafts, summary="What is not published yet."),
    ConsolePage(
        path=f"{PATH}/new", roles=EDITORS, handle=show_new, summary="A new experiment: what it is."
    ),
    ConsolePage(
        path=f"{PATH}/new",
        roles=EDITORS,
        handle=create,
        summary="Begin the draft of an experiment.",
        method="POST",
    ),
)
