"""The decision server as an application in this process."""

import asyncio
from concurrent.futures import CancelledError

from byleave.sdk.asgi_types import App, Message
from byleave.sdk.wire import Answer, Question


class AsgiTransport:
    """Calls a server application in this process, in the event loop that the site runs in.

    Args:
        app: The server's ASGI application.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._site_loop: asyncio.AbstractEventLoop | None = None

    def attach(self) -> None:
        """Note the running event loop."""
        self._site_loop = _running_loop()

    def exchange(self, question: Question, timeout_s: float) -> Answer:
        """Return the answer from the site's loop, which may run in another thread or rest.

        Raises:
            RuntimeError: It was called inside an event loop, which would wait for itself.
        """
        if _running_loop() is not None:
            raise RuntimeError("inside an event loop, call this from a thread of its own")
        loop, work = self._site_loop, self.ask(question, timeout_s)
        if loop is None or loop.is_closed():
            return asyncio.run(work)
        if loop.is_running():
            try:
                return asyncio.run_coroutine_threadsafe(work, loop).result(timeout_s)
            except CancelledError:
                raise ConnectionError("the site's event loop ended") from None
        return loop.run_until_complete(work)

    within = exchange

    def close(self) -> None:
        """Do nothing: nothing is open."""

    async def ask(self, question: Question, timeout_s: float) -> Answer:
        """Return the answer."""
        return await asyncio.wait_for(self._call(question), timeout_s)

    async def _call(self, question: Question) -> Answer:
        path, _, query = question.path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": question.method,
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [
                (b"host", b"localhost"),
                (b"content-length", str(len(question.body)).encode()),
                *((k.lower().encode(), v.encode("latin-1")) for k, v in question.headers.items()),
            ],
            "client": ("127.0.0.1", 0),
            "server": ("localhost", 443),
        }
        answer = _Collected(question.body)
        try:
            await self._app(scope, answer.receive, answer.send)
        except Exception as error:
            raise ConnectionError(f"the server failed: {type(error).__name__}") from error
        headers = {k.decode().lower(): v.decode("latin-1") for k, v in answer.headers}
        return Answer(answer.status, headers, b"".join(answer.body))


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class _Collected:
    """The two ends of an ASGI call: one request goes in, one response is put together."""

    def __init__(self, body: bytes) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self._request: list[Message] = [{"type": "http.request", "body": body}]
        self._never = asyncio.Event()

    async def receive(self) -> Message:
        if self._request:
            return self._request.pop()
        await self._never.wait()  # we never hang up on a server that listens for it
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        elif message["type"] == "http.response.body":
            self.body.append(message.get("body", b""))
