"""What was published when, by whom and why; what differs; and bringing an old version back."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.experiments import Definitions
from byleave.sdk.images import names_in
from byleave.segments import DefinitionError, read
from byleave.server.access import ANALYSTS, EDITORS, MARKUP_EDITORS
from byleave.server.console.display import marked as _
from byleave.server.console.forms import Form
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import ConsolePage, PageCall, PageError
from byleave.server.differing import Difference, differences
from byleave.server.errors import ConflictError, ForbiddenError, UnknownNameError
from byleave.server.managing import Claim
from byleave.server.service import Service
from byleave.server.versions import DefinitionVersion

_PATH: Final = "/console/history"
_MOST_SHOWN: Final = 100
_UNKNOWN: Final = (
    _("There is no such version"),
    _("The history lists those that were published. Choose one of them."),
)


async def show(call: PageCall) -> Response:
    """Show what was published, and the trail of who changed something."""
    versions = await run_in_threadpool(call.service.library.versions)
    trail = await run_in_threadpool(call.service.library.audit)
    return call.page("history.html", versions=versions[:_MOST_SHOWN], trail=trail)


async def show_version(call: PageCall) -> Response:
    """Show what a version changed, and what bringing it back would."""
    return await _page(call, Form())


async def restore(call: PageCall) -> Response:
    """Publish an old version anew, if nobody published another one meanwhile."""
    form, service = Form(call.values), call.service
    name: str = call.request.path_params["version"]
    reason = form.value("reason")
    if not 1 <= len(reason) <= 1_000:
        form.faults["reason"] = _("Say in a sentence why the old version comes back.")
        return await _page(call, form, status=422)
    _found, old = await run_in_threadpool(_version, service, name)
    try:
        await run_in_threadpool(
            service.publish,
            read(Definitions, old),
            reason=f"back to {name}: {reason}",
            author=call.author,
            expected=form.value("expected"),
            claim=Claim(by=None, may_write_html=call.role in MARKUP_EDITORS),
        )
    except ConflictError:
        form.faults["reason"] = _("Somebody published meanwhile. Look at it, then send again.")
    except ForbiddenError:
        form.faults["reason"] = _("It brings back HTML, which only admins publish. Ask one.")
    except DefinitionError:
        form.faults["reason"] = _("This version has faults by the rules of today; edit a draft.")
    if not form.is_sound:
        return await _page(call, form, status=409)
    return RedirectResponse(_PATH, 303, SAFE)


async def _page(call: PageCall, form: Form, *, status: int = 200) -> Response:
    name: str = call.request.path_params["version"]
    compared = await run_in_threadpool(_compared, call.service, name)
    return call.page(
        "version.html",
        status=status,
        form=form,
        may_restore=call.role in EDITORS,
        **compared,
    )


def _version(service: Service, name: str) -> tuple[DefinitionVersion, dict[str, Any]]:
    try:
        return service.library.version(name)
    except UnknownNameError as error:
        raise PageError(404, *_UNKNOWN) from error


def _compared(service: Service, name: str) -> dict[str, Any]:
    version, definitions = _version(service, name)
    names = [each.version for each in service.library.versions()]
    place = names.index(name)
    before = names[place + 1] if place + 1 < len(names) else ""
    _before, old = service.library.version(before) if before else (None, {})
    _newest, newest = service.library.version(names[0])
    return {
        "version": version,
        "newest": names[0],
        "before": before,
        "changes": told(differences(old, definitions)),
        "undone": told(differences(newest, definitions)),
        "gaps": _gaps(service, definitions),
    }


def _gaps(service: Service, definitions: Mapping[str, Any]) -> list[str]:
    """Return the variants that show an image which was removed since."""
    there = {each.image for each in service.images.all()}
    return [
        f"{key} / {arm}"
        for key, experiment in definitions.get("experiments", {}).items()
        for arm, variant in experiment["variants"].items()
        if not there.issuperset(names_in(json.dumps(variant)))
    ]


def told(found: Iterable[Difference]) -> list[tuple[str, str, str]]:
    """Return differences as text: where, what was there, what is there; '' for nothing."""
    return [(" / ".join(each.path), _text(each.before), _text(each.after)) for each in found]


def _text(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, indent=1)


PAGES: Final = (
    ConsolePage(
        path=_PATH,
        roles=ANALYSTS,
        handle=show,
        summary="What was published, by whom and why, and who changed what.",
    ),
    ConsolePage(
        path=f"{_PATH}/{{version}}",
        roles=ANALYSTS,
        handle=show_version,
        summary="What a version changed, and what bringing it back would.",
    ),
    ConsolePage(
        path=f"{_PATH}/{{version}}/restore",
        roles=EDITORS,
        handle=restore,
        summary="Publish an old version anew.",
        method="POST",
    ),
)
