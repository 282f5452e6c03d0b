"""What the SDK knows from the server, and what it still has to tell it.

A daemon thread keeps both up to date: it fetches snapshots, and sends withdrawals, then events.
It starts with the first request, in the process that serves it, so that servers may fork after
they loaded the site. A page never waits for it.
"""

import atexit
import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from byleave.experiments import Decider, Version, load_snapshot
from byleave.sdk.asking import Asking
from byleave.sdk.events import Event
from byleave.sdk.exchange import finished
from byleave.sdk.failures import LOG, report
from byleave.sdk.forking import call_in_child
from byleave.sdk.image_store import ImageStore
from byleave.sdk.images import names_in
from byleave.sdk.pace import Pace
from byleave.sdk.sending import EXCHANGE_S, Sender
from byleave.sdk.state_dir import StateDir
from byleave.sdk.wire import Question, Transport

#: Without word from the server for so long, weights and consent rules may be stale.
AGE_LIMIT_MS: Final = 86_400_000

_EXIT_S: Final = 2.0


class Client:
    """Keeps one site in touch with its decision server.

    Args:
        transport: The way to the server.
        key: The site's server key; space around it, such as the end of a file's line, is none
            of it.
        clock: The time in milliseconds.
        background: False leaves `poll` and `flush` to the caller, as simulations and tests do.
        age_limit_ms: How long the last snapshot is used when the server cannot be reached.
        state_dir: A directory for what outlives the process: the last snapshot, withdrawals
            that the server does not have yet, and images.
        bootstrap: A file with a snapshot, as the server gives it, to begin with.
        poll_every_s: Seconds between looks for a new snapshot.
        flush_every_s: Seconds that events wait at most for others to travel with.

    Attributes:
        counters: What is counted in this process, of nobody in particular.
        buffer: The events that wait to be sent.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        key: str,
        clock: Callable[[], int],
        background: bool = True,
        age_limit_ms: int = AGE_LIMIT_MS,
        state_dir: str | Path | None = None,
        bootstrap: str | Path | None = None,
        poll_every_s: float = 10.0,
        flush_every_s: float = 1.0,
    ) -> None:
        key = quote(key.strip())  # so that a header can hold one that is none, which is refused
        self._transport = transport
        self._clock = clock
        self._background = background
        self._age_limit_ms = age_limit_ms
        self._poll_every_s = poll_every_s
        self._flush_every_s = flush_every_s
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        self._current: tuple[Decider, int] | None = None  # and when it was last confirmed
        self._etag = ""
        self._state_dir = None if state_dir is None else StateDir(state_dir, key=key)
        self._shown: frozenset[str] = frozenset()  # the images that the snapshot shows
        self._unfetched: frozenset[str] = frozenset()  # those of them that nobody asked for yet
        self._begin()
        call_in_child(self._begin)
        if bootstrap is not None:
            self._load(Path(bootstrap))
        if self._state_dir is not None:
            self._state_dir.clean()
            if kept := self._state_dir.snapshot():
                self._take(*kept)

    def _begin(self) -> None:
        """Start empty: in this process nothing waits yet, whatever another one still holds."""
        self._asking = Asking(self._transport, self._headers)
        self._images = ImageStore(self._asking, self._state_dir)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._stop = threading.Event()
        self._pace = Pace(self._flush_every_s)
        self._sender = Sender(
            self._transport,
            self._headers,
            clock=self._clock,
            state_dir=self._state_dir,
            pace=self._pace,
        )
        self.counters = self._sender.counters
        self.buffer = self._sender.buffer

    def start(self) -> None:
        """Make sure that the thread runs in this process, also after it was closed."""
        self._transport.attach()
        if self._thread is not None or not self._background:
            return
        with self._starting:
            if self._thread is None:
                self._stop = threading.Event()
                thread = threading.Thread(
                    target=self._run, args=(self._stop,), name="byleave", daemon=True
                )
                thread.start()
                self._thread = thread
                atexit.register(self.close)

    def close(self, *, within_s: float = _EXIT_S) -> None:
        """Stop the thread and send what waits, within two seconds or what is given."""
        atexit.unregister(self.close)
        with self._starting:
            self._stop.set()
            self._thread = None
        self._sender.flush(within_s=within_s, is_last=True)
        self._transport.close()
        if lost := self._sender.unsaved:
            LOG.warning("events not sent before the process ended", extra={"count": lost})

    async def drain(self) -> None:
        """Close without blocking the event loop."""
        import asyncio  # slow to import, and loaded long since where this runs

        await asyncio.get_running_loop().run_in_executor(None, self.close)

    def decider(self) -> Decider | None:
        """Return what decides by the last snapshot; None before the first and beyond its age."""
        current = self._current
        if current is None or self._clock() - current[1] > self._age_limit_ms:
            return None
        return current[0]

    def capture(self, event: Event) -> None:
        """Take an event that is to be sent."""
        self.buffer.add(event)

    def withdraw(self, visitor: str, body: Mapping[str, Any]) -> None:
        """Take a withdrawal; it goes before all events and is repeated until accepted."""
        self._sender.withdraw(visitor, body)

    def poll(self) -> bool:
        """Ask for a newer snapshot; return whether the server answered as it should.

        It blocks until the answer is there, and the images that the snapshot shows: in a site
        that runs in an event loop it belongs into a thread.
        """
        headers = dict(self._headers)
        if self._etag and self._current is not None:
            headers["if-none-match"] = self._etag
        question = Question(method="GET", path="/v1/snapshot", headers=headers)
        try:
            answer = self._transport.exchange(question, EXCHANGE_S)
        except OSError as error:
            name = type(error).__name__
            LOG.warning("snapshot not fetched: no server there (%s)", name, extra={"error": name})
            return False
        self._pace.note(answer.headers)
        now_ms = self._clock()
        if answer.status == 304 and self._current is not None:
            self._current = (self._current[0], now_ms)
            if self._state_dir is not None:
                self._state_dir.confirm_snapshot(now_ms=now_ms)
            self._fetch_images()
            return True
        if answer.status != 200:
            cause = (
                "the key is not one of its server keys; `byleave serve` prints the first, and "
                "`byleave keys create SITE --role server` makes more"
            )
            cause = cause if answer.status in (401, 403) else f"status {answer.status}"
            LOG.warning("snapshot not fetched: %s", cause, extra={"status": answer.status})
            return False
        before = self._current and self._current[0]
        if not self._take(answer.body, now_ms):
            return False
        self._etag = answer.headers.get("etag", "")
        is_new = self._current is not None and self._current[0] is not before
        if self._state_dir is not None and (
            is_new or not self._state_dir.confirm_snapshot(now_ms=now_ms)
        ):
            self._state_dir.keep_snapshot(answer.body, now_ms=now_ms)
        self._fetch_images()
        return True

    def _fetch_images(self) -> None:
        """Have the images at hand that the snapshot shows, before visitors ask for them."""
        for name in sorted(self._unfetched):
            try:
                finished(self.image(name))
            except OSError:  # the next poll tries again, or a visitor's request, and tells
                return
            self._unfetched -= {name}

    def _take(self, body: bytes, confirmed_ms: int) -> bool:
        """Decide by a snapshot from now on; return whether it could be understood."""
        try:
            snapshot = load_snapshot(json.loads(body))
            current = self._current
            # An answer that came late never takes a newer version's place.
            if current is None or _place(snapshot.version) > _place(current[0].snapshot.version):
                before = None if current is None else current[0]
                self._current = (Decider(snapshot, before=before), confirmed_ms)
                self._shown = self._unfetched = frozenset(names_in(body.decode()))
            else:
                self._current = (current[0], max(current[1], confirmed_ms))
        except Exception as error:
            # Whatever is wrong with it, the last good one stays.
            report("snapshot not understood", error)
            return False
        return True

    def _load(self, bootstrap: Path) -> None:
        try:
            body = bootstrap.read_bytes()
        except OSError as error:
            report("bootstrap not read", error)
        else:
            # Whoever deploys a snapshot with the site vouches for it as of now.
            self._take(body, self._clock())

    def flush(self) -> bool:
        """Send what waits; return whether the server took all of it. It blocks, as `poll` does."""
        return self._sender.flush()

    async def decide(self, body: Mapping[str, Any], *, timeout_s: float) -> Mapping[str, Any]:
        """Return what the server decides for one visitor.

        Raises:
            OSError: There was no good answer in time.
        """
        return await self._asking.ask("POST", "/v1/decide", body=body, timeout_s=timeout_s)

    async def fresh(self, visitor: str, *, timeout_s: float) -> Mapping[str, Any]:
        """Return what the server knows of a visitor now: values by attribute.

        Raises:
            OSError: There was no good answer in time.
        """
        path = f"/v1/visitors/{visitor}/attributes"
        answer = await self._asking.ask("GET", path, timeout_s=timeout_s)
        values: Mapping[str, Any] = answer["attributes"]
        return values

    async def image(self, name: str) -> bytes | None:
        """Return an uploaded image; None where the site has none of this name.

        Raises:
            OSError: It is not here, and there was no good answer in time.
        """
        return await self._images.image(name, shown=self._shown)

    def _run(self, stop: threading.Event) -> None:
        """Poll and flush until it is to stop; after failures less and less often."""
        next_poll_s = 0.0
        while not stop.is_set():
            try:
                is_well = self.flush()
                if not self._pace.asked_s and time.monotonic() >= next_poll_s:
                    if self.poll():
                        next_poll_s = time.monotonic() + self._poll_every_s
                    else:
                        is_well = False
            except Exception as error:
                report("background work failed", error)
                is_well = False
            stop.wait(self._pace.pause_s(is_well=is_well))


def _place(version: Version) -> tuple[int, int]:
    return version.generation, version.number
