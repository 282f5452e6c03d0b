"""The decision server as an application in the site's process, called from threads and loops."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from byleave.sdk.asgi_transport import AsgiTransport
from byleave.sdk.wire import Answer, Question


def test_inside_an_event_loop_a_blocking_call_is_refused(server: Any) -> None:
    transport = AsgiTransport(server)

    async def misuse() -> None:
        transport.attach()
        transport.exchange(Question(method="GET", path="/"), 1)

    with pytest.raises(RuntimeError, match="event loop"):
        asyncio.run(misuse())


def test_from_a_thread_the_application_runs_in_the_sites_loop(server: Any) -> None:
    transport = AsgiTransport(server)

    async def site() -> Answer:
        transport.attach()
        question = Question(method="GET", path="/v1/snapshot?x=1")
        return await asyncio.to_thread(transport.exchange, question, 5)

    assert asyncio.run(site()).status == 200


def test_an_application_that_never_answers_is_given_up() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await receive()

    with pytest.raises(TimeoutError):
        AsgiTransport(app).exchange(Question(method="GET", path="/"), 0.01)


def test_a_loop_that_ends_meanwhile_is_a_connection_error() -> None:
    has_begun = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        has_begun.set()
        await receive()
        await receive()

    async def site() -> Any:
        transport = AsgiTransport(app)
        transport.attach()
        answer = pool.submit(transport.exchange, Question(method="GET", path="/"), 30)
        await has_begun.wait()
        return answer

    with ThreadPoolExecutor() as pool:
        answer = asyncio.run(site())

        with pytest.raises(ConnectionError):
            answer.result()
