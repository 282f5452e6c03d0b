"""`Personalise`: one line of middleware around an ASGI application."""

from collections.abc import MutableMapping
from typing import Any

from byleave.sdk.asgi_types import App, Message, Receive, Send
from byleave.sdk.client import Client
from byleave.sdk.current import CURRENT
from byleave.sdk.fresh import fetch
from byleave.sdk.middleware import Middleware
from byleave.sdk.page import PageSend
from byleave.sdk.routes import route_of


class Personalise(Middleware):
    """Wraps an ASGI application and personalises its pages; see `Middleware` for its arguments."""

    app: App

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] == "lifespan" and self._client is not None:
            return await self.app(scope, _flushing(self._client, receive), send)
        opened = self._open(scope) if scope["type"] == "http" else None
        if opened is None:
            return await self.app(scope, receive, send)
        visit, headers = opened
        if (route := route_of(scope)) is not None:
            return await route(visit, receive, send)
        await fetch(visit)
        token = CURRENT.set(visit)
        try:
            page = PageSend(visit, send, is_unwrapped=headers != scope["headers"])
            await self.app({**scope, "headers": headers, "byleave": visit}, receive, page)
            await page.finish()
        finally:
            CURRENT.reset(token)
            visit.is_over = True


def _flushing(client: Client, receive: Receive) -> Receive:
    """Return a `receive` that sends what waits before the application shuts down."""

    async def flushed() -> Message:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await client.drain()
        return message

    return flushed
