"""The list of experiments that ever ran, to be searched and narrowed."""

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.experiments.lift import Status
from byleave.server.access import READERS
from byleave.server.console.forms import Form
from byleave.server.console.glance import Glance, glances
from byleave.server.console.routing import ConsolePage, PageCall


async def show(call: PageCall) -> Response:
    """Show the experiments that fit what is asked for."""
    query = call.request.query_params
    words = query.get("words", "")[:200]
    status = query.get("status", "")
    found = await run_in_threadpool(glances, call.service)
    fitting = [
        glance
        for glance in found.all
        if _holds(glance, words) and status in ("", glance.report.status)
    ]
    return call.page(
        "experiments.html",
        glances=found,
        fitting=fitting,
        statuses=[each for each in Status if any(g.report.status == each for g in found.all)],
        form=Form.holding(words=words, status=status),
    )


def _holds(glance: Glance, words: str) -> bool:
    """Whether a line holds all of some words."""
    line = f"{glance.title} {glance.key} {glance.slot} {glance.audience}".casefold()
    return all(word in line for word in words.casefold().split())


PAGES: Final = (
    ConsolePage(
        path="/console/experiments",
        roles=READERS,
        handle=show,
        summary="The experiments that ever ran.",
    ),
)
