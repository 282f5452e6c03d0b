"""The keys by which a site's machines are known, and the key that signs its receipts."""

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.experiments.snapshot import RECEIPT_GRACE_MS, accepted
from byleave.server.access import ADMINS
from byleave.server.console.display import marked as _
from byleave.server.console.forms import Form
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import ConsolePage, PageCall
from byleave.server.errors import UnknownNameError
from byleave.server.keys import Role
from byleave.server.receipt_keys import receipt_keys

_PATH: Final = "/console/keys"
_DAY_MS: Final = 86_400_000

#: What each key is for, for whoever makes one.
ROLES: Final = {
    Role.SERVER: _("server: a site's own machines; never leaves them"),
    Role.PUBLIC: _("public: sends events; may stand in a page"),
    Role.VIEWER: _("viewer: reads results"),
    Role.ANALYST: _("analyst: also what the figures came from"),
    Role.MARKETER: _("marketer: also drafts and publishes"),
    Role.ADMIN: _("admin: also people, keys and single visitors"),
}
#: After how many days a key ends, or that it never does.
LIVES: Final = {
    "": _("never"),
    "30": _("in 30 days"),
    "90": _("in 90 days"),
    "365": _("in a year"),
}


async def show(call: PageCall) -> Response:
    """Show the keys, without what makes them keys."""
    return await _page(call, Form.holding(role=Role.SERVER))


async def create(call: PageCall) -> Response:
    """Make a key and show it, this once."""
    form = Form(call.values)
    role = form.chosen("role", [*ROLES], fault=_("Choose what the key is for."))
    days = form.chosen("days", [*LIVES], fault=_("Choose when the key ends."))
    if not form.is_sound:
        return await _page(call, form, status=422)
    ends_ms = call.service.clock() + int(days) * _DAY_MS if days else None

    def make() -> str:
        return call.service.keys.create(Role(role), expires_ms=ends_ms, author=call.author)

    return await _page(call, Form.holding(role=role), made=await run_in_threadpool(make))


async def end(call: PageCall) -> Response:
    """Let a key end tomorrow, or take it away at once."""
    form, keys = Form(call.values), call.service.keys
    name = form.value("name")
    try:
        if form.value("when") == "tomorrow":
            at_ms = call.service.clock() + _DAY_MS
            await run_in_threadpool(keys.end, name, at_ms=at_ms, author=call.author)
        elif form.value("sure"):
            await run_in_threadpool(keys.drop, name, author=call.author)
        else:
            return call.page("key_removal.html", name=name)
    except UnknownNameError:
        form.faults["keys"] = _("There is no such key any more.")
        return await _page(call, form, status=422)
    return RedirectResponse(_PATH, 303, SAFE)


async def rotate_receipts(call: PageCall) -> Response:
    """Make the successor of the key that signs receipts; revoke those before it if that is sure."""
    form = Form(call.values)
    is_sure = bool(form.value("sure"))
    if form.value("when") == "now" and not is_sure:
        return call.page("receipts_revocation.html")
    await run_in_threadpool(call.service.rotate_receipts, author=call.author, revoke=is_sure)
    return RedirectResponse(f"{_PATH}#receipts", 303, SAFE)


async def _page(call: PageCall, form: Form, *, status: int = 200, made: str = "") -> Response:
    newest_ms, is_alone = await run_in_threadpool(_receipts, call)
    return call.page(
        "keys.html",
        status=status,
        keys=call.service.keys.of(call.service.site.key),
        now_ms=call.service.clock(),
        form=form,
        roles=ROLES,
        lives=LIVES,
        made=made,
        receipts_since_ms=newest_ms,
        earlier_until_ms=None if is_alone else newest_ms + RECEIPT_GRACE_MS,
    )


def _receipts(call: PageCall) -> tuple[int, bool]:
    """Return when the newest receipt key was made, and whether no other is accepted."""
    service = call.service
    with service.storage.reading() as connection:
        keys = accepted(receipt_keys(connection, service.site), service.clock())
    return keys[-1].since_ms, len(keys) == 1


PAGES: Final = (
    ConsolePage(path=_PATH, roles=ADMINS, handle=show, summary="The keys, without their secrets."),
    ConsolePage(
        path=_PATH, roles=ADMINS, handle=create, summary="Make a key; shown once.", method="POST"
    ),
    ConsolePage(
        path=f"{_PATH}/end",
        roles=ADMINS,
        handle=end,
        summary="Let a key end tomorrow, or take it away.",
        method="POST",
    ),
    ConsolePage(
        path=f"{_PATH}/receipts",
        roles=ADMINS,
        handle=rotate_receipts,
        summary="Make a new key for receipts; revoke those before it.",
        method="POST",
    ),
)
