"""Whether the process answers, whether it can do its work, and its figures."""

from asyncio import Task, create_task, shield
from time import monotonic
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.server.access import READERS
from byleave.server.http import Problem, json_response
from byleave.server.metrics import CONTENT_TYPE, Metrics
from byleave.server.routes.routing import ApiRoute, Call

#: What was seen is told again for so long, in seconds.
_FRESH_S: Final = 0.5


async def is_alive(_call: Call) -> Response:
    """Say that the process answers; touches nothing that could block."""
    return json_response({"status": "alive"})


async def is_ready(call: Call) -> Response:
    """Say whether the service can do its work, and what it lacks."""
    state = call.request.app.state
    looking: Task[list[str]] | None = state.looking
    # Who asks meanwhile, or right after it, is told the same: anybody may, and a look is a write.
    if looking is None or (looking.done() and monotonic() - state.looked_s > _FRESH_S):
        state.looking = looking = create_task(run_in_threadpool(call.service.lacking))
        state.looked_s = monotonic()
    if lacking := await shield(looking):
        raise Problem(503, "not ready: " + "; ".join(lacking), headers={"Retry-After": "5"})
    return json_response({"status": "ready"})


async def get_metrics(call: Call) -> Response:
    """Return the figures of this process."""
    metrics: Metrics = call.request.app.state.metrics
    text = await run_in_threadpool(metrics.text)
    return Response(text, headers={"Cache-Control": "no-store"}, media_type=CONTENT_TYPE)


async def describe(call: Call) -> Response:
    """Return the OpenAPI document of this server."""
    return json_response(call.request.app.state.openapi)


ROUTES: Final = (
    ApiRoute(
        method="GET",
        path="/livez",
        roles=None,
        most_bytes=0,
        handle=is_alive,
        summary="Whether the process answers.",
    ),
    ApiRoute(
        method="GET",
        path="/readyz",
        roles=None,
        most_bytes=0,
        handle=is_ready,
        summary="Whether it can store, decide and publish.",
    ),
    ApiRoute(
        method="GET",
        path="/metrics",
        roles=READERS,
        most_bytes=0,
        handle=get_metrics,
        summary="Figures of this process for Prometheus.",
        media_type=CONTENT_TYPE,
    ),
    ApiRoute(
        method="GET",
        path="/openapi.json",
        roles=None,
        most_bytes=0,
        handle=describe,
        summary="This table as OpenAPI 3.1.",
    ),
)
