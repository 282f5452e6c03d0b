"""What decisions are made by, and decisions for those who do not make their own."""

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.server.deciding import DecideRequest
from byleave.server.http import is_unchanged, json_response
from byleave.server.packing import IDENTITY
from byleave.server.routes.routing import SERVER, ApiRoute, Call
from byleave.server.streaming import Streams


async def get_snapshot(call: Call) -> Response:
    """Return the publication in force, in the encoding that the reader likes best."""
    packable = call.service.published.packable
    accepted = call.request.headers.get("accept-encoding", "")
    # A large publication takes a while to pack; it is packed once.
    coding, body = await run_in_threadpool(packable.best, accepted)
    etag = packable.etag(coding)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    if is_unchanged(call.request, etag):
        return Response(status_code=304, headers=headers)
    if coding != IDENTITY:
        headers["Content-Encoding"] = coding
    return Response(body, headers=headers, media_type="application/json")


async def stream(call: Call) -> Response:
    """Tell of each new publication as it comes into force."""
    streams: Streams = call.request.app.state.streams
    return streams.stream(call.request.headers.get("last-event-id", ""))


async def decide(call: Call) -> Response:
    """Return decisions for one visitor."""
    return json_response(call.service.decide(call.data))


ROUTES: Final = (
    ApiRoute(
        method="GET",
        path="/v1/snapshot",
        roles=SERVER,
        most_bytes=0,
        handle=get_snapshot,
        summary="The definitions and weights in force, with a strong ETag; gzip or zstd.",
        also=frozenset({304}),
    ),
    ApiRoute(
        method="GET",
        path="/v1/stream",
        roles=SERVER,
        most_bytes=0,
        handle=stream,
        summary="Server-sent notices of new publications.",
        headers={"Last-Event-ID": {"type": "string"}},
        media_type="text/event-stream",
    ),
    ApiRoute(
        method="POST",
        path="/v1/decide",
        roles=SERVER,
        most_bytes=65_536,
        handle=decide,
        summary="Decisions for one visitor, and the state to bring along next time.",
        reads=DecideRequest,
    ),
)
