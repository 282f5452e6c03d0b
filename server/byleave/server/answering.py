"""What a request of the API goes through, wherever it comes in: guard, body, work, answer."""

import logging
from typing import Final

from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from byleave.server.access import TOKEN_HEADER, admit, known, refuse_forged
from byleave.server.errors import NothingPublishedError
from byleave.server.http import Problem, parse, read_body
from byleave.server.routes import ApiRoute, Call
from byleave.server.service import Service

_log = logging.getLogger("byleave.server")

#: What `told` has words of its own for.
EXPECTED: Final = (
    Problem,
    HTTPException,
    NothingPublishedError,
    DBAPIError,
    NoConnectionError,
)


class Answering:
    """The answer to one route of the table.

    It can stand behind Starlette's router, as an endpoint, and in front of it, as an
    application: what a request goes through is the same.
    """

    def __init__(self, service: Service, route: ApiRoute) -> None:
        """Answer a route by what a service does."""
        self._service = service
        self._route = route

    async def respond(self, request: Request) -> Response:
        """Return the response to a request.

        Raises:
            Exception: What `told` says in words.
        """
        tell = self._route.tell
        if tell is None:
            return await self._answer(request)
        try:
            return await self._answer(request)
        except EXPECTED as error:
            return tell(request, _problem(error))

    async def _answer(self, request: Request) -> Response:
        service, route = self._service, self._route
        principal = admit(service, await known(service, request), route.roles)
        if principal is not None and principal.session is not None:
            refuse_forged(request, principal, request.headers.get(TOKEN_HEADER, ""))
        if route.query and not route.query.keys() >= request.query_params.keys():
            raise Problem(422, f"expected no other parameters than {', '.join(route.query)}")
        body = await read_body(request, most_bytes=route.most_bytes)
        data = None if route.reads is None else parse(body, route.reads)
        return await route.handle(Call(service, request, principal, body, data))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer without a router, as one would: what nobody expected is told, and goes on."""
        scope["route"] = self._route
        request = Request(scope, receive, send)
        try:
            response = await self.respond(request)
        except EXPECTED as error:
            response = await told(request, error)
        except Exception as error:
            await (await told(request, error))(scope, receive, send)
            raise
        await response(scope, receive, send)


async def told(_request: Request, error: Exception) -> Response:
    """Return the response that tells of an error."""
    return _problem(error).response()


def _problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case HTTPException():
            return Problem(error.status_code, error.detail, headers=dict(error.headers or {}))
        case NothingPublishedError():
            return Problem(503, str(error), headers={"Retry-After": "5"})
        case DataError():
            _log.error("the store refused what was sent", exc_info=error)
            return Problem(422, "expected what a store can hold: text without the character NUL")
        case DBAPIError() | NoConnectionError():
            _log.error("the store failed", exc_info=error)
            return Problem(
                503, "the store cannot be used now; try again", headers={"Retry-After": "5"}
            )
        case _:
            return Problem(500, "the server failed; its log says why")
