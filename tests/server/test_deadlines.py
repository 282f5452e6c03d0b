"""A client that is slow in any of the ways is cut off; one that is not is answered meanwhile."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from byleave.server.deadlines import PassingProtocol, PatientProtocol
from byleave.server.listening import listen

LARGE = 8_000_000


class Hasty(PatientProtocol):
    headers_s = 0.3
    body_s = 0.3
    unread_s = 0.3


class HastyPassing(PassingProtocol):
    headers_s = 0.3


async def answer(request: Request) -> Response:
    size = len(await request.body())
    if request.url.path == "/large":
        return Response(b"x" * LARGE)
    return PlainTextResponse(f"read {size}")


APP = Starlette(routes=[Route("/{path}", answer, methods=["GET", "POST"])])


Client = Callable[[int, set[Any]], Awaitable[Any]]


def serving(client: Client, protocol: type[PatientProtocol] = Hasty) -> Any:
    """Serve with short deadlines and return what a client comes to; nothing may be left open."""

    async def run() -> Any:
        listener = listen(0)
        config = uvicorn.Config(
            APP, http=protocol, log_config=None, access_log=False, lifespan="off"
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0)
        try:
            async with asyncio.timeout(20):
                found = await client(listener.getsockname()[1], server.server_state.connections)
        finally:
            server.should_exit = True
            await task
        assert not server.server_state.connections
        return found

    return asyncio.run(run())


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    with suppress(ConnectionError):
        return await reader.read()
    return b""


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /a HT",
        b"GET /a HTTP/1.1\r\nHost: x\r\nX-Slow: 1\r\n",
        b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
        b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
def test_a_client_that_stops_half_way_is_cut_off(sent: bytes) -> None:
    async def client(port: int, connections: set[Any]) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        found = await until_closed(reader)
        writer.close()
        return found

    assert b"200" not in serving(client)


@pytest.mark.parametrize(
    "first", [b"GET /a HTTP/1.1\r\n", b"POST /a HTTP/1.1\r\nContent-Length: 99\r\n\r\n"]
)
def test_a_client_that_trickles_is_cut_off(first: bytes) -> None:
    async def client(port: int, connections: set[Any]) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(first)
        closed = asyncio.create_task(until_closed(reader))
        sent = 0
        while not closed.done():
            writer.write(b"x")
            sent += 1
            await asyncio.wait([closed], timeout=0.02)
        writer.close()
        return sent

    assert serving(client) < 60


def test_a_client_that_does_not_read_is_cut_off() -> None:
    async def client(port: int, connections: set[Any]) -> int:
        loop = asyncio.get_running_loop()
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        raw.setblocking(False)
        await loop.sock_connect(raw, ("127.0.0.1", port))
        await loop.sock_sendall(raw, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        size = 0
        for is_open in (True, False):  # it connects, and is cut off without having read
            while bool(connections) is not is_open:
                await asyncio.sleep(0)
        with suppress(ConnectionError):
            while piece := await loop.sock_recv(raw, 65_536):
                size += len(piece)
        raw.close()
        return size

    assert serving(client) < LARGE


def test_headers_without_end_are_cut_off() -> None:
    async def client(port: int, connections: set[Any]) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /a HTTP/1.1\r\nX: " + b"x" * 200_000)
        found = await until_closed(reader)
        writer.close()
        return found

    assert serving(client) == b""


def test_an_honest_client_is_answered_again_and_again_beside_slow_ones() -> None:
    async def client(port: int, connections: set[Any]) -> list[bytes]:
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(50)]
        for _, writer in slow:
            writer.write(b"GET /a HTTP/1.1\r\n")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answers = []
        for _ in range(5):
            writer.write(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            head = await reader.readuntil(b"\r\n\r\n")
            answers.append(head.split()[1] + await reader.readexactly(6))
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        answers.append(str(len(await reader.readexactly(LARGE))).encode())
        writer.close()
        for closing, other in slow:
            await until_closed(closing)
            other.close()
        return answers

    assert serving(client) == [b"200read 3"] * 5 + [str(LARGE).encode()]


def test_what_passes_through_takes_its_time_but_not_to_begin() -> None:
    async def client(port: int, connections: set[Any]) -> list[bytes]:
        uploading, upload = await asyncio.open_connection("127.0.0.1", port)
        upload.write(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na")
        idle, other = await asyncio.open_connection("127.0.0.1", port)
        found = [await until_closed(idle)]
        other.close()
        upload.write(b"bc")
        await uploading.readuntil(b"\r\n\r\n")
        found.append(await uploading.readexactly(6))
        upload.close()
        return found

    assert serving(client, HastyPassing) == [b"", b"read 3"]
