"""The first admin of a site, made by whoever has the link that the server printed."""

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.server.console.display import marked as _
from byleave.server.console.forms import Form
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import SIGN_IN, ConsolePage, PageCall, PageError
from byleave.server.errors import ForbiddenError
from byleave.server.keys import Role
from byleave.server.links import may_be_first
from byleave.server.people import LONGEST, SHORTEST

_PATH: Final = "/console/first-admin"
_OVER: Final = (
    _("This link does not work any more"),
    _("It works once, for an hour. Sign in, or start the server again for a new one."),
)
_ADDRESS: Final = _("Expected an address such as ann@example.com.")
_PASSWORD: Final = _("Expected a password of 12 to 256 characters.")
_DIFFERENT: Final = _("The two passwords differ. Type them again.")


async def show(call: PageCall) -> Response:
    """Show the form to whoever has the link, as long as there is nobody."""
    leave = await _leave(call, call.request.query_params.get("leave", ""))
    return call.page("first_admin.html", form=Form.holding(leave=leave))


async def make(call: PageCall) -> Response:
    """Make the first admin, and let them sign in."""
    form = Form(call.values)
    await _leave(call, form.value("leave"))
    password, again = (next(iter(form.values.get(name, ())), "") for name in ("password", "again"))
    if not SHORTEST <= len(password) <= LONGEST:
        form.faults["password"] = _PASSWORD
    elif password != again:
        form.faults["again"] = _DIFFERENT
    else:
        people = call.service.people
        try:
            await run_in_threadpool(
                people.put,
                form.value("email"),
                Role.ADMIN,
                password,
                author="first admin",
                is_first=True,
            )
        except ForbiddenError as error:
            if await run_in_threadpool(people.is_anybody):
                raise PageError(410, *_OVER) from error
            form.faults["email"] = _ADDRESS
    if not form.is_sound:
        return call.page("first_admin.html", status=422, form=form)
    return RedirectResponse(f"{SIGN_IN}?first=yes", 303, SAFE)


async def _leave(call: PageCall, leave: str) -> str:
    service = call.service
    is_anybody = await run_in_threadpool(service.people.is_anybody)
    if is_anybody or not may_be_first(service.site, leave, now_ms=service.clock()):
        raise PageError(410, *_OVER)
    return leave


PAGES: Final = (
    ConsolePage(
        path=_PATH, roles=None, handle=show, summary="The form for the first admin of a site."
    ),
    ConsolePage(
        path=_PATH, roles=None, handle=make, summary="Makes the first admin.", method="POST"
    ),
)
