"""The decision server over HTTP, with the standard library."""

import asyncio
import http.client
import io
import socket
import threading
import time
import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import urlsplit

from byleave.sdk.forking import call_in_child
from byleave.sdk.wire import Answer, Question

#: A larger answer is refused: no snapshot comes near it.
_MOST_BYTES: Final = 32 * 1_048_576
_MOST_IDLE: Final = 4
#: So many pages can wait for the server at once; others wait for them, within their deadline.
_MOST_WAITING: Final = 8


class HttpTransport:
    """Speaks HTTP with the standard library, over a few connections that are kept open.

    Args:
        url: Where the server is, such as `http://localhost:8401`.

    Raises:
        ValueError: The URL is not one of http or https.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"expected the server's URL, such as https://host:8401, got {url!r}")
        self._is_secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")
        self._begin()
        call_in_child(self._begin)

    def _begin(self) -> None:
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._workers: ThreadPoolExecutor | None = None

    def attach(self) -> None:
        """Do nothing: HTTP needs no event loop."""

    def exchange(self, question: Question, timeout_s: float) -> Answer:
        """Return the answer, over a kept connection where one still works."""
        deadline_s = time.monotonic() + timeout_s
        kept = self._kept()
        if kept is not None:
            try:
                return self._over(kept, question, deadline_s)
            except ConnectionError:
                pass  # the server closed it while nobody looked
        return self._over(self._new(deadline_s), question, deadline_s)

    def close(self) -> None:
        """Close the connections that wait to be used again; those in use are closed after it."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def within(self, question: Question, timeout_s: float) -> Answer:
        """Return the answer from a worker thread: nothing bounds how long a name is looked up."""
        work = self._begun(question, timeout_s)
        try:
            return work.result(timeout_s)
        finally:
            work.cancel()

    async def ask(self, question: Question, timeout_s: float) -> Answer:
        """Return the answer from a worker thread."""
        work = asyncio.wrap_future(self._begun(question, timeout_s))
        return await asyncio.wait_for(work, timeout_s)

    def _begun(self, question: Question, timeout_s: float) -> Future[Answer]:
        with self._lock:
            if self._workers is None:
                self._workers = ThreadPoolExecutor(_MOST_WAITING, thread_name_prefix="byleave")
            return self._workers.submit(self.exchange, question, timeout_s)

    def _over(
        self, connection: http.client.HTTPConnection, question: Question, deadline_s: float
    ) -> Answer:
        idle = self._idle  # another one once all were closed meanwhile
        try:
            connection.timeout = _left_s(deadline_s)
            if connection.sock is not None:
                connection.sock.settimeout(connection.timeout)
            connection.request(
                question.method,
                self._prefix + question.path,
                question.body or None,
                {"accept-encoding": "gzip", **question.headers},
            )
            connection.response_class = _responses_until(deadline_s)
            response = connection.getresponse()
            body = _read(response)
        except OSError:
            connection.close()
            raise
        except http.client.HTTPException as error:
            connection.close()
            raise ConnectionError(f"not an HTTP answer: {type(error).__name__}") from None
        headers = {name.lower(): value for name, value in response.getheaders()}
        self._keep(connection, idle)
        if headers.pop("content-encoding", "identity") == "gzip":
            body = _unpacked(body)
        return Answer(response.status, headers, body)

    def _new(self, deadline_s: float) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._is_secure else http.client.HTTPConnection
        return kind(self._host, self._port, timeout=_left_s(deadline_s))

    def _kept(self) -> http.client.HTTPConnection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _keep(
        self, connection: http.client.HTTPConnection, idle: list[http.client.HTTPConnection]
    ) -> None:
        with self._lock:
            if connection.sock is not None and idle is self._idle and len(idle) < _MOST_IDLE:
                idle.append(connection)
                return
        connection.close()


class _UntilDeadline(io.RawIOBase):
    """What comes over a connection, up to one moment for all of it, so that no trickle holds us."""

    def __init__(self, connected: socket.socket, deadline_s: float) -> None:
        self._socket = connected
        self._raw = connected.makefile("rb", buffering=0)
        self._deadline_s = deadline_s

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        """Read what is there, or wait for it until the deadline."""
        self._socket.settimeout(_left_s(self._deadline_s))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Let go of the connection."""
        self._raw.close()
        super().close()


def _responses_until(deadline_s: float) -> type[http.client.HTTPResponse]:
    class Response(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *given: Any, **named: Any) -> None:
            super().__init__(sock, *given, **named)
            self.fp.close()
            self.fp = io.BufferedReader(_UntilDeadline(sock, deadline_s))

    return Response


def _left_s(deadline_s: float) -> float:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("the server took too long")
    return left_s


def _read(response: http.client.HTTPResponse) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while piece := response.read1(65_536):
        pieces.append(piece)
        size += len(piece)
        if size > _MOST_BYTES:
            raise ConnectionError("the server's answer is too large")
    if response.length:
        raise ConnectionError("the server's answer was cut short")
    response.read()  # the end of the message, so that the connection can be used again
    return b"".join(pieces)


def _unpacked(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        text = unpacker.decompress(body, _MOST_BYTES)
    except zlib.error as error:
        raise ConnectionError(f"not the gzip that the server says: {error}") from None
    if not unpacker.eof:
        raise ConnectionError("the server's answer is too large, or was cut short")
    return text
