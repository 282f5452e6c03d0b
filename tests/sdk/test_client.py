"""The client: snapshots in, events and withdrawals out, whatever the server does."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from byleave.sdk import Client
from byleave.sdk.asgi_transport import AsgiTransport
from byleave.sdk.http_transport import HttpTransport
from byleave.sdk.wire import Question

Respond = Callable[[BaseHTTPRequestHandler], None]


def event(visitor: str = "v", number: int = 0) -> dict[str, Any]:
    return {"id": f"{number:08}", "type": "event", "visitor": visitor}


@pytest.fixture
def client(server: Any, clock: Any) -> Client:
    return Client(AsgiTransport(server), key="secret", clock=clock, background=False)


@pytest.fixture
def over_http() -> Iterator[Callable[[str], HttpTransport]]:
    """Makes transports that are closed in the end."""
    made: list[HttpTransport] = []

    def make(url: str) -> HttpTransport:
        made.append(HttpTransport(url))
        return made[-1]

    yield make
    for transport in made:
        transport.close()


@pytest.fixture
def listen() -> Iterator[Callable[[Respond], str]]:
    """Starts a server on this machine that answers each request in a given way."""
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(respond: Respond) -> str:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                respond(self)

            do_POST = do_PUT = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                pass

        listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        listening.daemon_threads = True
        listening.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients hang up
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        running.append((listening, thread))
        return f"http://127.0.0.1:{listening.server_port}"

    yield start
    for listening, thread in running:
        listening.shutdown()
        thread.join()
        listening.server_close()


def reply(request: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    request.rfile.read(int(request.headers.get("content-length", 0)))
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def test_before_the_first_snapshot_nothing_decides(client: Client) -> None:
    assert client.decider() is None


def test_a_snapshot_is_asked_for_by_its_tag_and_confirmed(client: Client, server: Any) -> None:
    assert client.poll()
    first = client.decider()
    assert client.poll()

    assert client.decider() is first
    assert [headers.get("if-none-match") for _, _, headers in server.requests] == [None, '"1"']
    assert {headers["authorization"] for _, _, headers in server.requests} == {"Bearer secret"}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (" secret\r\n", "secret"),
        ("server_1c5d84e2_…", "server_1c5d84e2_%E2%80%A6"),
        ("a\nb", "a%0Ab"),
    ],
)
def test_whatever_is_given_for_a_key_can_be_sent_and_judged(
    server: Any, clock: Any, given: str, sent: str
) -> None:
    client = Client(AsgiTransport(server), key=given, clock=clock, background=False)
    client.poll()

    [(_, _, headers)] = server.requests
    assert headers["authorization"] == f"Bearer {sent}"


def test_a_newer_snapshot_takes_over_and_an_older_one_does_not(client: Client, server: Any) -> None:
    numbers = []
    for server.number in (2, 5, 4):
        client.poll()
        decider = client.decider()
        assert decider is not None
        numbers.append(decider.snapshot.version.number)

    assert numbers == [2, 5, 5]


def test_a_confirmed_snapshot_is_young_again(client: Client, clock: Any) -> None:
    client.poll()
    clock.now_ms += 86_400_000
    client.poll()
    clock.now_ms += 86_400_000

    assert client.decider() is not None


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"[]",
        b"null",
        b'{"version": {"generation": 1, "number": 2}}',
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"version": 1, "published_ms": "x"}',
    ],
)
def test_after_garbage_the_last_good_snapshot_stays(
    client: Client, server: Any, garbage: bytes
) -> None:
    client.poll()
    good = client.decider()
    server.number, server.snapshot = 2, garbage

    assert not client.poll()
    assert client.decider() is good


def test_a_snapshot_cut_anywhere_is_never_taken(client: Client, server: Any) -> None:
    whole = json.dumps(server.plain_snapshot()).encode()
    for length in range(0, len(whole), 37):
        server.snapshot = whole[:length]
        assert not client.poll()

    assert client.decider() is None


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 429, 500, 503])
def test_a_refused_snapshot_changes_nothing_and_the_log_says_why(
    client: Client, server: Any, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    server.status = status

    assert not client.poll()
    assert client.decider() is None
    cause = "the key is not one of its server keys" if status in (401, 403) else f"status {status}"
    [message] = caplog.messages
    assert message.startswith(f"snapshot not fetched: {cause}")


def test_events_are_sent_once_and_in_order(client: Client, server: Any) -> None:
    for number in range(1_200):
        client.capture(event(number=number))

    assert client.flush()
    assert client.flush()

    assert [e["id"] for e in server.events] == [f"{n:08}" for n in range(1_200)]


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 503])
def test_what_the_server_cannot_take_now_is_sent_again_with_the_same_ids(
    client: Client, server: Any, status: int
) -> None:
    client.capture(event())
    server.status = status
    assert not client.flush()
    server.status = 200

    assert client.flush()
    assert [e["id"] for e in server.events] == ["00000000"]


def test_what_the_server_refuses_for_good_is_not_sent_for_ever(client: Client, server: Any) -> None:
    client.capture(event())
    server.status = 400

    assert client.flush()
    assert len(client.buffer) == 0


def test_a_withdrawal_goes_first_and_until_it_is_accepted(client: Client, server: Any) -> None:
    client.capture(event("gone"))
    client.capture(event("stays"))
    server.is_down = True
    client.withdraw("gone", {"choices": {"analytics": "denied"}})
    assert not client.flush()
    assert not client.flush()
    server.is_down = False

    assert client.flush()

    asked = [path for _, path, _ in server.requests]
    assert asked == ["/v1/consent/gone"] * 3 + ["/v1/events"]
    assert [e["visitor"] for e in server.events] == ["stays"]


def test_the_background_thread_starts_with_the_first_request_and_ends(
    server: Any, clock: Any
) -> None:
    client = Client(AsgiTransport(server), key="", clock=clock, poll_every_s=0.01)
    before = threading.active_count()
    client.capture(event())
    has_snapshot = threading.Event()
    poll = client.poll

    def polled() -> bool:
        is_well = poll()
        has_snapshot.set()
        return is_well

    client.poll = polled  # type: ignore[method-assign]  # to be told of it
    client.start()
    client.start()
    assert threading.active_count() == before + 1
    assert has_snapshot.wait(10)
    client.close()

    assert client.decider() is not None
    assert len(server.events) == 1


def test_what_is_left_at_the_end_is_counted(
    client: Client, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client.capture(event())
    server.is_down = True

    client.close()

    assert "not sent before the process ended" in caplog.text


def test_a_process_that_ends_sends_what_waits(listen: Any) -> None:
    bodies: list[Any] = []

    def respond(request: BaseHTTPRequestHandler) -> None:
        size = int(request.headers.get("content-length", 0))
        if request.path == "/v1/events":
            bodies.append(json.loads(request.rfile.read(size)))
            size = 0
        reply(request, 202 if size == 0 else 404, b"{}")

    code = """
import sys
from byleave.sdk import Client
from byleave.sdk.http_transport import HttpTransport
client = Client(HttpTransport(sys.argv[1]), key="k", clock=lambda: 1, flush_every_s=60.0)
client.start()
client.capture({"id": "1", "type": "event", "visitor": "v"})
"""
    subprocess.run([sys.executable, "-c", code, listen(respond)], check=True, timeout=60)

    assert [event["id"] for body in bodies for event in body["events"]] == ["1"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_starts_empty(client: Client) -> None:
    client.capture(event())
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        client.start()
        os._exit(len(client.buffer))
    _, status = os.waitpid(pid, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert os.getpid() == parent
    assert len(client.buffer) == 1


def test_over_http_connections_are_kept_and_renewed(listen: Any, over_http: Any) -> None:
    ports = []

    def respond(request: BaseHTTPRequestHandler) -> None:
        ports.append(request.client_address[1])
        reply(request, 200, b"ok", Etag='"1"', Connection="close" if len(ports) == 2 else "")

    transport = over_http(listen(respond) + "/mounted")
    question = Question(method="POST", path="/v1/events", body=b"{}")
    answers = [transport.exchange(question, 5) for _ in range(4)]

    assert {(a.status, a.headers["etag"], a.body) for a in answers} == {(200, '"1"', b"ok")}
    assert ports[0] == ports[1] != ports[2] == ports[3]


def test_a_connection_that_was_closed_meanwhile_is_replaced(listen: Any, over_http: Any) -> None:
    count = 0

    def respond(request: BaseHTTPRequestHandler) -> None:
        nonlocal count
        count += 1
        if count == 2:
            request.close_connection = True  # without a word
            return
        reply(request, 200)

    transport = over_http(listen(respond))
    statuses = [transport.exchange(Question(method="GET", path="/"), 5).status for _ in range(2)]

    assert statuses == [200, 200]
    assert count == 3


@pytest.mark.parametrize("is_trickling", [True, False])
def test_a_server_that_is_too_slow_is_given_up(
    listen: Any, over_http: Any, is_trickling: bool
) -> None:
    over = threading.Event()

    def respond(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not over.wait(0.01 if is_trickling else None):
            request.wfile.write(b"x")

    transport = over_http(listen(respond))

    with pytest.raises(TimeoutError):
        transport.exchange(Question(method="GET", path="/"), 0.1)
    over.set()


@pytest.mark.parametrize(
    "bytes_", [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx", b"hello\r\n\r\n", b""]
)
def test_a_broken_answer_is_a_connection_error(listen: Any, over_http: Any, bytes_: bytes) -> None:
    def respond(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(bytes_)
        request.close_connection = True

    transport = over_http(listen(respond))

    with pytest.raises(ConnectionError):
        transport.exchange(Question(method="GET", path="/"), 5)


def test_nobody_listening_is_a_connection_error(over_http: Any) -> None:
    transport = over_http("http://127.0.0.1:9")

    with pytest.raises(ConnectionError):
        transport.exchange(Question(method="GET", path="/"), 5)


def test_over_http_a_question_does_not_block_the_event_loop(listen: Any, over_http: Any) -> None:
    transport = over_http(listen(lambda request: reply(request, 200, b"ok")))

    answer = asyncio.run(transport.ask(Question(method="GET", path="/"), 5))

    assert answer.body == b"ok"
