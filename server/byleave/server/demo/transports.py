"""Ways to reach a site: in process, or over HTTP on this machine."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from byleave.server.demo.browser import Page, Request

Message = MutableMapping[str, Any]
App = Callable[..., Awaitable[None]]


class AsgiTransport:
    """Calls an ASGI application directly, one request after the other, as HTTPS would."""

    def __init__(self, app: App, host: str) -> None:
        self._app = app
        self._host = host
        self._runner = asyncio.Runner()

    def __call__(self, request: Request) -> Page:
        """Return the application's answer."""
        return self._runner.run(self._call(request))

    def close(self) -> None:
        """End the event loop."""
        self._runner.close()

    async def _call(self, request: Request) -> Page:
        path, _, query = request.target.partition("?")
        headers = [(b"host", self._host.encode())]
        headers += [(k.encode("latin-1"), v.encode("latin-1")) for k, v in request.headers]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 50_000),
            "server": (self._host, 443),
        }
        start: Message = {}
        body: list[bytes] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": request.body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                body.append(message.get("body", b""))

        await self._app(scope, receive, send)
        answered = [(k.decode().lower(), v.decode("latin-1")) for k, v in start["headers"]]
        return Page(start["status"], answered, b"".join(body))


class HttpTransport:
    """Speaks HTTP over one connection that is kept open."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)

    def __call__(self, request: Request) -> Page:
        """Return the site's answer.

        Raises:
            OSError: The site cannot be reached.
        """
        self._connection.request(
            request.method, request.target, request.body or None, dict(request.headers)
        )
        response = self._connection.getresponse()
        headers = [(name.lower(), value) for name, value in response.getheaders()]
        return Page(response.status, headers, response.read())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
