"""Signing in and out."""

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.server.access import READERS, cookie_name
from byleave.server.console.display import marked as _
from byleave.server.console.forms import Form, own_path
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import SIGN_IN, ConsolePage, PageCall
from byleave.server.errors import ThrottledError
from byleave.server.people import LONGEST_MS

_HOME: Final = "/console"
_WRONG: Final = _("The address and the password do not belong together. Try them again.")
_TOO_MANY: Final = _("There were too many attempts. Wait a quarter of an hour, then try again.")


async def show(call: PageCall) -> Response:
    """Show the form; somebody who is signed in goes on at once."""
    wanted = call.request.query_params.get("next", "")
    if call.token:
        return RedirectResponse(own_path(wanted, instead=_HOME), 303, SAFE)
    return call.page("sign_in.html", form=Form.holding(next=wanted))


async def sign_in(call: PageCall) -> Response:
    """Start a session, and go to the page that was wanted."""
    form = Form(call.values)
    password = next(iter(form.values.get("password", ())), "")
    source = call.request.client.host if call.request.client else ""
    try:
        session = await run_in_threadpool(
            call.service.people.sign_in, form.value("email"), password, source=source
        )
    except ThrottledError as error:
        form.faults["email"] = _TOO_MANY
        answer = call.page("sign_in.html", status=429, form=form)
        answer.headers["Retry-After"] = str(error.after_s)
        return answer
    if session is None:
        form.faults["email"] = _WRONG
        return call.page("sign_in.html", status=422, form=form)
    before = call.request.cookies.get(cookie_name(call.request))
    if before is not None:
        await run_in_threadpool(call.service.people.sign_out, before)
    answer = RedirectResponse(own_path(form.value("next"), instead=_HOME), 303, SAFE)
    answer.set_cookie(
        cookie_name(call.request),
        session,
        max_age=LONGEST_MS // 1_000,
        path="/",
        secure=call.request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


async def sign_out(call: PageCall) -> Response:
    """End the session."""
    session = call.principal and call.principal.session
    if session:
        await run_in_threadpool(call.service.people.sign_out, session)
    answer = RedirectResponse(SIGN_IN, 303, SAFE)
    answer.delete_cookie(
        cookie_name(call.request),
        path="/",
        secure=call.request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


PAGES: Final = (
    ConsolePage(path=SIGN_IN, roles=None, handle=show, summary="The form to sign in with."),
    ConsolePage(
        path=SIGN_IN, roles=None, handle=sign_in, summary="Starts a session.", method="POST"
    ),
    ConsolePage(
        path="/console/sign-out",
        roles=READERS,
        handle=sign_out,
        summary="Ends the session.",
        method="POST",
    ),
)
