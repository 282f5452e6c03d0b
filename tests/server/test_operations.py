"""A server that runs as operators run it: it ends in order, and tells nothing of anybody."""

import json
import signal
import socket
import sqlite3
import threading
from pathlib import Path
from secrets import token_bytes
from time import monotonic
from typing import Any

import httpx2
import pytest
from tests.server.process import Running, running

from byleave.sdk.events import uuid7
from byleave.sdk.middleware import system_clock

CANARY = "canary7f3a"
SECONDS_TO_END = 10


@pytest.fixture
def server(tmp_path: Path) -> Any:
    with running(tmp_path) as started:
        yield started


def event(visitor: str, now_ms: int, name: str = "sign_up", **changed: Any) -> dict[str, Any]:
    return {
        "id": uuid7(now_ms, token_bytes),
        "type": "event",
        "at": now_ms,
        "visitor": visitor,
        "event": name,
        "properties": {},
        "uses": ["personalisation", "analytics"],
    } | changed


def test_what_was_acknowledged_is_stored_when_it_is_told_to_end(
    server: Running, tmp_path: Path
) -> None:
    acknowledged: list[str] = []
    failed: list[int] = []
    has_begun = threading.Event()

    def sending() -> None:
        with server.client() as client:
            while True:
                events = [event("ann", system_clock()) for _ in range(20)]
                try:
                    response = client.post(
                        "/v1/events", json={"sent_at": system_clock(), "events": events}
                    )
                except httpx2.HTTPError:
                    return  # it takes no more connections
                if response.status_code != 202:
                    failed.append(response.status_code)
                    return
                acknowledged.extend(each["id"] for each in events)
                has_begun.set()

    senders = [threading.Thread(target=sending) for _ in range(4)]
    for sender in senders:
        sender.start()
    assert has_begun.wait(30)
    began = monotonic()
    code = server.stop()
    took = monotonic() - began
    for sender in senders:
        sender.join()
    store = sqlite3.connect(tmp_path / "byleave.db")
    stored = {row[0] for row in store.execute("SELECT id FROM events")}
    store.close()

    assert code in (0, -signal.SIGTERM)
    assert took <= SECONDS_TO_END
    assert failed == []
    assert acknowledged
    assert set(acknowledged) <= stored


def test_a_client_that_holds_a_connection_does_not_hold_up_the_end(server: Running) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    holding = [socket.create_connection((host, int(port))) for _ in range(3)]
    holding[0].sendall(b"POST /v1/events HTTP/1.1\r\nHost: x\r\n")
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\n"
        "Expect: 100-continue\r\nContent-Length: 99\r\n\r\n"
    )
    holding[1].sendall(head.encode())
    assert b"100 Continue" in holding[1].recv(4096)  # now it waits for the body
    holding[1].sendall(b"{")
    began = monotonic()
    server.stop()
    took = monotonic() - began
    for each in holding:
        each.close()

    assert took <= SECONDS_TO_END


@pytest.mark.parametrize("path", ["/v1/events", "/console/sign-in"])
def test_a_client_that_hangs_up_is_no_failure_of_the_server(server: Running, path: str) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\n"
        "Expect: 100-continue\r\nContent-Length: 99\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as leaving:
        leaving.sendall(head.encode())
        assert b"100 Continue" in leaving.recv(4096)  # now it waits for the body
        leaving.sendall(b"{")

    line, deadline = f'byleave_requests_total{{route="POST {path}"', monotonic() + 30
    found: list[str] = []
    with server.client() as client:
        while not found and monotonic() < deadline:
            figures = client.get("/metrics").text.splitlines()
            found = [each for each in figures if each.startswith(line)]
    server.stop()

    assert found == [f'{line},status="400"}} 1.0']
    assert '"level": "error"' not in server.log.read_text()


def test_nothing_of_anybody_is_in_logs_errors_or_figures(server: Running, tmp_path: Path) -> None:
    now_ms = system_clock()
    choice = {"choices": {"personalisation": CANARY}, "source": CANARY, "at": now_ms}
    bad = [
        event(CANARY, now_ms, "purchase", properties={"amount": CANARY}),
        event(CANARY, now_ms, CANARY),
        event(CANARY, now_ms, properties={CANARY: CANARY}),
        event(CANARY, now_ms, uses=[CANARY]),
        {"id": CANARY},
        CANARY,
    ]
    answers = []
    with server.client() as client:
        client.headers |= {"User-Agent": CANARY, "Cookie": CANARY, "X-Id": CANARY}
        ask = client.request
        good = {"sent_at": now_ms - 10**9, "events": [event(CANARY, now_ms)]}
        answers += [
            ask("POST", "/v1/events", json=good),
            ask("POST", "/v1/events", json={"sent_at": now_ms, "events": bad}),
            ask("POST", f"/v1/events?{CANARY}", content=CANARY),
            ask("POST", "/v1/events", json={CANARY: CANARY}),
            ask("POST", "/v1/events", content=b"{" + CANARY.encode() * 30_000),
            ask("GET", f"/{CANARY}?{CANARY}={CANARY}"),
            ask("DELETE", f"/v1/events/{CANARY}"),
            ask("GET", f"/v1/experiments/{CANARY}/results"),
            ask("GET", f"/results/{CANARY}?leave={CANARY}"),
            ask("POST", "/v1/decide", json={"slots": [CANARY], "visitor": CANARY}),
            ask("POST", "/v1/decide", json={"slots": ["hero"], "visitor": f"{CANARY} "}),
            ask("POST", "/v1/decide", json={"slots": ["hero"], "state": CANARY}),
            ask("PUT", f"/v1/consent/{CANARY}", json=choice),
            ask("PUT", f"/v1/consent/{CANARY}!", json={}),
            ask("GET", "/livez", headers={"Authorization": f"Bearer byleave_{CANARY}"}),
            ask("GET", "/v1/snapshot", headers={"Authorization": f"Bearer byleave_{CANARY}"}),
            ask("DELETE", f"/v1/visitors/{CANARY}"),
        ]
        figures = ask("GET", "/metrics")
    _broken_request(server)
    _break_the_store(server, tmp_path)
    server.stop()
    log = server.log.read_text()

    assert {answer.status_code for answer in answers} >= {202, 400, 401, 404, 422}
    assert all(answer.status_code < 500 for answer in answers)
    # A page for people may lead back to its own address; what programs are told may not.
    told = [
        answer.text
        for answer in answers
        if answer.headers.get("content-type") == "application/problem+json"
    ]
    assert len(told) >= 10
    assert [text for text in told if CANARY in text] == []
    assert CANARY not in answers[1].text
    assert figures.status_code == 200
    assert 'byleave_events_total{verdict="accepted"} 1.0' in figures.text
    assert 'route="PUT /v1/consent/{visitor}"' in figures.text
    assert CANARY not in figures.text
    assert CANARY not in log
    records = [json.loads(line) for line in log.splitlines()]
    assert any(record["message"] == "a sender's clock is wrong" for record in records)
    assert any("error" in record and record["places"] for record in records)


def _broken_request(server: Running) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(f"{CANARY}\r\n{CANARY}\r\n\r\n".encode())
        assert CANARY.encode() not in raw.recv(4096)


def _break_the_store(server: Running, tmp_path: Path) -> None:
    """Take a table away, so that storing fails inside the database."""
    store = sqlite3.connect(tmp_path / "byleave.db", timeout=30)
    store.execute("PRAGMA wal_autocheckpoint=0")
    store.execute("ALTER TABLE tombstones RENAME TO gone")
    store.commit()
    with server.client() as client:
        sent = {"sent_at": system_clock(), "events": [event(CANARY, system_clock())]}
        answer = client.post("/v1/events", json=sent)
    store.close()
    assert answer.status_code == 503
    assert CANARY not in answer.text
