"""Signing in, by a password or by a provider of OpenID Connect, and out."""

import logging
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.server.access import READERS, cookie_name
from byleave.server.console.display import marked as _
from byleave.server.console.forms import Form, own_path
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import SIGN_IN, ConsolePage, PageCall
from byleave.server.errors import ThrottledError
from byleave.server.oidc import LASTS_MS, ForeignError, MadeUpError, Provider, ProviderError
from byleave.server.people import LONGEST_MS

_log = logging.getLogger("byleave.server")

_HOME: Final = "/console"
#: Where the provider sends browsers back to.
BACK: Final = f"{SIGN_IN}/provider/back"

_NOT_ADDED: Final = _("An admin has to add you first, by the address that your provider knows.")
_NOT_SAID: Final = _(
    "Your provider did not say who you are. Begin again; if that does not help, ask an admin."
)
_WRONG: Final = _("The address and the password do not belong together. Try them again.")
_TOO_MANY: Final = _("There were too many attempts. Try again after so many seconds:")


async def show(call: PageCall) -> Response:
    """Show the form; somebody who is signed in goes on at once."""
    wanted = call.request.query_params.get("next", "")
    if call.token:
        return RedirectResponse(own_path(wanted, instead=_HOME), 303, SAFE)
    return _form(call, Form.holding(next=wanted), is_first="first" in call.request.query_params)


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
        form.details["email"] = str(error.after_s)
        return _form(call, form, status=429, retry_s=error.after_s)
    if session is None:
        form.faults["email"] = _WRONG
        return _form(call, form, status=422)
    return await _signed_in(call, session, form.value("next"))


async def ask_provider(call: PageCall) -> Response:
    """Send the browser to the provider, with a cookie that it brings back from there."""
    provider, wanted = provider_of(call), call.request.query_params.get("next", "")
    if provider is None:
        return RedirectResponse(SIGN_IN, 303, SAFE)
    try:
        begun = await provider.begin(_back(call), wanted)
    except ProviderError as error:
        return _unknown(call, wanted, error)
    answer = RedirectResponse(begun.url, 303, SAFE)
    answer.set_cookie(
        _pending(call),
        begun.cookie,
        max_age=LASTS_MS // 1_000,
        path="/",
        secure=call.request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


async def take_answer(call: PageCall) -> Response:
    """Start a session of whoever comes back from the provider, if an admin has added them."""
    provider, people = provider_of(call), call.service.people
    if provider is None:
        return RedirectResponse(SIGN_IN, 303, SAFE)
    source = call.request.client.host if call.request.client else ""
    whoever = f"{provider.name} {source}"
    cookie = call.request.cookies.get(_pending(call), "")
    session, wanted, refusal = None, "", None
    try:
        await run_in_threadpool(people.throttle.check, whoever, source)
        known = await provider.finish(call.request.query_params, cookie=cookie, back=_back(call))
        wanted = known.wanted
        session = await run_in_threadpool(people.admit, known.email)
    except ThrottledError as error:
        form = Form({})
        form.faults["provider"] = _TOO_MANY
        form.details["provider"] = str(error.after_s)
        return _form(call, form, status=429, retry_s=error.after_s)
    except ForeignError as error:
        return _unknown(call, wanted, error)
    except ProviderError as error:
        refusal = error
    if isinstance(refusal, MadeUpError):
        await run_in_threadpool(people.throttle.count, whoever, source)
    if session is None:
        answer = _unknown(call, wanted, refusal)
    else:
        await run_in_threadpool(people.throttle.forget, whoever, source)
        answer = await _signed_in(call, session, wanted)
    answer.delete_cookie(
        _pending(call),
        path="/",
        secure=call.request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return answer


async def _signed_in(call: PageCall, session: str, wanted: str) -> Response:
    """Go to the page that was wanted, with a new session in place of any before."""
    before = call.request.cookies.get(cookie_name(call.request))
    if before is not None:
        await run_in_threadpool(call.service.people.sign_out, before)
    answer = RedirectResponse(own_path(wanted, instead=_HOME), 303, SAFE)
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


def _form(
    call: PageCall,
    form: Form,
    *,
    status: int = 200,
    retry_s: int | None = None,
    is_first: bool = False,
) -> Response:
    provider = provider_of(call)
    name = "" if provider is None else provider.name
    answer = call.page("sign_in.html", status=status, form=form, provider=name, is_first=is_first)
    if retry_s is not None:
        answer.headers["Retry-After"] = str(retry_s)
    return answer


def _unknown(call: PageCall, wanted: str, error: ProviderError | None) -> Response:
    """Say that the provider's word lets nobody in; the log says why."""
    form = Form.holding(next=wanted)
    if error is None:
        form.faults["provider"] = _NOT_ADDED
        return _form(call, form, status=403)
    _log.warning("nobody was signed in by the provider: %s", error)
    form.faults["provider"] = _NOT_SAID
    return _form(call, form, status=403)


def provider_of(call: PageCall) -> Provider | None:
    """Return the provider by which people sign in; None where there is none."""
    provider: Provider | None = call.request.app.state.provider
    return provider


def _back(call: PageCall) -> str:
    """Return the URL that the provider sends browsers back to; it has to know it."""
    return f"{call.request.url.scheme}://{call.request.url.netloc}{BACK}"


def _pending(call: PageCall) -> str:
    """Return the name of the cookie of a sign-in that has begun."""
    return f"{cookie_name(call.request)}_provider"


PAGES: Final = (
    ConsolePage(path=SIGN_IN, roles=None, handle=show, summary="The form to sign in with."),
    ConsolePage(
        path=SIGN_IN, roles=None, handle=sign_in, summary="Starts a session.", method="POST"
    ),
    ConsolePage(
        path=f"{SIGN_IN}/provider",
        roles=None,
        handle=ask_provider,
        summary="Sends the browser to the provider of OpenID Connect.",
    ),
    ConsolePage(
        path=BACK,
        roles=None,
        handle=take_answer,
        summary="Starts a session of whoever comes back from the provider.",
    ),
    ConsolePage(
        path="/console/sign-out",
        roles=READERS,
        handle=sign_out,
        summary="Ends the session.",
        method="POST",
    ),
)
