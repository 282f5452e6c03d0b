"""What decisions are made by, and decisions for those who do not make their own."""

from typing import Final

from starlette.responses import Response

from byleave.server.deciding import DecideRequest
from byleave.server.http import is_unchanged, json_response
from byleave.server.routes.routing import SERVER, ApiRoute, Call


async def get_snapshot(call: Call) -> Response:
    """Return the publication in force."""
    published = call.service.published
    headers = {"ETag": published.etag, "Cache-Control": "private, no-cache"}
    if is_unchanged(call.request, published.etag):
        return Response(status_code=304, headers=headers)
    return Response(published.body, headers=headers, media_type="application/json")


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
        summary="The definitions and weights in force, with a strong ETag.",
        also=frozenset({304}),
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
