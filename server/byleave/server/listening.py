"""Ports to listen on, taken before anything else starts."""

import socket

from byleave.server.errors import ServerError

LOOPBACK = "127.0.0.1"


class PortInUseError(ServerError):
    """A port that another program listens on."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is in use by another program; stop it, or name another")


def listen(port: int, *, host: str = LOOPBACK) -> socket.socket:
    """Return a socket that listens on a port; 0 takes any free one.

    Raises:
        PortInUseError: Another program listens there.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise PortInUseError(port) from None
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the address of what listens on a socket."""
    host, port = listener.getsockname()
    return f"http://{host}:{port}"
