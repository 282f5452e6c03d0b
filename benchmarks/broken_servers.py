"""Twenty-four ways in which a server can fail a site, each on a free port of this machine."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

Act = Callable[[socket.socket, threading.Event], None]

#: What a server says when it does not answer well.
STATUSES: Final = (400, 401, 403, 404, 405, 408, 429, 500, 501, 502, 503, 504)
PAYLOADS: Final[Mapping[str, bytes]] = {
    "empty": b"",
    "a page": b"<!doctype html><title>Please log in</title>",
    "cut off": b'{"version": {"generation": 1, "number": 1}, "decisions": {"hero": {"var',
    "of another kind": b'{"decisions": {"hero": {"variant": 7}}, "definitions": []}',
    "nested too deep": b"[" * 100_000,
}
ABSENT: Final = ("refused", "blackholed", "no such name")


def answer(body: bytes, status: int = 200) -> bytes:
    """Return a whole HTTP answer."""
    head = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\nRetry-After: 1\r\n\r\n"
    return head.encode() + body


def replying(text: bytes) -> Act:
    """Return what sends an answer."""
    return lambda client, _: client.sendall(text)


def silent(client: socket.socket, over: threading.Event) -> None:
    """Take the question and never answer."""
    over.wait()


def trickling(client: socket.socket, over: threading.Event) -> None:
    """Answer byte by byte, and never get beyond the headers."""
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"." * 100_000:
        client.sendall(bytes([byte]))
        if over.wait(0.01):
            return


def half(client: socket.socket, over: threading.Event) -> None:
    """Send the headers and a part of the body, and stop there."""
    client.sendall(answer(b"x" * 1_000)[:-900])
    over.wait()


def cut(client: socket.socket, over: threading.Event) -> None:
    """Reset the connection in the middle of the body."""
    client.sendall(answer(b"x" * 1_000)[:-900])
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


FAULTY: Final[Mapping[str, Act]] = {
    "silent": silent,
    "trickling": trickling,
    "half an answer": half,
    "cut connection": cut,
    **{f"status {status}": replying(answer(b'{"title": "no"}', status)) for status in STATUSES},
    **{f"payload {name}": replying(answer(body)) for name, body in PAYLOADS.items()},
}

#: The names of all of them.
FAULTS: Final = (*ABSENT, *FAULTY)


@contextmanager
def broken_server(fault: str) -> Iterator[str]:
    """Give the address of a server that fails in one way for as long as the block runs."""
    with ExitStack() as stack:
        if fault == "no such name":
            yield "http://byleave.invalid:8400"
            return
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        if fault == "blackholed":
            # Nobody accepts, and the queue is full, so that further attempts get no answer.
            listener.listen(0)
            stack.enter_context(socket.create_connection(listener.getsockname()))
        elif fault != "refused":
            listener.listen(64)
            over = threading.Event()
            accepting = threading.Thread(target=_accept, args=(listener, FAULTY[fault], over))
            accepting.start()
            stack.callback(accepting.join)
            stack.callback(over.set)
            stack.callback(listener.shutdown, socket.SHUT_RDWR)
        yield url


def _accept(listener: socket.socket, act: Act, over: threading.Event) -> None:
    workers = []
    with suppress(OSError):  # the listener was closed: the block has ended
        while True:
            client, _ = listener.accept()
            workers.append(threading.Thread(target=_serve, args=(client, act, over)))
            workers[-1].start()
    for worker in workers:
        worker.join()


def _serve(client: socket.socket, act: Act, over: threading.Event) -> None:
    with client, suppress(OSError):
        client.settimeout(0.1)
        while not over.is_set():
            try:
                if not client.recv(65_536):
                    return
            except TimeoutError:
                continue
            act(client, over)
            if act is cut:
                return
