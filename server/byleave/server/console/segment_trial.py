"""Trying a segment before it is published: written as YAML, judged as the site would judge it."""

from dataclasses import replace
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.experiments import Definitions
from byleave.experiments.checking import check
from byleave.segments import DefinitionError, Segment, read
from byleave.server.access import EDITORS
from byleave.server.console.display import marked as _
from byleave.server.console.forms import Form
from byleave.server.console.routing import ConsolePage, PageCall
from byleave.server.console.segment_study import study
from byleave.server.console.segments_page import segment_views
from byleave.server.yaml_documents import documents_of

_PATH: Final = "/console/segments/-/try"
_NAME: Final = "segment.yaml"
_ONE: Final = _("Write one segment, and nothing beside it.")


async def show(call: PageCall) -> Response:
    """Show a form with a segment to begin from."""
    found = await run_in_threadpool(segment_views, call.service)
    rules = {each.key: each.rule for each in found}
    start = rules.get(call.request.query_params.get("from", ""), "segment: new\nwhen:\n  all: []\n")
    return _page(call, Form.holding(text=start), [], None)


async def count(call: PageCall) -> Response:
    """Show what a segment comes to for the visitors of the last 30 days; nothing is kept."""
    form = Form(call.values)
    current = call.service.published.snapshot.definitions
    try:
        key, definitions = tried(form.value("text"), current)
    except DefinitionError as error:
        form.faults["text"] = _("Mend what the lines below name.") if error.faults else _ONE
        return _page(call, form, list(error.faults), None, status=422)
    return _page(call, form, [], await run_in_threadpool(study, call.service, key, definitions))


def tried(text: str, current: Definitions) -> tuple[str, Definitions]:
    """Return the key of a segment that is written as YAML, and definitions that have it.

    Raises:
        DefinitionError: It cannot be read, or does not fit what is published; with the place of
            each fault. Without any fault there is not exactly one segment.
    """
    found = documents_of(text, name=_NAME)
    if len(found) != 1 or not isinstance(found[0].data, dict):
        raise DefinitionError([])
    [document] = found
    key = document.data.get("segment")
    if not isinstance(key, str):
        raise DefinitionError([document.fault((), "expected a key `segment` with its name")])
    data = {name: value for name, value in document.data.items() if name != "segment"}
    try:
        segment = read(Segment, data)
    except DefinitionError as error:
        raise DefinitionError(document.located(error.faults)) from None
    definitions = replace(current, segments={**current.segments, key: segment})
    faults = [
        document.fault(fault.path[2:] if fault.path[:2] == ("segments", key) else (), fault.message)
        for fault in check(definitions)
    ]
    if faults:
        raise DefinitionError(faults)
    return key, definitions


def _page(
    call: PageCall, form: Form, faults: list[Any], found: Any, *, status: int = 200
) -> Response:
    segments = call.service.published.snapshot.definitions.segments
    return call.page(
        "segment_trial.html",
        status=status,
        form=form,
        faults=faults,
        study=found,
        titles={key: each.title or key for key, each in segments.items()},
    )


PAGES: Final = (
    ConsolePage(path=_PATH, roles=EDITORS, handle=show, summary="A segment to be tried."),
    ConsolePage(
        path=_PATH,
        roles=EDITORS,
        handle=count,
        summary="Count whom a segment that is not published would have.",
        method="POST",
    ),
)
