"""The work that nobody waits for ends when it is told to, whatever fails meanwhile."""

import asyncio
from collections.abc import Callable
from threading import Event, get_ident

import pytest

from byleave.experiments import Definitions
from byleave.server.background import work
from byleave.server.outbound import Outbound
from byleave.server.service import Service


class FailingClock:
    """Fails the first job that asks in a thread of its own, once that job is told to end."""

    def __init__(self) -> None:
        self.owner = get_ident()
        self.is_asked, self.may_fail = Event(), Event()
        self.is_on = False

    def __call__(self) -> int:
        if self.is_on and get_ident() != self.owner and not self.is_asked.is_set():
            self.is_asked.set()
            self.may_fail.wait(20)
            raise OSError("the store is gone")
        return 20_000 * 86_400_000


@pytest.mark.parametrize("times", [1, 2])
def test_a_job_that_fails_as_it_is_told_to_end_holds_nobody_up(
    open_service: Callable[..., Service], definitions: Definitions, times: int
) -> None:
    service, clock = open_service(), FailingClock()
    service.publish(definitions, reason="first", author="tests")
    service.drawing._clock = clock
    clock.is_on = True

    async def end() -> bool:
        outbound = Outbound()
        working = asyncio.create_task(work(service, outbound))
        while not clock.is_asked.is_set():
            await asyncio.sleep(0.001)
        for _ in range(times):
            working.cancel()
            await asyncio.sleep(0)
        clock.may_fail.set()
        done, _ = await asyncio.wait([working], timeout=10)
        await outbound.close()
        return bool(done)

    assert asyncio.run(end())
