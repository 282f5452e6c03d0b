"""A receiver of webhooks on this machine."""

from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


class Receiver:
    """Keeps what it was sent, and answers with `status`, `says` and `cookie`."""

    def __init__(self) -> None:
        self.taken: list[tuple[Mapping[str, str], bytes]] = []
        self.status = 204
        self.says = b""
        self.cookie = ""
        self._told = Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.taken.append((dict(self.headers), body))
                receiver._told.set()
                self.send_response(receiver.status)
                self.send_header("Location", "/elsewhere")
                if receiver.cookie:
                    self.send_header("Set-Cookie", receiver.cookie)
                if receiver.says:
                    self.send_header("Content-Length", str(len(receiver.says)))
                self.end_headers()
                self.wfile.write(receiver.says)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def is_told(self, *, within_s: float) -> bool:
        """Wait until something was sent; return whether it was."""
        return self._told.wait(within_s)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
