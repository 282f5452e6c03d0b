"""What the server sends packed is unpacked, and what is not whole is not believed."""

import gzip
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from byleave.sdk import http_transport
from byleave.sdk.http_transport import HttpTransport
from byleave.sdk.wire import Answer, Question

PACKED = gzip.compress(b"a snapshot " * 100, mtime=0)


@pytest.fixture
def ask() -> Iterator[Callable[[bytes], Answer]]:
    """Asks a server that answers with some bytes, and says that they are gzip if asked for it."""
    sent = b""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            if "gzip" in self.headers["accept-encoding"]:
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    transport = HttpTransport(f"http://127.0.0.1:{server.server_port}")

    def answer(body: bytes) -> Answer:
        nonlocal sent
        sent = body
        return transport.exchange(Question(method="GET", path="/v1/snapshot"), 30)

    yield answer
    transport.close()
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_packed_answer_is_unpacked(ask: Callable[[bytes], Answer]) -> None:
    answer = ask(PACKED)

    assert answer.body == b"a snapshot " * 100
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [PACKED[:-9], b"not gzip", b"", PACKED[:5] + b"x" + PACKED[6:-4]],
    ids=["cut off", "not packed", "empty", "damaged"],
)
def test_an_answer_that_is_not_whole_is_an_error(
    ask: Callable[[bytes], Answer], body: bytes
) -> None:
    with pytest.raises(OSError, match=r"gzip|cut short"):
        ask(body)


def test_an_answer_that_unpacks_to_too_much_is_an_error(
    ask: Callable[[bytes], Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_transport, "_MOST_BYTES", 500)

    with pytest.raises(OSError, match="too large"):
        ask(PACKED)


def test_a_connection_that_is_in_use_when_all_are_closed_is_closed_after_that() -> None:
    has_asked, may_answer, has_ended = threading.Event(), threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            has_asked.set()
            may_answer.wait(10)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def finish(self) -> None:
            super().finish()
            has_ended.set()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        transport = HttpTransport(f"http://127.0.0.1:{server.server_port}")
        question = Question(method="GET", path="/")
        asking = threading.Thread(target=transport.exchange, args=(question, 30))
        asking.start()
        has_asked.wait(10)
        transport.close()
        may_answer.set()
        asking.join()

        is_closed = has_ended.wait(5)
        transport.close()
        server.shutdown()
        serving.join()

    assert is_closed
