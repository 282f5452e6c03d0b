"""A site that is not written in Python, as an ASGI application: every request is passed on to it.

The visitor's `Host` is kept, so that the site writes the addresses that visitors use. It is asked
for pages without compression, because what is compressed cannot be read on its way.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from byleave.server.outbound import no_cookies

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

#: What is between two machines and no further (RFC 9110, section 7.6.1).
_HOP: Final = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer"
    b" transfer-encoding upgrade".split()
)
#: An answer that says it is no longer than this is passed on in one piece, with its length.
_MOST_WHOLE: Final = 1_048_576
_TIMEOUT: Final = httpx2.Timeout(60.0, connect=5.0)


class Proxy:
    """Passes requests on to a site and its answers back.

    Args:
        to: The site's address: scheme, host, port, and a path to put before every path.

    Raises:
        ValueError: That is no address of http or https.
    """

    def __init__(self, to: str) -> None:
        parts = urlsplit(to)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ValueError(
                f"expected the site's address, such as http://127.0.0.1:3000, got {to!r}"
            )
        self._to = to.rstrip("/")
        self._client: httpx2.AsyncClient | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        if scope["type"] == "websocket":
            await receive()
            return await send({"type": "websocket.close", "code": 1011})
        # Put behind the site's address, anything else might lead to another one: `@elsewhere/`.
        if not scope["raw_path"].startswith(b"/"):
            return await _refuse(send, 400, b"Expected a path that begins with /.")
        try:
            request = self._request(scope, receive)
            answer = await self._open().send(request, stream=True)
        except httpx2.TransportError:
            return await _refuse(send, 502, b"The site cannot be reached just now.")
        try:
            await _pass_on(answer, send)
        finally:
            await answer.aclose()

    def _open(self) -> httpx2.AsyncClient:
        if self._client is None:  # within the loop that it works in
            self._client = httpx2.AsyncClient(
                timeout=_TIMEOUT,
                follow_redirects=False,
                trust_env=False,
                cookies=no_cookies(),
            )
        return self._client

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._client is not None:
            await self._client.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    def _request(self, scope: MutableMapping[str, Any], receive: Receive) -> httpx2.Request:
        query = scope["query_string"]
        path = scope["raw_path"].partition(b"?")[0] + (b"?" + query if query else b"")
        given: Headers = _without_hops(scope["headers"])
        named = dict(given)
        client = scope["client"][0].encode() if scope.get("client") else b"unknown"
        before = named.get(b"x-forwarded-for")
        headers = [
            *((k, v) for k, v in given if k not in (b"accept-encoding", b"x-forwarded-for")),
            (b"accept-encoding", b"identity"),
            (b"x-forwarded-for", client if before is None else before + b", " + client),
        ]
        if b"x-forwarded-proto" not in named:
            headers.append((b"x-forwarded-proto", scope["scheme"].encode()))
        has_body = b"content-length" in named or any(
            key == b"transfer-encoding" for key, _ in scope["headers"]
        )
        return self._open().build_request(
            scope["method"],
            self._to + path.decode("latin-1"),
            headers=headers,
            content=_body(receive) if has_body else None,
        )


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


async def _pass_on(answer: httpx2.Response, send: Send) -> None:
    headers = _without_hops([(k.lower(), v) for k, v in answer.headers.raw])
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    length = dict(headers).get(b"content-length", b"")
    if length.isdigit() and int(length) <= _MOST_WHOLE:
        body = b"".join([piece async for piece in answer.aiter_raw()])
        return await send({"type": "http.response.body", "body": body})
    async for piece in answer.aiter_raw():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _without_hops(headers: Headers) -> Headers:
    """Return the headers that go further, without those that `Connection` names."""
    named = b",".join(v for k, v in headers if k == b"connection").lower().split(b",")
    dropped = _HOP | {name.strip() for name in named}
    return [(k, v) for k, v in headers if k not in dropped]


async def _refuse(send: Send, status: int, why: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": why})
