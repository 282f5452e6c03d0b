"""How a publication gets to its readers: packed, tagged, and told of as it comes into force."""

import asyncio
import gzip
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from signal import SIGTERM
from time import monotonic
from typing import Any

import httpx2
import pytest
import zstandard
from starlette.testclient import TestClient
from tests.server.process import Running, running

from byleave.server import streaming
from byleave.server.app import create_app
from byleave.server.keys import Role
from byleave.server.packing import Packable
from byleave.server.service import Service

from .conftest import DEFINITIONS

SNAPSHOT = "/v1/snapshot"
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": bytes,  # the client did already
    "zstd": zstandard.decompress,
}


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    headers = {"Authorization": f"Bearer {service.create_key(Role.SERVER)}"}
    with TestClient(create_app(service), headers=headers) as client:
        yield client


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", "identity"),
        ("identity", "identity"),
        ("br", "identity"),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("zstd;q=0, gzip; q=0.1", "gzip"),
        ("*", "zstd"),
        ("*;q=0", "identity"),
        ("gzip;q=nan, zstd;q=a;b", "identity"),
    ],
)
def test_a_reader_gets_the_encoding_that_it_likes_best(accepted: str, coding: str) -> None:
    body = b"a body that is said " * 20

    found, packed = Packable(body, "tag").best(accepted)

    assert found == coding
    assert (gzip.decompress if found == "gzip" else UNPACK[found])(packed) == body
    assert len(packed) < len(body) or found == "identity"


def test_each_encoding_has_a_strong_tag_of_its_own(client: TestClient, service: Service) -> None:
    answers = {}
    for coding in ("identity", "gzip", "zstd"):
        answer = client.get(SNAPSHOT, headers={"Accept-Encoding": coding})
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers.get("content-encoding", "identity") == coding
        assert UNPACK[coding](answer.content) == service.published.body
        answers[coding] = answer.headers["etag"]

    statuses = {
        (coding, tagged): client.get(
            SNAPSHOT, headers={"Accept-Encoding": coding, "If-None-Match": answers[tagged]}
        ).status_code
        for coding in answers
        for tagged in answers
    }

    assert len(set(answers.values())) == 3
    assert statuses == {(c, t): 304 if c == t else 200 for c in answers for t in answers}


def told(text: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


def test_a_reader_is_told_of_what_it_does_not_have(client: TestClient, service: Service) -> None:
    version = service.published.snapshot.version
    now = f"{version.generation}.{version.number}"

    new = client.get("/v1/stream")
    back = client.get("/v1/stream", headers={"Last-Event-ID": now})
    behind = client.get("/v1/stream", headers={"Last-Event-ID": "0.7"})

    assert new.headers["content-type"].startswith("text/event-stream")
    assert f"id: {now}\nevent: snapshot\n" in new.text
    expected = [{"version": now, "published_ms": service.published.snapshot.published_ms}]
    assert told(new.text) == told(behind.text) == expected
    assert told(back.text) == []


def test_a_stream_without_news_shows_that_it_is_there(service: Service) -> None:
    class Hasty(streaming.Streams):
        heartbeat_s = 0.0

    async def pieces() -> list[object]:
        body = aiter(Hasty(service, is_lasting=True).stream("1.1").body_iterator)
        return [await anext(body) for _ in range(3)]

    assert asyncio.run(pieces()) == ["retry: 2000\n\n", ": here\n\n", ": here\n\n"]


def test_streams_are_bounded_and_given_back(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "MOST_STREAMS", 1)
    streams = client.app.state.streams  # type: ignore[attr-defined]  # an application of ours

    first = [client.get("/v1/stream").status_code for _ in range(3)]
    streams.open += 1
    full = client.get("/v1/stream")

    assert first == [200] * 3
    assert (full.status_code, full.headers["retry-after"]) == (503, "60")


def test_before_anything_is_published_there_is_no_stream(
    open_service: Callable[..., Service],
) -> None:
    service = open_service("empty.db")
    headers = {"Authorization": f"Bearer {service.create_key(Role.SERVER)}"}

    answer = TestClient(create_app(service), headers=headers).get("/v1/stream")

    assert answer.status_code == 503


def changed() -> dict[str, Any]:
    experiments = DEFINITIONS["experiments"]
    return DEFINITIONS | {"experiments": {"welcome": experiments["welcome"] | {"title": "New"}}}


def published(running: Running, admin: str, definitions: dict[str, Any]) -> float:
    body = {"definitions": definitions, "reason": "tests"}
    headers = {"Authorization": f"Bearer {admin}", "If-Match": "*"}
    answer = httpx2.post(
        f"{running.address}/v1/definitions", json=body, headers=headers, timeout=30
    )
    assert answer.status_code == 200, answer.text
    return monotonic()


def notice(lines: Iterator[str]) -> str:
    """The id of the next notice."""
    return next(line for line in lines if line.startswith("id: "))


def test_a_stream_tells_of_a_publication_and_ends_with_the_server(tmp_path: Path) -> None:
    store = Service(tmp_path / "byleave.db", site="shop", clock=lambda: 1_795_420_000_000)
    admin, server = store.create_key(Role.ADMIN), store.create_key(Role.SERVER)
    store.close()
    with running(tmp_path) as process:
        process.key = server
        with (
            process.client() as client,
            client.stream("GET", "/v1/stream") as answer,
            ThreadPoolExecutor(1) as others,
        ):
            lines = answer.iter_lines()
            first = notice(lines)
            done = others.submit(published, process, admin, changed())
            second = notice(lines)
            late_s = monotonic() - done.result()
            ended = others.submit(process.stop)
            rest = list(lines)
            status = ended.result()

    assert second != first
    assert late_s < 2
    assert not any(line.startswith("id: ") for line in rest)
    assert status == -SIGTERM
    assert "Traceback" not in process.log.read_text()
