"""Ports to listen on, taken before anything else starts."""

import socket
from errno import EADDRINUSE

from byleave.server.errors import ServerError

LOOPBACK = "127.0.0.1"


class ListenError(ServerError):
    """Nothing can listen there; the message says why and what to do."""


def listen(port: int, *, host: str = LOOPBACK) -> socket.socket:
    """Return a socket that listens on a port of an address; 0 takes any free one.

    Raises:
        ListenError: Another program listens there, or the address is not this machine's.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        if error.errno == EADDRINUSE:
            told = f"port {port} is in use by another program; stop it, or name another"
        else:
            told = f"cannot listen on {host}, port {port}: {error.strerror}; name another"
        raise ListenError(told) from None
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the address of what listens on a socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
