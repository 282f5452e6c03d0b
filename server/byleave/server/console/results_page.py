"""The results of an experiment, for whoever may read results or has a signed link to them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.server.access import EDITORS, READERS
from byleave.server.console.display import Display
from byleave.server.console.display import marked as _
from byleave.server.console.experiments_life import begins_ms
from byleave.server.console.exports import export
from byleave.server.console.figures import Effect
from byleave.server.console.keeping import kept
from byleave.server.console.results_view import ResultsView, results_view
from byleave.server.console.routing import ConsolePage, PageCall, PageError
from byleave.server.errors import UnknownNameError
from byleave.server.links import may_open
from byleave.server.results import Results
from byleave.server.service import Service

_NO_LEAVE: Final = (
    _("This link does not open these results"),
    _("It may have expired. Ask whoever sent it for a new one."),
)
_NEVER_RAN: Final = (
    _("There is nothing here yet"),
    _("No experiment of this name ran on this site by then. Publish one and come back."),
)
_NO_MOMENT: Final = (
    _("This is no day that results can be shown of"),
    _("Write it like 2026-03-31, or open the results of today and choose one there."),
)


async def show(call: PageCall) -> Response:
    """Show the results of an experiment."""
    view = await _view(call)
    moment = datetime.fromtimestamp(view.results.as_of_ms / 1000, UTC)
    permalink = view.address(effect=view.effect, as_of=moment.isoformat(timespec="milliseconds"))
    key = view.results.experiment
    published = call.service.published.snapshot.definitions.experiments.get(key)
    return call.page(
        "results.html",
        view=view,
        permalink=permalink,
        begins_ms=begins_ms(published, call.service.clock()),
        may_change=published is not None and call.role in EDITORS,
    )


async def save(call: PageCall) -> Response:
    """Return a file of the results: CSV, JSON or SVG."""
    return export(await _view(call), call.request.path_params["file"], display=call.display)


async def _view(call: PageCall) -> ResultsView:
    """Return what the page shows.

    Raises:
        PageError: The results may not be read, or there are none.
    """
    query = call.request.query_params
    key: str = call.request.path_params["key"]
    leave = query.get("leave", "")
    is_link = may_open(call.service.site, key, leave, now_ms=call.service.clock())
    if not is_link and call.role not in READERS:
        raise PageError(403, *_NO_LEAVE)
    as_of = query.get("as_of", "")
    try:
        results = await run_in_threadpool(
            _results, call.service, key, _moment_ms(as_of, call.display)
        )
    except UnknownNameError as error:
        raise PageError(404, *_NEVER_RAN) from error
    file = call.request.path_params.get("file", "")
    effect = query.get("effect", "")
    kept = {"leave": leave if is_link else "", "effect": effect if effect in {*Effect} else ""}
    return results_view(
        results,
        effect=effect,
        path=call.request.url.path.removesuffix(f"/{file}") if file else call.request.url.path,
        query={name: value for name, value in (kept | {"as_of": as_of}).items() if value},
    )


def _results(service: Service, key: str, as_of_ms: int | None) -> Results:
    """Return results as of a moment, or of now, up to a minute old."""
    if as_of_ms is not None:
        return service.results(key, as_of_ms=as_of_ms)
    return kept(service, f"results/{key}", lambda: service.results(key))


def _moment_ms(text: str, display: Display) -> int | None:
    """Return the end of a day, or a moment, in milliseconds; None for now.

    A moment that does not say its offset is one of the reader's zone, as the day is.

    Raises:
        PageError: It is neither.
    """
    if not text:
        return None
    try:
        if len(text) == len("2026-03-31"):
            day = date.fromisoformat(text) + timedelta(days=1)
            moment = datetime.combine(day, time(), display.tzinfo)
        else:
            moment = datetime.fromisoformat(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=display.tzinfo)
        return round(moment.timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise PageError(422, *_NO_MOMENT) from error


PAGES: Final = (
    ConsolePage(
        path="/results/{key}",
        roles=None,
        handle=show,
        summary="The results of an experiment, opened by a signed link.",
    ),
    ConsolePage(
        path="/results/{key}/{file}",
        roles=None,
        handle=save,
        summary="A file of these results, opened by the same link.",
    ),
    ConsolePage(
        path="/console/experiments/{key}",
        roles=READERS,
        handle=show,
        summary="The results of an experiment.",
    ),
    ConsolePage(
        path="/console/experiments/{key}/{file}",
        roles=READERS,
        handle=save,
        summary="A file of these results: CSV, JSON or SVG.",
    ),
)
