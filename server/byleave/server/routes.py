"""Every route of the API, in one table: who may call it, how much they may send, what it does."""

import logging
from asyncio import wrap_future
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from re import fullmatch
from typing import Annotated, Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from byleave.segments import Choice, Purpose, Regime
from byleave.server.consents import StatedChoice
from byleave.server.deciding import DecideRequest
from byleave.server.errors import BusyError, UnknownNameError
from byleave.server.events import EVENT_ID, VISITOR_ID
from byleave.server.http import Problem, is_unchanged, json_response, parse
from byleave.server.keys import Role
from byleave.server.metrics import CONTENT_TYPE, Metrics
from byleave.server.recording import Verdict
from byleave.server.service import Service

_log = logging.getLogger("byleave.server")

#: A sender whose clock is further from ours than this is told of in the log.
_SKEW_MS: Final = 300_000


@dataclass(frozen=True, slots=True)
class Call:
    """A request that may be answered: its caller was let in and its body read."""

    service: Service
    request: Request
    role: Role | None
    body: bytes


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRoute:
    """One route.

    Attributes:
        method: Its method.
        path: Its path.
        roles: The keys that open it; None needs no key.
        most_bytes: The longest body it reads.
        handle: What answers it.
        summary: What it does, in a sentence.
    """

    method: str
    path: str
    roles: frozenset[Role] | None
    most_bytes: int
    handle: Handler
    summary: str


class EventsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A batch of events, and when it left the sender."""

    sent_at: int
    events: Annotated[tuple[Any, ...], msgspec.Meta(max_length=500)]


class CountersRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a site counted of nobody in particular since its last report."""

    id: Annotated[str, msgspec.Meta(pattern=EVENT_ID)]
    at: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    counts: Annotated[
        dict[
            Annotated[str, msgspec.Meta(min_length=1, max_length=160)],
            Annotated[int, msgspec.Meta(ge=0, le=10**9)],
        ],
        msgspec.Meta(max_length=500),
    ]


class ConsentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A choice, who said so, and when it was made."""

    choices: dict[Purpose, Choice]
    source: Annotated[str, msgspec.Meta(max_length=100)]
    at: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    regime: Regime = Regime.OPT_IN


async def take_events(call: Call) -> Response:
    """Store a batch of events; the answer comes after the commit."""
    request = parse(call.body, EventsRequest)
    skew_ms = request.sent_at - call.service.clock()
    if abs(skew_ms) > _SKEW_MS:
        _log.warning("a sender's clock is wrong", extra={"skew_ms": skew_ms})
    intake = call.service.read_batch(request.events, may_expose=call.role is Role.SERVER)
    try:
        stored = call.service.ingestion.submit(list(intake.events.values()))
    except BusyError as error:
        raise Problem(503, str(error), headers={"Retry-After": "1"}) from error
    verdicts: list[Verdict] = await wrap_future(stored)
    return json_response(intake.result(verdicts), status=202)


async def add_counts(call: Call) -> Response:
    """Add what a site counted; the answer comes after the commit."""
    report = parse(call.body, CountersRequest)
    is_new = await run_in_threadpool(
        call.service.add_counts, report.id, report.counts, at_ms=report.at
    )
    return json_response({"added": is_new}, status=202)


async def get_snapshot(call: Call) -> Response:
    """Return the publication in force."""
    published = call.service.published
    headers = {"ETag": published.etag, "Cache-Control": "private, no-cache"}
    if is_unchanged(call.request, published.etag):
        return Response(status_code=304, headers=headers)
    return Response(published.body, headers=headers, media_type="application/json")


async def decide(call: Call) -> Response:
    """Return decisions for one visitor."""
    return json_response(call.service.decide(parse(call.body, DecideRequest)))


async def get_results(call: Call) -> Response:
    """Return the results of an experiment."""
    key = call.request.path_params["key"]
    try:
        results = await run_in_threadpool(call.service.results, key)
    except UnknownNameError as error:
        raise Problem(404, str(error)) from error
    return json_response(results.to_plain())


async def put_consent(call: Call) -> Response:
    """Record a choice; withdrawing erases the visitor."""
    choice = parse(call.body, ConsentRequest)
    record = StatedChoice(
        choices=choice.choices, source=choice.source, at=choice.at, regime=choice.regime
    )
    is_erased = await run_in_threadpool(call.service.record_consent, _visitor(call), record)
    return json_response({"recorded": True, "is_erased": is_erased})


async def get_visitor(call: Call) -> Response:
    """Return all that is kept of a visitor."""
    return json_response(await run_in_threadpool(call.service.export, _visitor(call)))


async def get_attributes(call: Call) -> Response:
    """Return what other systems know of a visitor now."""
    known = await run_in_threadpool(call.service.attributes, _visitor(call))
    return json_response({"attributes": known})


async def delete_visitor(call: Call) -> Response:
    """Forget a visitor."""
    await run_in_threadpool(call.service.erase, _visitor(call))
    return Response(status_code=204)


async def is_alive(call: Call) -> Response:
    """Say that the process answers; touches nothing that could block."""
    return json_response({"status": "alive"})


async def is_ready(call: Call) -> Response:
    """Say whether the service can do its work, and what it lacks."""
    lacking = await run_in_threadpool(call.service.lacking)
    if lacking:
        raise Problem(503, "not ready: " + "; ".join(lacking), headers={"Retry-After": "5"})
    return json_response({"status": "ready"})


async def get_metrics(call: Call) -> Response:
    """Return the figures of this process."""
    metrics: Metrics = call.request.app.state.metrics
    text = await run_in_threadpool(metrics.text)
    return Response(text, headers={"Cache-Control": "no-store"}, media_type=CONTENT_TYPE)


def _visitor(call: Call) -> str:
    visitor: str = call.request.path_params["visitor"]
    if not fullmatch(VISITOR_ID, visitor):
        raise Problem(422, "expected a visitor's id of at most 128 letters, digits and ._~:@+-")
    return visitor


_SERVER: Final = frozenset({Role.SERVER})
_SENDERS: Final = frozenset({Role.SERVER, Role.PUBLIC})
_READERS: Final = frozenset({Role.SERVER, Role.ANALYST})

ROUTES: Final = (
    ApiRoute(
        method="POST",
        path="/v1/events",
        roles=_SENDERS,
        most_bytes=262_144,
        handle=take_events,
        summary="Store a batch of events. 202 means committed; refused ones are listed.",
    ),
    ApiRoute(
        method="POST",
        path="/v1/counters",
        roles=_SERVER,
        most_bytes=65_536,
        handle=add_counts,
        summary="Add what a site counted of nobody in particular, such as pages by consent.",
    ),
    ApiRoute(
        method="GET",
        path="/v1/snapshot",
        roles=_SERVER,
        most_bytes=0,
        handle=get_snapshot,
        summary="The definitions and weights in force, with a strong ETag.",
    ),
    ApiRoute(
        method="POST",
        path="/v1/decide",
        roles=_SERVER,
        most_bytes=65_536,
        handle=decide,
        summary="Decisions for one visitor, and the state to bring along next time.",
    ),
    ApiRoute(
        method="GET",
        path="/v1/experiments/{key}/results",
        roles=_READERS,
        most_bytes=0,
        handle=get_results,
        summary="Lift with its interval, health, and the allocation as it moved.",
    ),
    ApiRoute(
        method="PUT",
        path="/v1/consent/{visitor}",
        roles=_SERVER,
        most_bytes=4_096,
        handle=put_consent,
        summary="Record a choice. Taking consent back erases the visitor.",
    ),
    ApiRoute(
        method="GET",
        path="/v1/visitors/{visitor}",
        roles=_SERVER,
        most_bytes=0,
        handle=get_visitor,
        summary="All that is kept of a visitor.",
    ),
    ApiRoute(
        method="GET",
        path="/v1/visitors/{visitor}/attributes",
        roles=_SERVER,
        most_bytes=0,
        handle=get_attributes,
        summary="What other systems know of a visitor: values by attribute.",
    ),
    ApiRoute(
        method="DELETE",
        path="/v1/visitors/{visitor}",
        roles=_SERVER,
        most_bytes=0,
        handle=delete_visitor,
        summary="Forget a visitor; their id is refused from now on.",
    ),
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
        roles=_READERS,
        most_bytes=0,
        handle=get_metrics,
        summary="Figures of this process for Prometheus.",
    ),
)
