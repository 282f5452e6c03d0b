"""A segment that is built: kept as a draft, published, archived, thrown away, or why not."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from byleave.segments import Fault
from byleave.segments.naming import NAME_RULE, is_name
from byleave.server.console import drafting
from byleave.server.console import segment_form as rows
from byleave.server.console.display import marked as _
from byleave.server.console.drafting import MEANWHILE, SEGMENTS
from byleave.server.console.forms import Form
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import PageCall
from byleave.server.console.segment_text import Built
from byleave.server.errors import ConflictError, ManagedError

EDIT: Final = "/console/segments/{segment}/edit"
FILES: Final = _("This segment is managed from files: change it there, then push them.")
_WHY: Final = _("Say in a sentence what it is for. It stands in the history.")
_TAKEN: Final = _("There is one of this name already. Choose another.")
_MEND: Final = _("Mend this:")
_ELSEWHERE: Final = _("Something else of the site is wrong:")


def address(built: Built) -> str:
    """Return the address of the builder with a segment that has a key."""
    return EDIT.format(segment=quote(built.key, safe=""))


def keep(call: PageCall, built: Built, segment: Mapping[str, Any]) -> None:
    """Keep a segment as a draft; or say in its form why that cannot be."""
    form = built.form
    over = drafting.held(form)
    try:
        state = drafting.keep(call, SEGMENTS, built.key, segment, over=over, text=built.text)
    except ConflictError:
        built.status = 409
        if built.is_new:  # somebody took the name since it was looked for
            form.faults["key"] = _TAKEN
        else:
            drafting.tell_moved(call, form, SEGMENTS, built.key)
    except ManagedError:
        form.faults["checks"], built.status = FILES, 409
    else:
        drafting.hold(form, state)
        built.is_new = False


def check_key(call: PageCall, built: Built) -> None:
    """Say in the form of a new segment what is wrong with its key."""
    _version, definitions = drafting.in_force(call.service)
    if not is_name(built.key):
        built.form.faults["key"] = NAME_RULE
    elif built.key in definitions.get(SEGMENTS, {}) or drafting.drafted(
        call.service, SEGMENTS, built.key
    ):
        built.form.faults["key"] = _TAKEN


def publish(call: PageCall, built: Built, segment: Mapping[str, Any] | None) -> None:
    """Publish a segment, or what is left without it; or say in its form why that cannot be."""
    form, reason = built.form, built.form.value("reason")
    version, definitions = drafting.in_force(call.service)
    wanted = drafting.laid_over(definitions, SEGMENTS, built.key, segment)
    if not 1 <= len(reason) <= 1_000:
        form.faults["reason"] = _WHY
    tell(built, drafting.all_faults(call.service, wanted), built.key)
    if not form.is_sound:
        return
    built.status = 409
    if form.value("expected") != version:
        _overtaken(form)
        return
    try:
        drafting.publish(
            call.service,
            SEGMENTS,
            built.key,
            segment,
            expected=version,
            reason=f"{built.key}{'' if segment else ' is archived'}: {reason}",
            author=call.author,
        )
    except ConflictError:
        _overtaken(form)
    except ManagedError:
        form.faults["checks"] = FILES
    else:
        call.service.library.put_text(f"{SEGMENTS}.{built.key}", built.text if segment else "")
        drafting.drop_published(call, SEGMENTS, built.key, over=drafting.held(form))


def discard(call: PageCall, built: Built) -> Response | None:
    """Throw a draft away, where there is one, and go to what is left; None if it was changed."""
    _version, definitions = drafting.in_force(call.service)
    if not built.is_new and drafting.drafted(call.service, SEGMENTS, built.key) is not None:
        try:
            drafting.drop(call, SEGMENTS, built.key, over=drafting.held(built.form))
        except ConflictError:
            drafting.tell_moved(call, built.form, SEGMENTS, built.key)
            built.status = 409
            return None
    is_left = not built.is_new and built.key in definitions.get(SEGMENTS, {})
    return RedirectResponse(address(built) if is_left else "/console/segments", 303, SAFE)


def tell(built: Built, faults: list[Fault], key_in: str) -> None:
    """Put faults to the fields in which they are mended."""
    for fault in faults:
        match fault.path:
            case ("segments", key, "when", *rest) if key == key_in:
                field = rows.field_of(built.row, tuple(rest))
            case ("segments", key, *rest) if key == key_in:
                field = str(rest[0]) if rest and rest[0] in (*rows.FLAT, "use") else "checks"
            case _:
                built.form.faults["checks"] = _ELSEWHERE
                built.form.details.setdefault("checks", str(fault))
                continue
        built.form.faults.setdefault(field, _MEND)
        built.form.details.setdefault(field, fault.message)


def _overtaken(form: Form) -> None:
    """Say that somebody published meanwhile; the page then holds the version that they made."""
    form.faults["reason"] = MEANWHILE
    form.values = {**form.values, "expected": ()}
