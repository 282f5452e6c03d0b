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
