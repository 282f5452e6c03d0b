"""OpenFeature's Remote Evaluation Protocol: flags evaluated for any provider that speaks it."""

from asyncio import get_running_loop
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import Annotated, Any, Final

import anyio
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from byleave.segments import Choice, Purpose
from byleave.server.events import VISITOR_ID
from byleave.server.http import Problem, is_unchanged, json_response
from byleave.server.ofrep import ErrorCode, Subject, evaluate, read_context, undecided
from byleave.server.recalling import Recalled
from byleave.server.routes.routing import SERVER, ApiRoute, Call

#: For so long an evaluation waits for what the store knows of a visitor, in seconds.
RECALL_S: Final = 0.02
# Whoever is not waited for any more goes on until the store answers, however many ask meanwhile.
_RECALLING: Final = ThreadPoolExecutor(8, thread_name_prefix="recalling")

_CONTEXT: Final[dict[str, Any]] = {
    "required": ["targetingKey"],
    "properties": {
        "targetingKey": {"type": "string", "pattern": VISITOR_ID},
        "region": {"type": "string"},
        "consent": {
            "type": "object",
            "propertyNames": {"enum": list(Purpose)},
            "additionalProperties": {"enum": list(Choice)},
        },
    },
}
_CODES: Final = {400: ErrorCode.PARSE_ERROR, 422: ErrorCode.INVALID_CONTEXT}
_AS_400: Final = frozenset({400, 413, 415, 422})


class EvaluationRequest(msgspec.Struct, frozen=True):
    """For whom to evaluate: their id, what they agreed to, and what the caller knows of them."""

    context: Annotated[dict[str, Any], msgspec.Meta(extra_json_schema=_CONTEXT)]


async def evaluate_flag(call: Call) -> Response:
    """Return the evaluation of one flag."""
    slot = call.request.path_params["key"]
    asked = read_context(call.data.context)
    if slot not in call.service.published.snapshot.definitions.slots:
        raise Problem(404, "no definition has a slot of this name")
    [told] = await _evaluations(call, asked, slot)
    return json_response(told, status=400 if "errorCode" in told else 200)


async def evaluate_flags(call: Call) -> Response:
    """Return the evaluations of all flags; 304 where they are what the caller has."""
    told = await _evaluations(call, read_context(call.data.context), None)
    answer = json_response({"flags": told})
    etag = f'"{blake2b(bytes(answer.body), digest_size=16).hexdigest()}"'
    if call.request.headers.get("if-none-match") != "*" and is_unchanged(call.request, etag):
        return Response(status_code=304, headers={"ETag": etag, "Cache-Control": "no-store"})
    answer.headers["ETag"] = etag
    return answer


async def _evaluations(call: Call, asked: Subject, slot: str | None) -> list[dict[str, Any]]:
    service, recalled = call.service, None
    published = service.published
    with anyio.move_on_after(RECALL_S):
        loop = get_running_loop()
        recalled = await loop.run_in_executor(_RECALLING, service.recall, asked.visitor)
    if not isinstance(recalled, Recalled):
        slots = published.snapshot.definitions.slots if slot is None else (slot,)
        return [undecided(each) for each in slots]
    now_ms = service.clock()
    return evaluate(published, service.site, asked, recalled, now_ms=now_ms, flag=slot)


def tell(request: Request, problem: Problem) -> Response:
    """Tell a problem in the protocol's words."""
    key = request.path_params.get("key")
    status = 400 if problem.status in _AS_400 else problem.status
    told: dict[str, Any] = {"errorDetails": problem.document["detail"]}
    if status == 404:
        told["errorCode"] = ErrorCode.FLAG_NOT_FOUND
    elif status == 400:
        usual = _CODES.get(problem.status, ErrorCode.GENERAL)
        told["errorCode"] = problem.document.get("errorCode", usual)
    if key is not None:
        told["key"] = key
    answer = json_response(told, status=status)
    answer.headers.update(problem.headers or {})
    return answer


_PATH: Final = "/ofrep/v1/evaluate/flags"
_MOST_BYTES: Final = 65_536

ROUTES: Final = (
    ApiRoute(
        method="POST",
        path=_PATH,
        roles=SERVER,
        most_bytes=_MOST_BYTES,
        handle=evaluate_flags,
        summary="OFREP: what every slot shows one visitor, with an ETag of the answer.",
        reads=EvaluationRequest,
        headers={"If-None-Match": {"type": "string"}},
        also=frozenset({304}),
        tell=tell,
    ),
    ApiRoute(
        method="POST",
        path=f"{_PATH}/{{key}}",
        roles=SERVER,
        most_bytes=_MOST_BYTES,
        handle=evaluate_flag,
        summary="OFREP: what one slot shows one visitor.",
        reads=EvaluationRequest,
        tell=tell,
    ),
)
