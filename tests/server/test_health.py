"""Whether a service is ready: asked by many at once."""

import asyncio

import httpx2
from sqlalchemy import Connection, Engine, event

from byleave.server.app import create_app
from byleave.server.service import Service


def test_however_many_ask_whether_it_is_ready_the_store_is_written_once(service: Service) -> None:
    commits: list[object] = []
    app = create_app(service)

    def committed(connection: Connection) -> None:
        commits.append(connection)

    async def ask() -> list[int]:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://server") as client:
            with service.storage.writing():  # so that nobody is answered before all have asked
                asked = [asyncio.create_task(client.get("/readyz")) for _ in range(20)]
                while app.state.looking is None:
                    await asyncio.sleep(0)
                for _ in range(100):
                    await asyncio.sleep(0)
                event.listen(Engine, "commit", committed)
            return [answer.status_code for answer in await asyncio.gather(*asked)]

    try:
        answers = asyncio.run(ask())
    finally:
        event.remove(Engine, "commit", committed)

    assert answers == [200] * 20
    assert len(commits) == 2  # ours, and one for all who asked


def test_whoever_asks_again_at_once_is_told_what_was_seen(service: Service) -> None:
    """Anybody may ask; events would wait for each look."""
    commits: list[object] = []
    app = create_app(service)

    def committed(connection: Connection) -> None:
        commits.append(connection)

    async def ask() -> list[int]:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://server") as client:
            return [(await client.get("/readyz")).status_code for _ in range(20)]

    event.listen(Engine, "commit", committed)
    try:
        answers = asyncio.run(ask())
    finally:
        event.remove(Engine, "commit", committed)

    assert answers == [200] * 20
    assert len(commits) <= 5
