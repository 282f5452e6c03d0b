"""HTTP/1.1 with deadlines for clients, so that slow ones cannot hold the server.

uvicorn waits for as long as a client takes to send a request and to read an answer. Whoever
opens connections and trickles could so take all of them. Here a client has so long for the
headers, for the body, and for taking what waits to be sent; then the connection is cut.
"""

from asyncio import TimerHandle, Transport
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Seconds from the connection, or the first byte of a later request, to the last header.
HEADERS_S: Final = 10.0
#: Seconds from the last header to the last byte of the body.
BODY_S: Final = 30.0
#: Seconds for which a client may leave unread what was sent.
UNREAD_S: Final = 20.0
#: The most bytes of a request line with its headers.
MOST_HEADER_BYTES: Final = 65_536


class PatientProtocol(HttpToolsProtocol):
    """One connection; patient, but not for ever."""

    headers_s = HEADERS_S
    body_s = BODY_S
    unread_s = UNREAD_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin with nothing read and nothing unread."""
        super().__init__(*args, **kwargs)
        self._reading: TimerHandle | None = None
        self._unread: TimerHandle | None = None
        self._header_bytes: int | None = 0  # None while no headers are read

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as there
        """Wait for the headers of the first request."""
        super().connection_made(transport)
        # Say at once when the client does not keep up, not only when much is waiting.
        transport.set_write_buffer_limits(high=0)
        self._wait(self.headers_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all clocks."""
        self._stop_waiting()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the headers are longer than any that we want."""
        if self._header_bytes is not None:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._header_bytes is not None and self._header_bytes > MOST_HEADER_BYTES:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """Wait for the headers."""
        super().on_message_begin()
        if self._header_bytes is None:
            self._header_bytes = 0
            self._wait(self.headers_s)

    def on_headers_complete(self) -> None:
        """Wait for the body."""
        super().on_headers_complete()
        self._header_bytes = None
        self._wait(self.body_s)

    def on_message_complete(self) -> None:
        """Wait for nothing more; the answer takes as long as it takes."""
        super().on_message_complete()
        self._stop_waiting()

    def pause_writing(self) -> None:
        """Wait until the client has read what was sent."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self.unread_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Wait no more: the client has read."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._reading = self.loop.call_later(seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None


class PassingProtocol(PatientProtocol):
    """A connection through which a site's own traffic goes: uploads and downloads take their time.

    Only who does not come to say what they want is cut off as soon as elsewhere.
    """

    body_s = unread_s = 3_600.0
