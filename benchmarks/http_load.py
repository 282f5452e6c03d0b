"""Requests over loopback from a few connections, each sent when the one before is answered."""

import asyncio
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple
from urllib.parse import urlsplit

#: Returns the whole text of the next request.
Next = Callable[[], bytes]


def request(address: str, path: str, key: str, body: bytes) -> bytes:
    """Return the text of a POST that keeps the connection."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {urlsplit(address).netloc}\r\n"
        f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Answered(NamedTuple):
    """What came of requests.

    Attributes:
        took_s: How many seconds each took of those that were done.
        refused: How many were answered with 503, to be sent again later.
    """

    took_s: list[float]
    refused: int


async def load(address: str, following: Next, *, connections: int, seconds: float) -> list[float]:
    """Return how many seconds each request took of those that were answered in time.

    Raises:
        RuntimeError: One was answered by anything but success.
    """
    answered = await overload(address, following, connections=connections, seconds=seconds)
    if answered.refused:
        raise RuntimeError(f"{answered.refused} requests were refused")
    return answered.took_s


async def overload(address: str, following: Next, *, connections: int, seconds: float) -> Answered:
    """Return what came of requests to a server that may refuse some for the time being.

    Raises:
        RuntimeError: One was answered by anything but success or 503 with a time to come back.
    """
    until = perf_counter() + seconds
    tasks = [_one(address, following, until) for _ in range(connections)]
    found = await asyncio.gather(*tasks)
    return Answered([each for one in found for each in one.took_s], sum(o.refused for o in found))


async def post(address: str, text: bytes) -> bytes:
    """Send one request and return the body of its answer; of one that is refused, nothing."""
    reader, writer = await asyncio.open_connection(*_place(address))
    writer.write(text)
    body = await _answer(reader)
    writer.close()
    return body or b""


def p99_ms(seconds: Sequence[float]) -> float:
    """Return the time in milliseconds that 99 of 100 requests did not exceed."""
    return sorted(seconds)[int(0.99 * len(seconds))] * 1_000


async def _one(address: str, following: Next, until: float) -> Answered:
    reader, writer = await asyncio.open_connection(*_place(address))
    took_s, refused = [], 0
    while (start := perf_counter()) < until:
        writer.write(following())
        if await _answer(reader) is None:
            refused += 1
        else:
            took_s.append(perf_counter() - start)
    writer.close()
    return Answered(took_s, refused)


async def _answer(reader: asyncio.StreamReader) -> bytes | None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    body = await reader.readexactly(length)
    if head.startswith(b"HTTP/1.1 503") and b"\r\nretry-after:" in head.lower():
        return None
    if not head.startswith(b"HTTP/1.1 20"):
        raise RuntimeError(f"{head.splitlines()[0]!r}: {body!r}")
    return body


def _place(address: str) -> tuple[str, int]:
    parts = urlsplit(address)
    return parts.hostname or "", parts.port or 0
