"""The builder: a segment made of rows, counted while it is made, kept as a draft, published."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.experiments import Definitions
from byleave.experiments.naming import NAME_RULE, is_name
from byleave.segments import Fault, Purpose, read
from byleave.server.access import EDITORS
from byleave.server.console import drafting
from byleave.server.console import segment_form as rows
from byleave.server.console.display import marked as _
from byleave.server.console.drafting import MEANWHILE, SEGMENTS
from byleave.server.console.forms import Form
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import ConsolePage, PageCall, PageError
from byleave.server.console.segment_controls import controls, details, first_readable
from byleave.server.console.segment_rows import Row, condition_of, rows_of, settled
from byleave.server.console.segment_study import Row as StudiedRow
from byleave.server.console.segment_study import Study, study
from byleave.server.errors import ConflictError, ManagedError
from byleave.server.layout import text_of

_NEW: Final = "/console/segments/-/new"
_EDIT: Final = "/console/segments/{segment}/edit"
_UNKNOWN: Final = (
    _("There is no such segment"),
    _("Neither a draft nor what is published has it. The list of segments shows what there is."),
)
FILES: Final = _("This segment is managed from files: change it there, then push them.")
_WHY: Final = _("Say in a sentence what it is for. It stands in the history.")
_TAKEN: Final = _("There is one of this name already. Choose another.")
_MEND: Final = _("Mend this:")
_ELSEWHERE: Final = _("Something else of the site is wrong:")


@dataclass(slots=True)
class Built:
    """A segment that is being built.

    Attributes:
        key: Its key; empty or no name yet while it is new.
        is_new: Whether neither a draft nor what is published has it.
        before: Its definition as it was.
        row: Its rows.
        form: The fields beside the rows, and all faults.
        status: The status of the page that shows it.
    """

    key: str
    is_new: bool
    before: Mapping[str, Any]
    row: Row
    form: Form
    status: int = 200


async def show_new(call: PageCall) -> Response:
    """Show the builder with nothing in it, or with a segment to begin from."""
    found = call.service.published.snapshot.definitions
    _version, defined = await run_in_threadpool(drafting.in_force, call.service)
    given = defined.get(SEGMENTS, {}).get(call.request.query_params.get("from", ""), {})
    start = {"when": {"all": []}, **given}
    form = _form_of(start)
    row = rows_of(start["when"], found.vocabulary)
    return await _page(call, Built(key="", is_new=True, before=start, row=row, form=form))


async def create(call: PageCall) -> Response:
    """Do what a button of a new segment says."""
    form = Form(call.values)
    key = form.value("key")
    row = rows.rows_in(form, call.service.published.snapshot.definitions.vocabulary)
    return await _done(call, Built(key=key, is_new=True, before={}, row=row, form=form))


async def show(call: PageCall) -> Response:
    """Show a segment in the builder: its draft, or else what is published."""
    key, before = await run_in_threadpool(_looked_up, call)
    row = rows_of(before.get("when"), call.service.published.snapshot.definitions.vocabulary)
    form = _form_of(before)
    return await _page(call, Built(key=key, is_new=False, before=before, row=row, form=form))


async def change(call: PageCall) -> Response:
    """Do what a button of a segment says."""
    key, before = await run_in_threadpool(_looked_up, call)
    form = Form(call.values)
    row = rows.rows_in(form, call.service.published.snapshot.definitions.vocabulary)
    return await _done(call, Built(key=key, is_new=False, before=before, row=row, form=form))


def _looked_up(call: PageCall) -> tuple[str, Mapping[str, Any]]:
    key: str = call.request.path_params["segment"]
    _version, definitions = drafting.in_force(call.service)
    draft = drafting.drafted(call.service, SEGMENTS, key)
    found = definitions.get(SEGMENTS, {}).get(key) if draft is None else draft
    if found is None:
        raise PageError(404, *_UNKNOWN)
    return key, found if isinstance(found, Mapping) else {}


def _form_of(segment: Mapping[str, Any]) -> Form:
    """Return the form that shows what a segment has beside its condition."""
    values = {name: str(segment.get(name, "")) for name in rows.FLAT}
    return Form.holding(**values, use=str(segment.get("use", Purpose.PERSONALISATION)))


async def _done(call: PageCall, built: Built) -> Response:
    """Do what a button says, and show what came of it."""
    doing = built.form.value("do")
    vocabulary = call.service.published.snapshot.definitions.vocabulary
    new = settled(Row({"reads": first_readable(vocabulary)}), vocabulary)
    built.row = rows.worked(built.row, doing, vocabulary, new)
    if doing not in ("save", "publish", "discard"):
        return await _page(call, built)
    if doing == "discard":
        return await run_in_threadpool(_discarded, call, built)
    if built.is_new:
        await run_in_threadpool(_check_key, call, built)
    segment = _segment(call, built)
    if built.form.is_sound:
        try:
            await run_in_threadpool(drafting.keep, call, SEGMENTS, built.key, segment)
        except ManagedError:
            built.form.faults["checks"], built.status = FILES, 409
            return await _page(call, built)
    else:
        built.status = 422
    if built.form.is_sound and doing == "publish":
        await run_in_threadpool(_publish, call, built, segment)
    if not built.form.is_sound:
        return await _page(call, built)
    return RedirectResponse(_EDIT.format(segment=quote(built.key, safe="")), 303, SAFE)


def _check_key(call: PageCall, built: Built) -> None:
    _version, definitions = drafting.in_force(call.service)
    if not is_name(built.key):
        built.form.faults["key"] = NAME_RULE
    elif built.key in definitions.get(SEGMENTS, {}) or drafting.drafted(
        call.service, SEGMENTS, built.key
    ):
        built.form.faults["key"] = _TAKEN


def _segment(call: PageCall, built: Built) -> dict[str, Any]:
    """Return the definition that is built, faults and all."""
    vocabulary = call.service.published.snapshot.definitions.vocabulary
    return rows.segment_of(built.form, built.before, condition_of(built.row, vocabulary))


def _publish(call: PageCall, built: Built, segment: Mapping[str, Any]) -> None:
    """Publish a segment, or say in its form why that could not be done."""
    form, reason = built.form, built.form.value("reason")
    version, definitions = drafting.in_force(call.service)
    wanted = drafting.laid_over(definitions, SEGMENTS, built.key, segment)
    built.status = 422
    if not 1 <= len(reason) <= 1_000:
        form.faults["reason"] = _WHY
    _tell(built, drafting.all_faults(call.service, wanted))
    if not form.is_sound:
        return
    built.status = 409
    if form.value("expected") != version:
        form.faults["reason"] = MEANWHILE
        return
    try:
        drafting.publish(
            call.service,
            SEGMENTS,
            built.key,
            segment,
            expected=version,
            reason=f"{built.key}: {reason}",
            author=call.author,
        )
    except ConflictError:
        form.faults["reason"] = MEANWHILE
    except ManagedError:
        form.faults["checks"] = FILES
    else:
        drafting.drop(call, SEGMENTS, built.key)


def _discarded(call: PageCall, built: Built) -> Response:
    """Throw a draft away, where there is one, and go to what is left."""
    _version, definitions = drafting.in_force(call.service)
    if not built.is_new and drafting.drafted(call.service, SEGMENTS, built.key) is not None:
        drafting.drop(call, SEGMENTS, built.key)
    is_left = not built.is_new and built.key in definitions.get(SEGMENTS, {})
    edit = _EDIT.format(segment=quote(built.key, safe=""))
    return RedirectResponse(edit if is_left else "/console/segments", 303, SAFE)


def _tell(built: Built, faults: list[Fault]) -> None:
    """Put faults to the fields in which they are mended."""
    for fault in faults:
        match fault.path:
            case ("segments", key, "when", *rest) if key == (built.key or _NOBODY):
                field = rows.field_of(built.row, tuple(rest))
            case ("segments", key, *rest) if key == (built.key or _NOBODY):
                field = str(rest[0]) if rest and rest[0] in (*rows.FLAT, "use") else "checks"
            case _:
                built.form.faults["checks"] = _ELSEWHERE
                built.form.details.setdefault("checks", str(fault))
                continue
        built.form.faults.setdefault(field, _MEND)
        built.form.details.setdefault(field, fault.message)


#: The key of a segment in definitions that are only counted, while it has none.
_NOBODY: Final = "new"


async def _page(call: PageCall, built: Built) -> Response:
    service, key = call.service, built.key if is_name(built.key) else _NOBODY
    segment = _segment(call, built)
    version, definitions = await run_in_threadpool(drafting.in_force, service)
    laid = drafting.laid_over(definitions, SEGMENTS, key, segment)
    faults = await run_in_threadpool(drafting.all_faults, service, laid)
    is_draft = drafting.drafted(service, SEGMENTS, key) is not None
    is_of_files = await run_in_threadpool(drafting.is_of_files, service, SEGMENTS, key)
    found: Study | None = None
    if not faults:
        found = await run_in_threadpool(study, service, key, read(Definitions, laid))
    else:
        shown = Built(key=key, is_new=built.is_new, before={}, row=built.row, form=built.form)
        _tell(shown, faults)
    defined = service.published.snapshot.definitions
    return call.page(
        "segment_builder.html",
        status=built.status,
        built=built,
        form=built.form,
        row=built.row,
        is_draft=is_draft and not built.is_new,
        is_of_files=is_of_files and not built.is_new,
        is_published=not built.is_new and key in definitions.get(SEGMENTS, {}),
        version=version,
        text=text_of({"segment": built.key or _NOBODY, **segment}),
        study=found,
        sizes=dict(_sizes(found.row)) if found else {},
        titles={name: each.title or name for name, each in defined.segments.items()},
        controls=partial(controls, vocabulary=defined.vocabulary, key=key),
        details=partial(details, vocabulary=defined.vocabulary),
        uses=[*Purpose],
        is_at_end=rows.is_at_end,
    )


def _sizes(row: StudiedRow) -> Iterator[tuple[str, Any]]:
    yield row.place, row.size
    for each in row.inside:
        yield from _sizes(each)


PAGES: Final = (
    ConsolePage(path=_NEW, roles=EDITORS, handle=show_new, summary="A new segment, built of rows."),
    ConsolePage(
        path=_NEW,
        roles=EDITORS,
        handle=create,
        summary="Change the rows of a new segment, keep it as a draft, or publish it.",
        method="POST",
    ),
    ConsolePage(
        path=_EDIT, roles=EDITORS, handle=show, summary="A segment in rows, to be changed."
    ),
    ConsolePage(
        path=_EDIT,
        roles=EDITORS,
        handle=change,
        summary="Change the rows of a segment, keep it as a draft, or publish it.",
        method="POST",
    ),
)
