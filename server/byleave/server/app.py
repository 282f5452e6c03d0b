"""The server as an ASGI application: the routes of the table, guarded, and the background work."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from types import MappingProxyType

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from byleave.server.answering import EXPECTED, Answering, told
from byleave.server.background import work
from byleave.server.console.pages import page_routes
from byleave.server.metrics import Measured, Metrics
from byleave.server.oidc import Provider
from byleave.server.openapi import openapi
from byleave.server.outbound import Outbound
from byleave.server.routes import ROUTES
from byleave.server.service import Service
from byleave.server.streaming import Streams


class Application(Starlette):
    """The application; where a path has no parameters its router need not be asked.

    Finding and calling an endpoint costs Starlette more than a decision takes.

    Attributes:
        direct: What answers a method and a path, of those that have no parameters.
    """

    direct: Mapping[tuple[str, str], ASGIApp] = MappingProxyType({})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the shortest way."""
        if scope["type"] == "http":
            answer = self.direct.get((scope["method"], scope["path"]))
            if answer is not None:
                scope["app"] = self
                await answer(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


def create_app(
    service: Service,
    *,
    background: bool = False,
    outbound: Outbound | None = None,
    provider: Provider | None = None,
) -> Application:
    """Return the application that serves one site.

    Args:
        service: What answers.
        background: Whether the application also stores events in a thread of its own, keeps
            the weights up to date while it runs, and closes the service when it ends. Without,
            each call does its work at once and the caller owns the service.
        outbound: How webhooks are reached; by default at public addresses only.
        provider: By what people sign in as well as by passwords.
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
    answers = {(route.method, route.path): Answering(service, route) for route in ROUTES}
    app = Application(
        routes=[
            *(
                Route(path, answer.respond, methods=[method])
                for (method, path), answer in answers.items()
            ),
            *page_routes(service),
        ],
        middleware=[Middleware(Measured, metrics=metrics)],
        lifespan=lifespan,
        exception_handlers=dict.fromkeys((*EXPECTED, Exception), told),
    )
    app.direct = {place: Measured(answer, metrics=metrics) for place, answer in answers.items()}
    app.state.metrics = metrics
    app.state.looking = None
    app.state.provider = provider
    app.state.streams = Streams(service, is_lasting=background)
    app.state.openapi = openapi(ROUTES, version=version("byleave"))
    return app
