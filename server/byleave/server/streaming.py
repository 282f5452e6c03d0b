"""Server-sent notices of new publications, for those who do not want to ask again and again."""

import asyncio
import json
from collections.abc import AsyncIterator
from time import monotonic
from typing import Final

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from byleave.server.http import Problem
from byleave.server.service import Service

#: So many streams one process holds open.
MOST_STREAMS: Final = 100
#: All times are in seconds. What another process publishes is known here after a second at most.
_LOOK_S: Final = 0.25
#: A stream ends after this, and its reader comes back: keys that have ended open no new one.
LASTS_S: Final = 900.0


class Streams:
    """The streams of one process; bounded, and ended when it ends."""

    #: After so long without a notice a reader is told that the stream is still there.
    heartbeat_s = 15.0

    def __init__(self, service: Service, *, is_lasting: bool) -> None:
        """Tell of what a service publishes; without `is_lasting`, of what is in force only."""
        self._service = service
        self._is_lasting = is_lasting
        self.open = 0

    def stream(self, last: str) -> StreamingResponse:
        """Return a stream of notices for a reader that has the version `last`.

        Raises:
            NothingPublishedError: There is nothing to tell of yet.
            Problem: There are as many streams as one process holds.
        """
        _ = self._service.published
        if self.open >= MOST_STREAMS:
            raise Problem(
                503, "too many streams are open; poll instead", headers={"Retry-After": "60"}
            )
        return _Stream(self, self._notices(last))

    async def _notices(self, last: str) -> AsyncIterator[str]:
        yield "retry: 2000\n\n"
        ends_s = monotonic() + LASTS_S
        beats_s = monotonic() + self.heartbeat_s
        while not self._service.is_ending.is_set() and monotonic() < ends_s:
            published = self._service.published
            version = published.snapshot.version
            now = f"{version.generation}.{version.number}"
            if now != last:
                last, beats_s = now, monotonic() + self.heartbeat_s
                told = {"version": now, "published_ms": published.snapshot.published_ms}
                yield f"id: {now}\nevent: snapshot\ndata: {json.dumps(told)}\n\n"
            elif monotonic() >= beats_s:
                beats_s = monotonic() + self.heartbeat_s
                yield ": here\n\n"
            if not self._is_lasting:
                return
            await asyncio.sleep(_LOOK_S)


class _Stream(StreamingResponse):
    """A stream that is counted from when it is promised until it is over, however that comes."""

    def __init__(self, streams: Streams, notices: AsyncIterator[str]) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(notices, headers=headers, media_type="text/event-stream")
        self._streams = streams
        streams.open += 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.open -= 1
