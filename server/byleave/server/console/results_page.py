"""The results of an experiment, for whoever may read results or has a signed link to them."""

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.server.console.display import marked as _
from byleave.server.console.figures import allocation_plots, interval_plot, places
from byleave.server.console.routing import READERS, ConsolePage, PageCall, PageError
from byleave.server.errors import UnknownNameError
from byleave.server.links import may_open

_NO_LEAVE: Final = (
    _("This link does not open these results"),
    _("It may have expired. Ask whoever sent it for a new one."),
)
_NEVER_RAN: Final = (
    _("There is nothing here yet"),
    _("No experiment of this name ever ran on this site. Publish one and come back."),
)


async def show(call: PageCall) -> Response:
    """Show the results of an experiment."""
    key = _key(call)
    try:
        found = await run_in_threadpool(call.service.results, key)
    except UnknownNameError as error:
        raise PageError(404, *_NEVER_RAN) from error
    place = places(found.report)
    return call.page(
        "results.html",
        results=found,
        report=found.report,
        place=place,
        plot=interval_plot(found.report),
        allocations=allocation_plots(found.allocation, place=place, now_ms=found.as_of_ms),
    )


def _key(call: PageCall) -> str:
    """Return the experiment that is asked for, if these results may be read.

    Raises:
        PageError: There is neither a valid link nor a role that may read results.
    """
    key: str = call.request.path_params["key"]
    leave = call.request.query_params.get("leave", "")
    may_read = call.role in READERS or may_open(
        call.service.site, key, leave, now_ms=call.service.clock()
    )
    if not may_read:
        raise PageError(403, *_NO_LEAVE)
    return key


PAGES: Final = (
    ConsolePage(
        path="/results/{key}",
        roles=None,
        handle=show,
        summary="The results of an experiment, opened by a signed link.",
    ),
    ConsolePage(
        path="/console/experiments/{key}",
        roles=READERS,
        handle=show,
        summary="The results of an experiment.",
    ),
)
