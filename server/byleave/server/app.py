"""The server as an ASGI application: the routes of the table, guarded, and the background work."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from byleave.server.access import TOKEN_HEADER, admit, known, refuse_forged
from byleave.server.background import work
from byleave.server.console.pages import page_routes
from byleave.server.errors import NothingPublishedError
from byleave.server.http import Problem, parse, read_body
from byleave.server.metrics import Measured, Metrics
from byleave.server.openapi import openapi
from byleave.server.outbound import Outbound
from byleave.server.routes import ROUTES, ApiRoute, Call
from byleave.server.service import Service

_log = logging.getLogger("byleave.server")


def create_app(
    service: Service, *, background: bool = False, outbound: Outbound | None = None
) -> Starlette:
    """Return the application that serves one site.

    Args:
        service: What answers.
        background: Whether the application also stores events in a thread of its own, keeps
            the weights up to date while it runs, and closes the service when it ends. Without,
            each call does its work at once and the caller owns the service.
        outbound: How webhooks are reached; by default at public addresses only.
    """

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if not background:
            yield
            return
        service.start()
        client = outbound or Outbound()
        working = asyncio.create_task(work(service, client))
        try:
            yield
        finally:
            service.is_ending.set()
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
            await client.close()
            await run_in_threadpool(service.close)

    metrics = Metrics(service)
    app = Starlette(
        routes=[
            *(
                Route(route.path, _endpoint(service, route), methods=[route.method])
                for route in ROUTES
            ),
            *page_routes(service),
        ],
        middleware=[Middleware(Measured, metrics=metrics)],
        lifespan=lifespan,
        exception_handlers=dict.fromkeys(
            (Problem, HTTPException, NothingPublishedError, DBAPIError, Exception), _tell
        ),
    )
    app.state.metrics = metrics
    app.state.openapi = openapi(ROUTES, version=version("byleave"))
    return app


def _endpoint(service: Service, route: ApiRoute) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        principal = admit(service, await known(service, request), route.roles)
        refuse_forged(request, principal, request.headers.get(TOKEN_HEADER, ""))
        body = await read_body(request, most_bytes=route.most_bytes)
        data = None if route.reads is None else parse(body, route.reads)
        return await route.handle(Call(service, request, principal, body, data))

    answer.__doc__ = route.summary
    return answer


async def _tell(_request: Request, error: Exception) -> Response:
    match error:
        case Problem():
            problem = error
        case HTTPException():
            problem = Problem(error.status_code, error.detail, headers=dict(error.headers or {}))
        case NothingPublishedError():
            problem = Problem(503, str(error), headers={"Retry-After": "5"})
        case DBAPIError():
            _log.error("the store failed", exc_info=error)
            problem = Problem(
                503, "the store cannot be used now; try again", headers={"Retry-After": "5"}
            )
        case _:
            problem = Problem(500, "the server failed; its log says why")
    return problem.response()
