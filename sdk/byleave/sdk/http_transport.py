"""The decision server over HTTP, with the standard library."""

import asyncio
import http.client
import os
import threading
import time
from typing import Final
from urllib.parse import urlsplit

from byleave.sdk.wire import Answer, Question

#: A larger answer is refused: no snapshot comes near it.
_MOST_BYTES: Final = 32 * 1_048_576
_MOST_IDLE: Final = 4


class HttpTransport:
    """Speaks HTTP with the standard library, over a few connections that are kept open.

    Args:
        url: Where the server is, such as `http://localhost:8400`.

    Raises:
        ValueError: The URL is not one of http or https.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"expected the server's URL, such as https://host:8400, got {url!r}")
        self._is_secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._pid = os.getpid()

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
        return self._over(self._new(timeout_s), question, deadline_s)

    def close(self) -> None:
        """Close the connections that wait to be used again."""
        while (connection := self._kept()) is not None:
            connection.close()

    async def ask(self, question: Question, timeout_s: float) -> Answer:
        """Return the answer from a worker thread."""
        work = asyncio.get_running_loop().run_in_executor(None, self.exchange, question, timeout_s)
        return await asyncio.wait_for(work, timeout_s)

    def _over(
        self, connection: http.client.HTTPConnection, question: Question, deadline_s: float
    ) -> Answer:
        try:
            _limit(connection, deadline_s)
            connection.request(
                question.method,
                self._prefix + question.path,
                question.body or None,
                dict(question.headers),
            )
            response = connection.getresponse()
            body = _read(connection, response, deadline_s)
        except OSError:
            connection.close()
            raise
        except http.client.HTTPException as error:
            connection.close()
            raise ConnectionError(f"not an HTTP answer: {type(error).__name__}") from None
        headers = {name.lower(): value for name, value in response.getheaders()}
        self._keep(connection)
        return Answer(response.status, headers, body)

    def _new(self, timeout_s: float) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._is_secure else http.client.HTTPConnection
        return kind(self._host, self._port, timeout=timeout_s)

    def _kept(self) -> http.client.HTTPConnection | None:
        with self._lock:
            if self._pid != os.getpid():  # a fork: these connections are the parent's
                self._idle.clear()
                self._pid = os.getpid()
            return self._idle.pop() if self._idle else None

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if connection.sock is not None and len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()


def _limit(connection: http.client.HTTPConnection, deadline_s: float) -> None:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("the server took too long")
    connection.timeout = left_s
    if connection.sock is not None:
        connection.sock.settimeout(left_s)


def _read(
    connection: http.client.HTTPConnection, response: http.client.HTTPResponse, deadline_s: float
) -> bytes:
    """Return the body; one deadline for all of it, so that a trickle does not hold us."""
    pieces: list[bytes] = []
    size = 0
    while piece := response.read1(65_536):
        pieces.append(piece)
        size += len(piece)
        if size > _MOST_BYTES:
            raise ConnectionError("the server's answer is too large")
        if connection.sock is not None:
            _limit(connection, deadline_s)
    if response.length:
        raise ConnectionError("the server's answer was cut short")
    response.read()  # the end of the message, so that the connection can be used again
    return b"".join(pieces)
