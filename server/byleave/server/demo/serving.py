"""The stage over HTTP, from threads of this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

import uvicorn

from byleave.server.demo.transports import App


@contextmanager
def serving(app: App, listener: socket) -> Iterator[None]:
    """Serve an application from a thread until the block ends."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=10)
