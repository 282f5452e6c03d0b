"""Pages for people, rendered here and useful without JavaScript.

A page is opened by a signed link, or with a key that may read results. It may be framed by
nobody, loads nothing from elsewhere, and is kept by no cache.
"""

from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from byleave.experiments.lift import Interval
from byleave.server.access import role_of
from byleave.server.errors import NothingPublishedError, UnknownNameError
from byleave.server.figures import allocation_plots, interval_plot, places
from byleave.server.keys import Role
from byleave.server.links import may_open
from byleave.server.service import Service

_HERE: Final = Path(__file__).parent
_STYLE: Final = (_HERE / "static" / "byleave.css").read_bytes()
_STYLE_PATH: Final = f"/static/byleave.{blake2b(_STYLE, digest_size=8).hexdigest()}.css"

_NOTHING: Final = "\N{EN DASH}"

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def page_routes(service: Service) -> list[Route]:
    """Return the routes of the pages and of what they load."""

    async def results(request: Request) -> Response:
        key = request.path_params["key"]
        if not _may_read(service, request, key):
            return _message(
                403,
                "This link does not open these results",
                "It may have expired. Ask whoever sent it for a new one.",
            )
        try:
            found = await run_in_threadpool(service.results, key)
        except (UnknownNameError, NothingPublishedError):
            return _message(
                404,
                "There is nothing here yet",
                f"No experiment named {key} ever ran on this site. Publish one and come back.",
            )
        place = places(found.report)
        return _page(
            200,
            "results.html",
            results=found,
            report=found.report,
            place=place,
            plot=interval_plot(found.report),
            allocations=allocation_plots(found.allocation, place=place, now_ms=found.as_of_ms),
        )

    async def style(_request: Request) -> Response:
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(_STYLE, headers=headers, media_type="text/css")

    return [Route("/results/{key}", results), Route(_STYLE_PATH, style)]


def _may_read(service: Service, request: Request, key: str) -> bool:
    leave = request.query_params.get("leave", "")
    if may_open(service.site, key, leave, now_ms=service.clock()):
        return True
    return role_of(service.keys, request) in (Role.SERVER, Role.ANALYST)


def _message(status: int, title: str, text: str) -> Response:
    return _page(status, "message.html", title=title, text=text)


def _page(status: int, template: str, **values: Any) -> Response:
    html = _TEMPLATES.get_template(template).render(style=_STYLE_PATH, **values)
    return Response(html, status, headers=_HEADERS, media_type="text/html")


def _percent(share: float | None, *, signed: bool = False) -> str:
    """Return a share as people read it."""
    return _amount(share, "conversion", signed=signed)


def _amount(value: float | None, kind: str, *, signed: bool = False) -> str:
    """Return a goal's value: conversions as a share, everything else in its own unit."""
    if value is None:
        return _NOTHING
    sign = "+" if signed else ""
    # Adding 0 turns a negative zero, left by rounding, into a plain one.
    if kind == "conversion":
        text = f"{round(100 * value, 1) + 0.0:{sign}.1f} %"
    else:
        text = f"{round(value, 2) + 0.0:{sign},.2f}"
    return text.replace("-", "\N{MINUS SIGN}")


def _tick(value: float, kind: str) -> str:
    """Return the label of a tick, which is round: no more digits than it needs."""
    text = f"{100 * value:+.10g} %" if kind == "conversion" else f"{value:+.10g}"
    return text.replace("-", "\N{MINUS SIGN}") if value else text.removeprefix("+")


def _range(interval: Interval | None, kind: str) -> str:
    """Return the two ends of an interval."""
    if interval is None:
        return _NOTHING
    low, high = (_amount(end, kind, signed=True) for end in (interval.low, interval.high))
    return f"{low} to {high}"


def _whole(number: int | None) -> str:
    """Return a count; None stands for too few to be shown."""
    return "fewer than 10" if number is None else f"{number:,}"


def _moment(at_ms: int) -> str:
    """Return a time in UTC, to the minute."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {
    "percent": _percent,
    "amount": _amount,
    "range": _range,
    "tick": _tick,
    "whole": _whole,
    "moment": _moment,
}
