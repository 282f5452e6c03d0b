"""The work that nobody waits for: weights, segments, webhooks, retention."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Final, ParamSpec, TypeVar

from byleave.server.errors import NothingPublishedError
from byleave.server.outbound import Outbound
from byleave.server.service import Service

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger("byleave.server")

#: How often weights are looked at, in seconds. All times here are.
_WEIGHTS_S: Final = 15.0
#: How long nothing due waits to be looked at again.
_IDLE_S: Final = 1.0
_STATUSES_S: Final = 60.0
#: How often visitors are drawn, so that no page of the console has to wait for it.
_DRAWING_S: Final = 300.0
_RETENTION_S: Final = 3_600.0
# Enough for each job of a few sites: what takes long must not keep what others published from
# being heard of.
_THREADS: Final = ThreadPoolExecutor(32, thread_name_prefix="byleave-work")
#: After so many of its own pauses without its holder, a job is another process's.
_LEASE_ROUNDS: Final = 3


async def work(service: Service, outbound: Outbound) -> None:
    """Do all that is due, until cancelled; a job that fails is tried again later."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_repeat_one("weights", service, _weights, _WEIGHTS_S))
        group.create_task(_repeat("news", lambda: _news(service), _IDLE_S))
        group.create_task(_repeat("segments", lambda: _segments(service), _IDLE_S))
        group.create_task(_repeat("drawing", lambda: _drawing(service), _DRAWING_S))
        group.create_task(_repeat("webhooks", lambda: service.outreach.deliver(outbound), _IDLE_S))
        group.create_task(_repeat_one("statuses", service, _statuses, _STATUSES_S))
        group.create_task(_repeat_one("retention", service, _retention, _RETENTION_S))


async def work_until_stopped(service: Service, outbound: Outbound) -> None:
    """Do all that is due until the process is told to end."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    working = asyncio.create_task(work(service, outbound))
    await stopped.wait()
    service.is_ending.set()
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    await outbound.close()


async def _repeat(job: str, do: Callable[[], Awaitable[int]], pause_s: float) -> None:
    """Do a job again and again, at once as long as there is more to do."""
    while True:
        try:
            has_more = await do() > 0
        except NothingPublishedError:
            has_more = False
        except Exception:  # a failure now must not end the job for ever
            _log.exception("a job failed and is tried again", extra={"job": job})
            has_more = False
        if _is_told_to_end():
            return
        if not has_more:
            await asyncio.sleep(pause_s)


def _is_told_to_end() -> bool:
    """Whether the task is: a job that failed just then has swallowed what said so."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _repeat_one(
    job: str, service: Service, do: Callable[[Service], Awaitable[int]], pause_s: float
) -> None:
    """Do a job again and again, of several processes in one."""

    async def do_if_ours() -> int:
        lasts_ms = round(_LEASE_ROUNDS * pause_s * 1_000)
        is_ours = await _whole(partial(service.leases.hold, job, lasts_ms=lasts_ms))
        return await do(service) if is_ours else 0

    await _repeat(job, do_if_ours, pause_s)


async def _weights(service: Service) -> int:
    await _whole(service.tick, service.clock())
    return 0


async def _news(service: Service) -> int:
    await _whole(service.refresh)
    return 0


async def _segments(service: Service) -> int:
    return await _whole(service.outreach.judge, service.published.snapshot)


async def _drawing(service: Service) -> int:
    await _whole(service.drawing.draw)
    return 0


async def _statuses(service: Service) -> int:
    await _whole(service.outreach.tell_statuses, service.statuses)
    return 0


async def _retention(service: Service) -> int:
    await _whole(service.books.seal)
    await _whole(service.retain)
    return 0


async def _whole(do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a function comes to in a thread, and never leave it there half done."""
    loop = asyncio.get_running_loop()
    doing = loop.run_in_executor(_THREADS, partial(do, *args, **kwargs))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await doing
        raise
