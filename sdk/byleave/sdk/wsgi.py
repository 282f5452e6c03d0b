"""`Personalise`: one line of middleware around a WSGI application, or around a Flask object.

The response is watched with the same code as an ASGI one: what the application gives becomes
ASGI's messages, and what comes of them becomes WSGI again.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from types import TracebackType
from typing import Any, TypeVar

from byleave.sdk.asgi_types import Message
from byleave.sdk.current import CURRENT, ENVIRON_KEY
from byleave.sdk.environ import reader, scope_of, with_headers
from byleave.sdk.exchange import finished, given_body
from byleave.sdk.fresh import fetch
from byleave.sdk.headers import first
from byleave.sdk.middleware import Middleware
from byleave.sdk.page import PageSend
from byleave.sdk.routes import route_of
from byleave.sdk.variants import Templates
from byleave.sdk.visit import Visit

Environ = dict[str, Any]
Write = Callable[[bytes], object]
StartResponse = Callable[..., Write]
_Result = TypeVar("_Result")
ErrorInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class Personalise(Middleware):
    """Wraps a WSGI application and personalises its pages; see `Middleware` for its arguments.

    A Flask object stays what it is: its `wsgi_app` is wrapped in place, its templates get the
    tag, and they render variants unless `templates` names others. `attributes` and `consent`
    are called with what the request would be as an ASGI scope.
    """

    def _adopt(self, app: Any, templates: Templates | None) -> tuple[Any, Templates | None]:
        if not hasattr(app, "wsgi_app"):
            return app, templates
        app.jinja_env.add_extension("byleave.sdk.jinja.PersonaliseExtension")
        inner, app.wsgi_app = app.wsgi_app, self
        return inner, app.jinja_env if templates is None else templates

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        scope = scope_of(environ)
        opened = self._open(scope)
        if opened is None:
            body: Iterable[bytes] = self.app(environ, start_response)
            return body
        visit, headers = opened
        if (route := route_of(scope)) is not None:
            outgoing = Outgoing(start_response)
            finished(route(visit, given_body(reader(environ)), outgoing))
            return [] if scope["method"] == "HEAD" else [*outgoing.pieces]
        finished(fetch(visit))
        page = Page(visit, start_response, is_unwrapped=headers != scope["headers"])
        seen = with_headers(environ, before=scope["headers"], after=headers)
        return page.of(self.app, {**seen, ENVIRON_KEY: visit})


class Outgoing:
    """Takes the place of ASGI's `send`: starts the response, and keeps the pieces of its body."""

    def __init__(self, start_response: StartResponse) -> None:
        self._start_response = start_response
        self.pieces: deque[bytes] = deque()
        self.write: Write | None = None

    async def __call__(self, message: Message) -> None:
        """Take one message."""
        if message["type"] == "http.response.body":
            if piece := message.get("body", b""):
                self.pieces.append(piece)
            return
        status = message["status"]
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in message["headers"]]
        line = message.get("line") or f"{status} {HTTPStatus(status).phrase}"
        error = message.get("exc_info")
        self.write = self._start_response(line, headers, *([error] if error else []))


class Page:
    """One response: what the server iterates over in place of the application's iterable.

    Args:
        visit: The request.
        start_response: The server's.
        is_unwrapped: Whether the site was asked about its own form of an entity tag of ours.
    """

    def __init__(self, visit: Visit, start_response: StartResponse, *, is_unwrapped: bool) -> None:
        self._visit = visit
        self._out = Outgoing(start_response)
        self._send = PageSend(visit, self._out, is_unwrapped=is_unwrapped)
        self._body: Iterable[bytes] = ()
        self._pieces: Iterator[bytes] | None = None
        self._length = -1
        self._is_started = False
        self._is_begun = False
        self._is_complete = False
        self._is_read = False

    def of(self, app: Any, environ: Environ) -> Iterable[bytes]:
        """Call the application; return what the server is to iterate over."""
        body: Iterable[bytes] = self._within_visit(lambda: app(environ, self._start))
        if self._is_started and _is_file(body, environ):
            finished(self._send.finish())
            return body
        self._body = body
        if isinstance(body, list | tuple):  # it is all there, so it goes out with its length
            whole = b"".join(body)
            self._pieces, self._length = iter([whole]), len(whole)
        return self

    def __iter__(self) -> Iterator[bytes]:
        """Return the pieces that go out."""
        return self

    def __next__(self) -> bytes:
        """Return the next piece that goes out."""
        while not self._out.pieces and not self._is_read:
            self._pull()
        if not self._out.pieces:
            raise StopIteration
        return self._out.pieces.popleft()

    def close(self) -> None:
        """Close what the application returned, whether or not it was read to its end."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()

    def _pull(self) -> None:
        pieces = self._pieces = iter(self._body) if self._pieces is None else self._pieces
        piece = self._within_visit(lambda: next(pieces, None))
        if piece is None:
            self._is_read = True
            if not self._is_complete:
                self._take(b"", is_last=True)
        elif piece:
            self._take(piece, is_last=not self._is_begun and len(piece) == self._length)

    def _take(self, piece: bytes, *, is_last: bool) -> None:
        self._is_begun, self._is_complete = True, is_last
        message = {"type": "http.response.body", "body": piece, "more_body": not is_last}
        self._within_visit(lambda: finished(self._send(message)))

    def _start(
        self, status: str, headers: list[tuple[str, str]], exc_info: ErrorInfo | None = None
    ) -> Write:
        if self._is_started and exc_info is None:
            raise AssertionError("start_response was called twice")
        self._is_started = True
        given = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers]
        length = first(given, b"content-length")
        self._length = int(length) if length.isdecimal() else -1
        message = {
            "type": "http.response.start",
            "status": int(status[:3]),
            "headers": given,
            "line": status,
            "exc_info": exc_info,
        }
        # Once something has gone out, only the server can say what becomes of an error.
        finished(self._out(message) if self._is_begun else self._send(message))
        return self._write

    def _write(self, piece: bytes) -> None:
        self._take(piece, is_last=False)
        while self._out.pieces and self._out.write is not None:
            self._out.write(self._out.pieces.popleft())

    def _within_visit(self, call: Callable[[], _Result]) -> _Result:
        token = CURRENT.set(self._visit)
        try:
            return call()
        finally:
            CURRENT.reset(token)


def _is_file(body: object, environ: Environ) -> bool:
    """Return whether the server may send the body as a file, past everything in between."""
    wrapper = environ.get("wsgi.file_wrapper")
    return hasattr(body, "fileno") or (isinstance(wrapper, type) and isinstance(body, wrapper))
