"""What is learned from: events, counts of nobody in particular; and what was: results."""

import logging
from asyncio import wrap_future
from typing import Annotated, Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.server.access import READERS
from byleave.server.errors import BusyError, UnknownNameError
from byleave.server.events import EVENT_ID
from byleave.server.http import Problem, json_response
from byleave.server.intake import Stranger
from byleave.server.keys import Role
from byleave.server.recording import Verdict
from byleave.server.routes.routing import SENDERS, SERVER, ApiRoute, Call
from byleave.server.times import TimeMs

_log = logging.getLogger("byleave.server")

#: A sender whose clock is further from ours than this is told of in the log.
_SKEW_MS: Final = 300_000


class EventsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A batch of events, and when it left the sender."""

    sent_at: int
    events: Annotated[tuple[Any, ...], msgspec.Meta(max_length=500)]


class CountersRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a site counted of nobody in particular since its last report."""

    id: Annotated[str, msgspec.Meta(pattern=EVENT_ID)]
    at: TimeMs
    counts: Annotated[
        dict[
            Annotated[str, msgspec.Meta(min_length=1, max_length=160)],
            Annotated[int, msgspec.Meta(ge=0, le=10**9)],
        ],
        msgspec.Meta(max_length=500),
    ]


async def take_events(call: Call) -> Response:
    """Store a batch of events; the answer comes after the commit."""
    request: EventsRequest = call.data
    skew_ms = request.sent_at - call.service.clock()
    if abs(skew_ms) > _SKEW_MS:
        _log.warning("a sender's clock is wrong", extra={"skew_ms": skew_ms})
    intake = call.service.read_batch(request.events, stranger=_stranger(call))
    try:
        stored = call.service.ingestion.submit(list(intake.events.values()))
    except BusyError as error:
        raise Problem(503, str(error), headers={"Retry-After": "1"}) from error
    verdicts: list[Verdict] = await wrap_future(stored)
    return json_response(intake.result(verdicts), status=202)


def _stranger(call: Call) -> Stranger | None:
    """Return who sends, unless it is a server of the site."""
    if call.role is Role.SERVER:
        return None
    client = call.request.client
    agent = call.request.headers.get("user-agent", "")
    return Stranger(address=client.host if client else "", agent=agent)


async def add_counts(call: Call) -> Response:
    """Add what a site counted; the answer comes after the commit."""
    report: CountersRequest = call.data
    is_new = await run_in_threadpool(
        call.service.add_counts, report.id, report.counts, at_ms=report.at
    )
    return json_response({"added": is_new}, status=202)


async def get_results(call: Call) -> Response:
    """Return the results of an experiment."""
    key = call.request.path_params["key"]
    try:
        results = await run_in_threadpool(call.service.results, key)
    except UnknownNameError as error:
        raise Problem(404, str(error)) from error
    return json_response(results.to_plain())


ROUTES: Final = (
    ApiRoute(
        method="POST",
        path="/v1/events",
        roles=SENDERS,
        most_bytes=262_144,
        handle=take_events,
        summary="Store a batch of events. 202 means committed; refused ones are listed.",
        reads=EventsRequest,
        status=202,
    ),
    ApiRoute(
        method="POST",
        path="/v1/counters",
        roles=SERVER,
        most_bytes=65_536,
        handle=add_counts,
        summary="Add what a site counted of nobody in particular, such as pages by consent.",
        reads=CountersRequest,
        status=202,
    ),
    ApiRoute(
        method="GET",
        path="/v1/experiments/{key}/results",
        roles=READERS,
        most_bytes=0,
        handle=get_results,
        summary="Lift with its interval, health, and the allocation as it moved.",
    ),
)
