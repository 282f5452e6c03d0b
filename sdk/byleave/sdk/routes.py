"""The site's own `/.byleave/` routes, by path."""

from collections.abc import Callable, Coroutine, Mapping
from importlib import import_module
from typing import Any, Final

from byleave.sdk.asgi_types import Receive, Scope, Send
from byleave.sdk.beacon import EVENTS_PATH, SCRIPTS, address, file
from byleave.sdk.carried import refresh
from byleave.sdk.exchange import MOST_BODY_BYTES, answer, is_same_origin, read_body, refuse
from byleave.sdk.failures import report
from byleave.sdk.images import IMAGES_PATH
from byleave.sdk.offers import shown_cookie
from byleave.sdk.reports import take_report
from byleave.sdk.request_attributes import own_path
from byleave.sdk.visit import Visit

Route = Callable[[Visit, Receive, Send], Coroutine[Any, Any, None]]

_ONE_IMAGE: Final = f"{IMAGES_PATH}{{image}}"
_FOREVER: Final = "public, max-age=31536000, immutable"


async def _take_report(visit: Visit, receive: Receive, send: Send) -> None:
    if visit.scope["method"] != "POST":
        return await refuse(send, 405, "Send reports by POST.")
    if not is_same_origin(visit.scope):
        return await refuse(send, 403, "Reports come from this site's own pages.")
    body = await read_body(receive, most_bytes=MOST_BODY_BYTES)
    if body is None:
        return await refuse(send, 413, "The report is too large.")
    cookies: list[str] = []
    try:
        take_report(visit, body)
        await refresh(visit)
        cookies = [*visit.set_cookies(), *shown_cookie(visit)]
    except Exception as error:
        report("report not taken", error)
    return await answer(send, 204, cookies=cookies)


def _file(name: str, kind: str) -> Route:
    """Return what answers with a file for browsers."""

    async def send_file(visit: Visit, receive: Receive, send: Send) -> None:
        del receive
        if visit.scope["method"] not in ("GET", "HEAD"):
            return await refuse(send, 405, "This file can only be fetched.")
        asked = visit.scope.get("query_string", b"").decode("latin-1")
        kept = "no-cache" if asked else "public, max-age=3600"
        if asked == address(name).partition("?")[2]:
            kept = _FOREVER  # under another release's address it would be the wrong file for good
        headers = [
            ("content-type", f"text/{kind}; charset=utf-8"),
            ("cache-control", kept),
            ("x-content-type-options", "nosniff"),
        ]
        return await answer(send, 200, headers=headers, body=file(name))

    return send_file


def _later(module: str, name: str) -> Route:
    """Return a route whose module is loaded when somebody first takes it; most sites need few."""

    async def take(visit: Visit, receive: Receive, send: Send) -> None:
        route: Route = getattr(import_module(f"byleave.sdk.{module}"), name)
        await route(visit, receive, send)

    return take


ROUTES: Final[Mapping[str, Route]] = {
    EVENTS_PATH: _take_report,
    "/.byleave/consent": _later("consent_routes", "take_choice"),
    "/.byleave/decisions": _later("decision_routes", "take_question"),
    "/.byleave/profile": _later("visitor_routes", "take_profile"),
    "/.byleave/signature": _later("sharing", "name_page"),
    "/.well-known/gpc.json": _later("visitor_routes", "send_gpc"),
    _ONE_IMAGE: _later("image_routes", "send_image"),
    "/.byleave/controls.css": _file("controls.css", "css"),
    **{f"/.byleave/{name}": _file(name, "javascript") for name in SCRIPTS},
}


def route_of(scope: Scope) -> Route | None:
    """Return what answers a request; None where the site itself does."""
    path = own_path(scope)
    return ROUTES.get(_ONE_IMAGE if path.startswith(IMAGES_PATH) else path)
