"""Who may sign in, and as what."""

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.server.access import ADMINS
from byleave.server.console.display import marked as _
from byleave.server.console.forms import Form
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import ConsolePage, PageCall
from byleave.server.console.signing_in import provider_of
from byleave.server.errors import ForbiddenError, UnknownNameError
from byleave.server.keys import Role
from byleave.server.people import LONGEST, PEOPLES_ROLES, SHORTEST

_PATH: Final = "/console/people"
_NO_PASSWORD: Final = _("Expected 12 to 256 characters; a sentence is good.")

#: What each role may do, for whoever chooses one.
ROLES: Final = {
    Role.VIEWER: _("viewer: reads results"),
    Role.ANALYST: _("analyst: also what the figures came from"),
    Role.MARKETER: _("marketer: also drafts and publishes"),
    Role.ADMIN: _("admin: also people, keys and single visitors"),
}


async def show(call: PageCall) -> Response:
    """Show everybody who may sign in."""
    return await _page(call, Form.holding(role=Role.MARKETER))


async def put(call: PageCall) -> Response:
    """Add a person, or give one another role, and another password where there is one.

    Without one, somebody new signs in by the provider, where there is a provider.
    """
    form, people = Form(call.values), call.service.people
    role = form.chosen("role", PEOPLES_ROLES, fault=_("Choose one of the roles."))
    password = next(iter(form.values.get("password", ())), "")
    if password and not SHORTEST <= len(password) <= LONGEST:
        form.faults["password"] = _NO_PASSWORD
    if form.is_sound:
        email, author = form.value("email"), call.author
        try:
            if password:
                await run_in_threadpool(people.put, email, Role(role), password, author=author)
            else:
                await run_in_threadpool(_without_password, call, email, Role(role))
        except UnknownNameError:
            form.faults["password"] = _NO_PASSWORD
        except ForbiddenError:
            form.faults["email"] = _(
                "Expected an address such as ann@example.com; and one admin has to stay."
            )
    if not form.is_sound:
        return await _page(call, form, status=422)
    return RedirectResponse(_PATH, 303, SAFE)


async def remove(call: PageCall) -> Response:
    """Take a person away, once it is confirmed."""
    form = Form(call.values)
    email = form.value("remove")
    if not form.value("sure"):
        people = await run_in_threadpool(call.service.people.all)
        if not any(person.email == email for person in people):
            form.faults["remove"] = _("There is no such person any more.")
            return await _page(call, form, status=422)
        return call.page("person_removal.html", email=email)
    try:
        await run_in_threadpool(call.service.people.remove, email, author=call.author)
    except ForbiddenError:
        form.faults["remove"] = _("The last admin stays one. Make another first.")
    except UnknownNameError:
        form.faults["remove"] = _("There is no such person any more.")
    if not form.is_sound:
        return await _page(call, form, status=422)
    return RedirectResponse(_PATH, 303, SAFE)


def _without_password(call: PageCall, email: str, role: Role) -> None:
    """Give a person another role, or add one who signs in by the provider alone."""
    people = call.service.people
    try:
        people.assign(email, role, author=call.author)
    except UnknownNameError:
        if provider_of(call) is None:
            raise
        people.put(email, role, None, author=call.author)


async def _page(call: PageCall, form: Form, *, status: int = 200) -> Response:
    people = await run_in_threadpool(call.service.people.all)
    provider = provider_of(call)
    return call.page(
        "people.html",
        status=status,
        people=people,
        form=form,
        roles=ROLES,
        provider="" if provider is None else provider.name,
    )


PAGES: Final = (
    ConsolePage(path=_PATH, roles=ADMINS, handle=show, summary="Everybody who may sign in."),
    ConsolePage(
        path=_PATH,
        roles=ADMINS,
        handle=put,
        summary="Add a person, or give one another role, and another password where there is one.",
        method="POST",
    ),
    ConsolePage(
        path=f"{_PATH}/remove",
        roles=ADMINS,
        handle=remove,
        summary="Take a person away.",
        method="POST",
    ),
)
