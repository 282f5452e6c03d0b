"""The builder: a segment made of rows, counted while it is made, kept as a draft, published."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.experiments import Definitions
from byleave.segments import Fault, Vocabulary, read
from byleave.segments.naming import is_name
from byleave.server.access import ADMINS, EDITORS
from byleave.server.console import drafting, segment_keeping
from byleave.server.console import segment_form as rows
from byleave.server.console.display import marked as _
from byleave.server.console.drafting import SEGMENTS
from byleave.server.console.forms import Form
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import ConsolePage, PageCall, PageError
from byleave.server.console.segment_controls import controls, details, first_readable
from byleave.server.console.segment_keeping import EDIT, FILES, address
from byleave.server.console.segment_outlook import shares, sizes, time_needed
from byleave.server.console.segment_rows import Row, settled
from byleave.server.console.segment_starts import start_of, starts
from byleave.server.console.segment_study import Study, study
from byleave.server.console.segment_text import (
    NOBODY,
    Built,
    definition,
    located,
    opened,
    sent,
    settle,
)

_NEW: Final = "/console/segments/-/new"
_UNKNOWN: Final = (
    _("There is no such segment"),
    _("Neither a draft nor what is published has it. The list of segments shows what there is."),
)
_CHANGES: Final = ("save", "publish", "archive")


async def show_new(call: PageCall) -> Response:
    """Show the builder with nothing in it, or with a segment to begin from."""
    return await run_in_threadpool(lambda: _page(call, _begun(call)))


async def create(call: PageCall) -> Response:
    """Do what a button of a new segment says."""
    return await run_in_threadpool(lambda: _done(call, _begun(call)))


async def show(call: PageCall) -> Response:
    """Show a segment in the builder: its draft, or else what is published."""
    return await run_in_threadpool(lambda: _page(call, _looked_up(call)))


async def change(call: PageCall) -> Response:
    """Do what a button of a segment says."""
    return await run_in_threadpool(lambda: _done(call, _looked_up(call)))


def _begun(call: PageCall) -> Built:
    query = call.request.query_params
    segment: dict[str, Any] = {"when": {"all": []}}
    _version, definitions = drafting.in_force(call.service)
    segment |= definitions.get(SEGMENTS, {}).get(query.get("from", ""), {})
    if start := query.get("start"):
        try:
            segment |= start_of(start, call.service.published.snapshot.definitions).segment
        except KeyError:
            raise PageError(404, *_UNKNOWN) from None
    return opened("", segment, "", _vocabulary(call), is_new=True)


def _looked_up(call: PageCall) -> Built:
    key: str = call.request.path_params["segment"]
    _version, definitions = drafting.in_force(call.service)
    draft, text, state = drafting.written(call.service, SEGMENTS, key)
    found = definitions.get(SEGMENTS, {}).get(key) if draft is None else draft
    if found is None:
        raise PageError(404, *_UNKNOWN)
    segment = found if isinstance(found, Mapping) else {}
    text = text or call.service.library.text(f"{SEGMENTS}.{key}")
    built = opened(key, segment, text, _vocabulary(call), is_new=False)
    drafting.hold(built.form, state)
    return built


def _vocabulary(call: PageCall) -> Vocabulary:
    return call.service.published.snapshot.definitions.vocabulary


def _done(call: PageCall, before: Built) -> Response:
    """Do what a button says, and show what came of it."""
    vocabulary, form = _vocabulary(call), Form(call.values)
    doing = form.value("do")
    if _is_of_files(call, before):
        before.form = Form({**form.values, **before.form.values})
        if doing in _CHANGES:
            before.form.faults["checks"], before.status = FILES, 409
        return _page(call, before)
    built = sent(before, form, vocabulary)
    if built.form.is_sound:
        new = settled(Row({"reads": first_readable(vocabulary)}), vocabulary)
        built.row = rows.worked(built.row, doing, vocabulary, new)
        settle(built, vocabulary)
    if doing in ("archive", "discard"):  # whatever else was typed
        built.form.faults.clear()
    if doing == "discard":
        return segment_keeping.discard(call, built) or _page(call, built)
    if doing not in _CHANGES:
        return _page(call, built)
    built.status = 422
    segment = None if doing == "archive" else definition(built, vocabulary)
    if built.is_new:
        segment_keeping.check_key(call, built)
    if built.form.is_sound and segment is not None:
        segment_keeping.keep(call, built, segment)
    if built.form.is_sound and doing != "save":
        segment_keeping.publish(call, built, segment)
    if not built.form.is_sound:
        return _page(call, built)
    if doing == "archive":
        return RedirectResponse("/console/segments", 303, SAFE)
    return RedirectResponse(address(built), 303, SAFE)


def _is_of_files(call: PageCall, built: Built) -> bool:
    return not built.is_new and drafting.is_of_files(call.service, SEGMENTS, built.key)


def _page(call: PageCall, built: Built) -> Response:
    service, key = call.service, built.key if is_name(built.key) else NOBODY
    version, definitions = drafting.in_force(service)
    faults: list[Fault] = []
    is_draft = drafting.drafted(service, SEGMENTS, key) is not None
    is_of_files = _is_of_files(call, built)
    found: Study | None = None
    if not built.is_long:
        segment = definition(built, _vocabulary(call))
        laid = drafting.laid_over(definitions, SEGMENTS, key, segment)
        faults = drafting.all_faults(service, laid)
        segment_keeping.tell(built, faults, key)
        found = None if faults else study(service, key, read(Definitions, laid))
    defined = service.published.snapshot.definitions
    return call.page(
        "segment_builder.html",
        status=built.status,
        built=built,
        form=built.form,
        row=built.row,
        is_draft=is_draft and not built.is_new,
        is_of_files=is_of_files,
        is_published=not built.is_new and key in definitions.get(SEGMENTS, {}),
        version=version,
        located=located(built, faults, key),
        study=found,
        sizes=dict(sizes(found.row)) if found else {},
        titles={name: each.title or name for name, each in defined.segments.items()},
        controls=partial(controls, vocabulary=defined.vocabulary, key=key),
        details=partial(details, vocabulary=defined.vocabulary),
        uses=shares(service),
        starts=starts(defined) if built.is_new and not call.body else (),
        plan=time_needed(built.form, found),
        may_see_visitors=call.role in ADMINS,
        is_at_end=rows.is_at_end,
        address=_NEW if built.is_new else address(built),
    )


PAGES: Final = (
    ConsolePage(path=_NEW, roles=EDITORS, handle=show_new, summary="A new segment, built of rows."),
    ConsolePage(
        path=_NEW,
        roles=EDITORS,
        handle=create,
        summary="Change the rows of a new segment, keep it as a draft, or publish it.",
        method="POST",
    ),
    ConsolePage(path=EDIT, roles=EDITORS, handle=show, summary="A segment in rows, to be changed."),
    ConsolePage(
        path=EDIT,
        roles=EDITORS,
        handle=change,
        summary="Change the rows of a segment, keep it as a draft, or publish it.",
        method="POST",
    ),
)
