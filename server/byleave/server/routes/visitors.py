"""What concerns one visitor: their choice, all that is kept of them, and forgetting it."""

from typing import Annotated, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.segments import Choice, Purpose, Regime
from byleave.segments.consent.record import Notice
from byleave.server.consents import StatedChoice
from byleave.server.http import json_response
from byleave.server.routes.routing import SERVER, ApiRoute, Call, visitor_of
from byleave.server.times import TimeMs

_Short = Annotated[str, msgspec.Meta(max_length=100)]
_Signal = Annotated[str, msgspec.Meta(max_length=2_048)]


class ConsentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A choice, who said so, when it was made, and what proves it."""

    choices: dict[Purpose, Choice]
    source: _Short
    at: TimeMs
    regime: Regime = Regime.OPT_IN
    notice: Notice | None = None
    place: _Short | None = None
    method: _Short = "unknown"
    signals: Annotated[dict[_Short, _Signal], msgspec.Meta(max_length=10)] = {}


async def put_consent(call: Call) -> Response:
    """Record a choice; withdrawing erases the visitor."""
    choice: ConsentRequest = call.data
    record = StatedChoice(
        choices=choice.choices,
        source=choice.source,
        at=choice.at,
        regime=choice.regime,
        notice=choice.notice,
        place=choice.place,
        method=choice.method,
        signals=choice.signals,
    )
    is_erased = await run_in_threadpool(call.service.record_consent, visitor_of(call), record)
    return json_response({"recorded": True, "is_erased": is_erased})


async def get_visitor(call: Call) -> Response:
    """Return all that is kept of a visitor."""
    return json_response(await run_in_threadpool(call.service.export, visitor_of(call)))


async def get_attributes(call: Call) -> Response:
    """Return what other systems know of a visitor now."""
    known = await run_in_threadpool(call.service.attributes, visitor_of(call))
    return json_response({"attributes": known})


async def delete_visitor(call: Call) -> Response:
    """Forget a visitor."""
    await run_in_threadpool(call.service.erase, visitor_of(call))
    return Response(status_code=204)


ROUTES: Final = (
    ApiRoute(
        method="PUT",
        path="/v1/consent/{visitor}",
        roles=SERVER,
        most_bytes=32_768,
        handle=put_consent,
        summary="Record a choice. Taking consent back erases the visitor.",
        reads=ConsentRequest,
    ),
    ApiRoute(
        method="GET",
        path="/v1/visitors/{visitor}",
        roles=SERVER,
        most_bytes=0,
        handle=get_visitor,
        summary="All that is kept of a visitor.",
    ),
    ApiRoute(
        method="GET",
        path="/v1/visitors/{visitor}/attributes",
        roles=SERVER,
        most_bytes=0,
        handle=get_attributes,
        summary="What other systems know of a visitor: values by attribute.",
    ),
    ApiRoute(
        method="DELETE",
        path="/v1/visitors/{visitor}",
        roles=SERVER,
        most_bytes=0,
        handle=delete_visitor,
        summary="Forget a visitor; their id is refused from now on.",
        status=204,
        media_type=None,
    ),
)
