"""Sites that run in several processes: every event of theirs arrives, and arrives once."""

import http.client
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from byleave.experiments import Definitions, local_snapshot
from byleave.sdk.middleware import system_clock
from byleave.segments import plain, read

pytestmark = pytest.mark.long

SITE = """
import os
from urllib.parse import parse_qsl

from byleave.sdk import Personalise as AsgiPersonalise, record
from byleave.sdk.wsgi import Personalise
from byleave.segments import Choice, Consent, Purpose

AGREED = Consent(dict.fromkeys((Purpose.PERSONALISATION, Purpose.ANALYTICS), Choice.GRANTED))
OPTIONS = {{
    "server": "{url}",
    "bootstrap": "{bootstrap}",
    "secrets": ["a secret that all processes know"],
    "consent": lambda scope: AGREED,
}}


def join(request, query):
    record(request, "sign_up", {{"number": int(dict(parse_qsl(query))["number"])}})


def pages(environ, start_response):
    join(environ, environ["QUERY_STRING"])
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


async def asgi_pages(scope, receive, send):
    if scope["type"] == "lifespan":
        for answer in ("startup", "shutdown"):
            await receive()
            await send({{"type": "lifespan." + answer + ".complete"}})
        return
    join(scope, scope["query_string"].decode())
    headers = [(b"content-type", b"text/plain")]
    await send({{"type": "http.response.start", "status": 200, "headers": headers}})
    await send({{"type": "http.response.body", "body": str(os.getpid()).encode()}})


application = Personalise(pages, **OPTIONS)
asgi_application = AsgiPersonalise(asgi_pages, **OPTIONS)
"""
DEFINITIONS = {
    "site": "shop",
    "events": {
        "sign_up": {
            "properties": {"number": "number"},
            "purposes": ["personalisation", "analytics"],
            "ttl": "400d",
        }
    },
    "goals": {"signup": {"event": "sign_up", "kind": "conversion", "within": "7d"}},
    "slots": {"hero": {"kind": "content"}},
    "experiments": {
        "greeting": {
            "slot": "hero",
            "allocate": {"policy": "fixed", "goal": "signup"},
            "goals": {"primary": "signup"},
            "variants": {"control": "site", "b": {"html": "Variant"}},
        }
    },
}
AGENT = "Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0 Safari/537.36"


@dataclass
class Received:
    """What the server got: the numbers of the events by their ids, and how many came twice."""

    numbers: dict[str, int] = field(default_factory=dict)
    repeated: int = 0


@pytest.fixture
def received() -> Iterator[tuple[str, Received]]:
    """A server that keeps what sites send, and its address."""
    got, lock = Received(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer(404, b"")

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with lock:
                for event in body.get("events", ()):
                    got.repeated += event["id"] in got.numbers
                    got.numbers[event["id"]] = event["properties"]["number"]
            self.answer(202, b"{}")

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}", got
    listening.shutdown()
    thread.join()
    listening.server_close()


@dataclass
class Running:
    """A site's server: its port and its process."""

    port: int
    process: subprocess.Popen[str]


@pytest.fixture
def run(received: tuple[str, Received], tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts a site with a command of a server for Python sites."""
    url, _ = received
    snapshot = local_snapshot(read(Definitions, DEFINITIONS), now_ms=system_clock())
    bootstrap = tmp_path / "snapshot.json"
    bootstrap.write_text(json.dumps(plain(snapshot)))
    (tmp_path / "site_of_test.py").write_text(SITE.format(url=url, bootstrap=bootstrap))
    started: list[tuple[subprocess.Popen[str], threading.Thread]] = []

    def start(*command: str, workers: int) -> Running:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )
        ports: queue.Queue[int] = queue.Queue()
        ready = threading.Semaphore(0)

        def follow() -> None:
            for line in process.stderr or ():
                if found := re.search(r"(?:Listening at|running on)\D+127\.0\.0\.1:(\d+)", line):
                    ports.put(int(found[1]))
                if "Booting worker" in line or "startup complete" in line:
                    ready.release()

        follower = threading.Thread(target=follow)
        follower.start()
        started.append((process, follower))
        running = Running(ports.get(timeout=60), process)
        for _ in range(workers):
            assert ready.acquire(timeout=60)
        return running

    yield start
    for process, follower in started:
        process.terminate()
        process.wait(timeout=60)
        follower.join()
        if process.stderr:
            process.stderr.close()


class Browsers:
    """Several who sign up at once, each over a connection that is kept while it works."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._local = threading.local()
        self._all: list[http.client.HTTPConnection] = []

    def sign_up(self, number: int) -> int | None:
        """Send one sign-up; return the process that answered, or None."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
            self._local.connection = connection
            self._all.append(connection)
        try:
            connection.request("GET", f"/join?number={number}", headers={"User-Agent": AGENT})
            answer = connection.getresponse()
            return int(answer.read()) if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            connection.close()
            return None

    def close(self) -> None:
        for connection in self._all:
            connection.close()


@pytest.mark.parametrize(
    "command",
    [
        ("gunicorn", "--preload", "--workers=4", "--worker-class=gthread", "--threads=4",
         "--bind=127.0.0.1:0", "site_of_test:application"),
        ("uvicorn", "--workers=4", "--port=0", "--no-access-log", "site_of_test:asgi_application"),
    ],
    ids=["gunicorn", "uvicorn"],
)  # fmt: skip
def test_ten_thousand_events_of_four_workers_arrive_once(
    command: tuple[str, ...], run: Callable[..., Running], received: tuple[str, Received]
) -> None:
    running = run(*command, workers=4)
    browsers = Browsers(running.port)
    with ThreadPoolExecutor(8) as people:
        answered = list(people.map(browsers.sign_up, range(10_000)))
    browsers.close()
    running.process.terminate()
    running.process.wait(timeout=60)

    _, got = received
    assert None not in answered
    assert len(set(answered)) == 4
    assert sorted(got.numbers.values()) == [*range(10_000)]
    assert got.repeated == 0


def test_a_hundred_terminations_lose_nothing_that_was_answered(
    run: Callable[..., Running], received: tuple[str, Received]
) -> None:
    running = run(
        "gunicorn", "--preload", "--workers=2", "--bind=127.0.0.1:0",
        "site_of_test:application", workers=2,
    )  # fmt: skip
    browsers = Browsers(running.port)
    over = threading.Event()
    numbers = iter(range(10**9))
    answered: list[int] = []
    answering: queue.SimpleQueue[int] = queue.SimpleQueue()

    def keep_signing_up() -> None:
        while not over.is_set():
            number = next(numbers)
            process = browsers.sign_up(number)
            if process is not None:
                answered.append(number)
                answering.put(process)

    with ThreadPoolExecutor(4) as people:
        for _ in range(4):
            people.submit(keep_signing_up)
        try:
            terminated: set[int] = set()
            while len(terminated) < 100:
                process = answering.get(timeout=30)
                if process not in terminated:
                    terminated.add(process)
                    os.kill(process, signal.SIGTERM)
        finally:
            over.set()
    browsers.close()
    running.process.terminate()
    running.process.wait(timeout=60)

    _, got = received
    assert len(answered) > 100
    assert set(answered) - set(got.numbers.values()) == set()
