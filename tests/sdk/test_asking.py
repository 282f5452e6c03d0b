"""Questions that a page waits for: what counts as a failure of the server, and what does not."""

import asyncio
from contextlib import suppress

from byleave.sdk.asking import Asking
from byleave.sdk.wire import Answer, Question


class Slow:
    """A server that answers once it may."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.asked = 0

    def attach(self) -> None: ...

    def close(self) -> None: ...

    def exchange(self, question: Question, timeout_s: float) -> Answer:
        raise AssertionError("asked outside of an event loop")

    within = exchange

    async def ask(self, question: Question, timeout_s: float) -> Answer:
        self.asked += 1
        await self.may_answer.wait()
        return Answer(200, {}, b"{}")


def test_visitors_who_leave_are_no_failures_of_the_server() -> None:
    async def site() -> object:
        server = Slow()
        asking = Asking(server, {})
        for number in range(5):
            leaving = asyncio.create_task(asking.ask("GET", "/", timeout_s=5))
            while server.asked == number:
                await asyncio.sleep(0)
            leaving.cancel()
            with suppress(asyncio.CancelledError):
                await leaving
        server.may_answer.set()
        return await asking.ask("GET", "/", timeout_s=5)

    assert asyncio.run(site()) == {}
