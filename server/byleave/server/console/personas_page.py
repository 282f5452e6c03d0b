"""The saved personas: who there is, saving one, and removing one."""

from typing import Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.experiments import Definitions
from byleave.segments.naming import NAME_RULE, is_name
from byleave.server.access import ANALYSTS, EDITORS
from byleave.server.console import personas_form, why_page
from byleave.server.console.display import marked as _
from byleave.server.console.forms import Form
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import ConsolePage, PageCall
from byleave.server.errors import ConflictError, ForbiddenError, UnknownNameError
from byleave.server.personas import SavedPersona

_PATH: Final = f"{why_page.PATH}/personas"
_TAKEN: Final = _(
    "Nothing was saved, and what you typed is still here: there is one of this name. If yours "
    "should take its place, save once more; or choose another name. It was saved by:"
)
_GONE: Final = _(
    "Nothing was saved, and what you typed is still here: this persona was removed meanwhile. To "
    "have it back, save once more."
)
_MOVED: Final = _("It was changed meanwhile. Look at it again. It was saved by:")
_FULL: Final = _("It cannot be saved, for too much is said of it, or there are too many already.")


async def show(call: PageCall) -> Response:
    """Show who there is."""
    return await _list(call, Form())


async def save(call: PageCall) -> Response:
    """Save somebody made up, and go on to what they would see."""
    form, personas = Form(call.values), call.service.personas
    name = form.value("name")
    if not is_name(name):
        form.faults["name"] = NAME_RULE
    personas_form.checked(form, call.service.published.snapshot.definitions)
    if not form.is_sound:
        return await why_page.page(call, form, status=422)
    over = form.value("saved") if name == form.value("persona") else ""
    said = personas_form.said(form)
    try:
        await run_in_threadpool(personas.put, name, said, author=call.author, over=over)
    except ConflictError:
        found = await run_in_threadpool(personas.find, name)
        _tell_moved(form, name, found)
        return await why_page.page(call, form, status=409)
    except ForbiddenError as error:
        form.faults["name"] = _FULL
        form.details["name"] = str(error)
        return await why_page.page(call, form, status=422)
    return RedirectResponse(f"{why_page.PATH}?persona={quote(name, safe='')}", 303, SAFE)


async def remove(call: PageCall) -> Response:
    """Remove one, once it is confirmed."""
    form, personas = Form(call.values), call.service.personas
    name, state = form.value("remove"), form.value("saved")
    found = await run_in_threadpool(personas.find, name)
    if found is not None and found.state == state and not form.value("sure"):
        return call.page("persona_removal.html", persona=found)
    try:
        await run_in_threadpool(personas.remove, name, author=call.author, over=state)
    except ConflictError:
        form.faults["remove"] = _MOVED
        form.details["remove"] = found.author if found else ""
        return await _list(call, form, status=409)
    except UnknownNameError:
        form.faults["remove"] = _("There is no such persona any more.")
        return await _list(call, form, status=422)
    return RedirectResponse(_PATH, 303, SAFE)


def _tell_moved(form: Form, name: str, found: SavedPersona | None) -> None:
    """Say what stands there now; the form then holds it, so that it is replaced knowingly."""
    form.faults["name"] = _GONE if found is None else _TAKEN
    if found is not None:
        form.details["name"] = found.author
    state = "" if found is None else found.state
    form.values = {**form.values, "persona": [name], "saved": [state]}


async def _list(call: PageCall, form: Form, *, status: int = 200) -> Response:
    definitions = call.service.published.snapshot.definitions
    found = await run_in_threadpool(call.service.personas.all)
    return call.page(
        "personas.html",
        status=status,
        form=form,
        personas=[(each, _fault(each, definitions)) for each in found],
        may_save=call.role in EDITORS,
    )


def _fault(saved: SavedPersona, definitions: Definitions) -> str:
    """Return what the definitions do not have any more that is said of a persona."""
    form = personas_form.as_form(saved.persona, saved.said)
    personas_form.checked(form, definitions)
    return " ".join(form.details.values())


PAGES: Final = (
    ConsolePage(path=_PATH, roles=ANALYSTS, handle=show, summary="The saved personas."),
    ConsolePage(
        path=_PATH,
        roles=EDITORS,
        handle=save,
        summary="Save somebody made up, by name.",
        method="POST",
    ),
    ConsolePage(
        path=f"{_PATH}/remove",
        roles=EDITORS,
        handle=remove,
        summary="Remove a saved persona.",
        method="POST",
    ),
)
