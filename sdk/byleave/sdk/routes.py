"""The site's own `/.byleave/` routes, by path."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from byleave.sdk.beacon import EVENTS_PATH, FILES, script
from byleave.sdk.consent_routes import CONSENT_PATH, take_choice
from byleave.sdk.exchange import (
    MOST_BODY_BYTES,
    Receive,
    Send,
    answer,
    is_same_origin,
    read_body,
    refuse,
)
from byleave.sdk.failures import report
from byleave.sdk.reports import take_report
from byleave.sdk.visit import Visit

Route = Callable[[Visit, Receive, Send], Coroutine[Any, Any, None]]


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
        cookies = visit.set_cookies()
    except Exception as error:
        report("report not taken", error)
    return await answer(send, 204, cookies=cookies)


def _file(name: str) -> Route:
    """Return what answers with a file of the script."""

    async def send_file(visit: Visit, receive: Receive, send: Send) -> None:
        del receive
        if visit.scope["method"] not in ("GET", "HEAD"):
            return await refuse(send, 405, "The script can only be fetched.")
        headers = [
            ("content-type", "text/javascript; charset=utf-8"),
            ("cache-control", "public, max-age=31536000, immutable"),
            ("x-content-type-options", "nosniff"),
        ]
        return await answer(send, 200, headers=headers, body=script(name))

    return send_file


ROUTES: Final[Mapping[str, Route]] = {
    CONSENT_PATH: take_choice,
    EVENTS_PATH: _take_report,
    **{f"/.byleave/{name}.js": _file(name) for name in FILES},
}
