"""The work that nobody waits for ends when it is told to, whatever fails meanwhile."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event, get_ident

import pytest

from byleave.experiments import Definitions
from byleave.server import schema
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


def test_news_wait_for_nothing_that_takes_long(
    open_service: Callable[..., Service], definitions: Definitions
) -> None:
    """Whatever keeps the threads busy that everybody shares, such as a resolver of names."""
    service, is_over = open_service(), Event()
    service.publish(definitions, reason="first", author="tests")
    key = {"key": "server_1", "role": "server", "secret_hash": "", "created_ms": 1}

    async def hear() -> bool:
        loop, outbound = asyncio.get_running_loop(), Outbound()
        loop.set_default_executor(ThreadPoolExecutor(1))
        busy = loop.run_in_executor(None, is_over.wait, 20)
        working = asyncio.create_task(work(service, outbound))
        await asyncio.sleep(0)
        with service.storage.writing() as connection:  # as another process does
            connection.execute(schema.api_keys.insert().values(site="shop", **key))
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                while not service.keys.of("shop"):
                    await asyncio.sleep(0.01)
        is_heard = bool(service.keys.of("shop"))
        is_over.set()
        await busy
        working.cancel()
        await asyncio.wait([working])
        await outbound.close()
        return is_heard

    assert asyncio.run(hear())
