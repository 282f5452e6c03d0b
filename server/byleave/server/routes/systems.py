"""What other systems tell of visitors, and what they are told."""

from typing import Annotated, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.segments import Purpose
from byleave.segments.naming import NAME_RULE, is_name
from byleave.server.access import ADMINS
from byleave.server.attributes import Observation
from byleave.server.bulk import Bad, Read, Values, VisitorId, read_json_lines, read_table
from byleave.server.events import END
from byleave.server.http import Problem, json_response
from byleave.server.outbound import UnsafeUrlError
from byleave.server.routes.routing import SERVER, ApiRoute, Call, visitor_of
from byleave.server.service import Service
from byleave.server.times import TimeMs
from byleave.server.visitors import ErasedError
from byleave.server.webhooks import TOPIC, Webhook

_OPERATORS: Final = SERVER | ADMINS

#: So many lines are kept by one transaction, so that events do not wait for long.
_AT_ONCE: Final = 500
#: Reasons that an answer lists; further refused lines are counted.
_MOST_REASONS: Final = 100


class ChangeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What another system knows of a visitor, and as whom they were known before."""

    observed_at: TimeMs | None = None
    attributes: Values = {}
    same_as: VisitorId | None = None


class WebhookRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told what, for which purpose."""

    url: Annotated[str, msgspec.Meta(max_length=2_000)]
    topics: Annotated[
        tuple[Annotated[str, msgspec.Meta(pattern=f"^{TOPIC}{END}")], ...],
        msgspec.Meta(min_length=1, max_length=100),
    ]
    use: Purpose = Purpose.MARKETING


async def change_visitor(call: Call) -> Response:
    """Keep attributes of a visitor, and merge them with whom they were known as."""
    visitor, change = visitor_of(call), call.data
    if change.attributes and change.observed_at is None:
        raise Problem(422, "expected observed_at beside attributes")
    if change.attributes:
        observation = Observation(
            visitor=visitor, observed_ms=change.observed_at, values=change.attributes
        )
        observed = await run_in_threadpool(call.service.observe, [observation])
        if observed.refused:
            is_erased = observed.is_erased(0)
            raise Problem(410 if is_erased else 422, observed.refused[0])
    kept = visitor
    if change.same_as is not None:
        try:
            kept = await run_in_threadpool(call.service.merge, visitor, change.same_as)
        except ErasedError as error:
            raise Problem(410, str(error)) from error
    return json_response({"visitor": kept})


async def take_attributes(call: Call) -> Response:
    """Keep attributes of many visitors; each line is judged by itself."""
    kind = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    declared = call.service.published.snapshot.definitions.attributes
    match kind:
        case "application/x-ndjson" | "application/jsonl":
            lines = read_json_lines(call.body)
        case "text/csv":
            lines = read_table(call.body, declared)
        case _:
            raise Problem(415, "expected Content-Type application/x-ndjson or text/csv")
    return json_response(await run_in_threadpool(_keep, call.service, lines))


def _keep(service: Service, lines: Read) -> dict[str, object]:
    reasons: list[tuple[int, str]] = []
    taken = 0
    batch: list[tuple[int, Observation]] = []

    def keep() -> int:
        observed = service.observe([observation for _, observation in batch])
        reasons.extend((batch[place][0], why) for place, why in observed.refused.items())
        batch.clear()
        return observed.taken

    for number, line in [*lines]:  # a body that is refused is refused before any of it is kept
        if isinstance(line, Bad):
            reasons.append((number, line.reason))
        else:
            batch.append((number, line))
            if len(batch) == _AT_ONCE:
                taken += keep()
    taken += keep()
    listed = [{"line": number, "reason": why} for number, why in sorted(reasons)[:_MOST_REASONS]]
    return {"taken": taken, "refused": len(reasons), "reasons": listed}


async def get_webhooks(call: Call) -> Response:
    """Return each webhook, and what it did not take yet; never a secret."""
    known = await run_in_threadpool(call.service.outreach.webhooks)
    return json_response(
        {
            "webhooks": [
                {
                    "webhook": each.key,
                    "url": each.url,
                    "topics": each.topics,
                    "use": each.use,
                    "waiting": waiting,
                    "aside": aside,
                }
                for each, waiting, aside in known
            ]
        }
    )


async def put_webhook(call: Call) -> Response:
    """Keep a webhook, and return the secret that signs what it is told."""
    wanted = call.data
    webhook = Webhook(key=_name(call), url=wanted.url, topics=wanted.topics, use=wanted.use)
    try:
        secret = await run_in_threadpool(call.service.outreach.put, webhook)
    except UnsafeUrlError as error:
        raise Problem(422, str(error)) from error
    return json_response({"secret": secret})


async def delete_webhook(call: Call) -> Response:
    """Forget a webhook and what it was still to be told."""
    if not await run_in_threadpool(call.service.outreach.drop, _name(call)):
        raise Problem(404, "there is no webhook of this name")
    return Response(status_code=204)


async def retry_webhook(call: Call) -> Response:
    """Send what a webhook did not take once more."""
    count = await run_in_threadpool(call.service.outreach.try_again, _name(call))
    return json_response({"messages": count})


def _name(call: Call) -> str:
    name: str = call.request.path_params["webhook"]
    if not is_name(name):
        raise Problem(422, NAME_RULE)
    return name


ROUTES: Final = (
    ApiRoute(
        method="PATCH",
        path="/v1/visitors/{visitor}",
        roles=SERVER,
        most_bytes=65_536,
        handle=change_visitor,
        summary="Keep what another system knows of a visitor; merge two ids of one person.",
        reads=ChangeRequest,
        also=frozenset({410}),
    ),
    ApiRoute(
        method="POST",
        path="/v1/attributes",
        roles=SERVER,
        most_bytes=4_194_304,
        handle=take_attributes,
        summary="Keep attributes of many visitors: lines of JSON, or comma-separated values.",
        also=frozenset({400, 415, 422}),
    ),
    ApiRoute(
        method="GET",
        path="/v1/webhooks",
        roles=_OPERATORS,
        most_bytes=0,
        handle=get_webhooks,
        summary="Every webhook, and how much it did not take yet.",
    ),
    ApiRoute(
        method="PUT",
        path="/v1/webhooks/{webhook}",
        roles=_OPERATORS,
        most_bytes=16_384,
        handle=put_webhook,
        summary="Tell another system of goals, segments and experiments; returns its secret.",
        reads=WebhookRequest,
    ),
    ApiRoute(
        method="DELETE",
        path="/v1/webhooks/{webhook}",
        roles=_OPERATORS,
        most_bytes=0,
        handle=delete_webhook,
        summary="Forget a webhook, and what it was still to be told.",
        status=204,
        also=frozenset({404, 422}),
        media_type=None,
    ),
    ApiRoute(
        method="POST",
        path="/v1/webhooks/{webhook}/retry",
        roles=_OPERATORS,
        most_bytes=0,
        handle=retry_webhook,
        summary="Send what a webhook did not take once more.",
        also=frozenset({422}),
    ),
)
