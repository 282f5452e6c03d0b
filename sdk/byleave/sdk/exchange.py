"""Reading a request and answering it, for the few routes that are our own."""

from collections.abc import Callable, Coroutine, Iterable
from contextvars import ContextVar
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs

from byleave.sdk.asgi_types import Message, Receive, Scope, Send
from byleave.sdk.request_attributes import header

_Result = TypeVar("_Result")

#: Whether the running code is run by `finished`, so that it may block and must not await.
IS_FINISHED_AT_ONCE: ContextVar[bool] = ContextVar("byleave_finished_at_once", default=False)

#: No request for one of our routes is larger.
MOST_BODY_BYTES: Final = 65_536

_MOST_FORM_BYTES: Final = 4_096
_MOST_FIELDS: Final = 20
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


def finished(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Return the result of a coroutine that awaits nothing, without an event loop.

    So everything is written once, for asynchronous and for synchronous applications.

    Raises:
        RuntimeError: It awaits something after all.
    """
    token = IS_FINISHED_AT_ONCE.set(True)
    try:
        work.send(None)
    except StopIteration as stop:
        result: _Result = stop.value
        return result
    finally:
        IS_FINISHED_AT_ONCE.reset(token)
    work.close()
    raise RuntimeError("expected work that awaits nothing")


def given_body(read: Callable[[int], bytes]) -> Receive:
    """Return a `receive` that gives what can be read at once, and no more than is looked at."""

    async def receive() -> Message:
        return {"type": "http.request", "body": read(MOST_BODY_BYTES + 1)}

    return receive


async def read_body(receive: Receive, *, most_bytes: int) -> bytes | None:
    """Return a request's body; None where it is too large or the client has gone."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        piece: bytes = message.get("body", b"")
        body += piece
        if len(body) > most_bytes:
            return None
        if not message.get("more_body", False):
            return body


async def read_form(receive: Receive) -> dict[str, list[str]]:
    """Return the fields of a posted form, each with its values; none of one that is too large."""
    body = await read_body(receive, most_bytes=_MOST_FORM_BYTES)
    try:
        return parse_qs((body or b"").decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}


async def answer(
    send: Send,
    status: int,
    *,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    cookies: Iterable[str] = (),
) -> None:
    """Send a whole response; it is kept by no cache unless a header says otherwise."""
    given = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if all(name != b"cache-control" for name, _ in given):
        given.append((b"cache-control", b"no-store"))
    has_body = status not in (204, 304)
    if has_body and all(name != b"content-type" for name, _ in given):
        given.append((b"content-type", b"text/plain; charset=utf-8"))
    given += [(b"set-cookie", cookie.encode("latin-1")) for cookie in cookies]
    if has_body:
        given.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": given})
    await send({"type": "http.response.body", "body": body})


async def refuse(send: Send, status: int, reason: str) -> None:
    """Send a plain sentence that says why."""
    await answer(send, status, body=reason.encode())


def is_same_origin(scope: Scope) -> bool:
    """Return whether a request that changes something was made by one of the site's pages.

    Browsers say so in `Sec-Fetch-Site`, older ones in `Origin`; a client that sends neither is
    no browser, and nobody can make it send what it does not want to.
    """
    site = header(scope, b"sec-fetch-site")
    if site:
        return site in ("same-origin", "none")
    origin = header(scope, b"origin")
    if not origin:
        return True
    scheme, _, host = origin.partition("://")
    port = _DEFAULT_PORTS.get(scheme, "")
    return bool(host) and host.removesuffix(port) == header(scope, b"host").removesuffix(port)
