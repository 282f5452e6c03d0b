"""The web server around the application: uvicorn with deadlines, and an orderly end."""

import gc
import socket
import sys
from collections.abc import Sequence
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from byleave.server.deadlines import PatientProtocol
from byleave.server.service import Service

#: Requests that are under way have so long to end, in seconds; what was acknowledged is stored
#: after that, and all of it takes less than ten.
DRAIN_S: Final = 6
#: An idle connection is closed after this, in seconds.
IDLE_S: Final = 15
#: A thread that computes lets another one go on after this, in seconds. Python's own 5 ms are some
#: 40 decisions. With less than this, more than one decision in a hundred waits while something is
#: published, and storing events takes more turns from decisions.
SWITCH_S: Final = 0.001
#: So many more objects are made than freed before the collector looks at the young ones. A batch of
#: events makes thousands, and few of them are in circles; Python's own 700 cost storing 4 %.
GC_EVERY: Final = 5_000


class OrderlyServer(uvicorn.Server):
    """Tells the service that it ends before it waits for what is under way."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        """Serve an application of the service."""
        super().__init__(config)
        self._service = service

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connections, finish what is under way, and store what is waiting."""
        self._service.is_ending.set()
        await super().shutdown(sockets)


def prepare() -> None:
    """Set the interpreter up for serving, once all is imported and the store is open.

    What is there by now stays for ever. The collector looks at it no more, which would take
    longer than storing the events that it comes in between.
    """
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_EVERY)


def serve(
    app: ASGIApp,
    service: Service,
    listener: socket.socket,
    *,
    most_connections: int,
    trusted_proxies: Sequence[str],
) -> None:
    """Serve until a signal ends it.

    Args:
        app: The application.
        service: What it serves.
        listener: Where.
        most_connections: Connections beyond these are answered with 503.
        trusted_proxies: Addresses whose word on who the client is counts.
    """
    prepare()
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        loop="auto",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        limit_concurrency=most_connections,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=DRAIN_S,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
    )
    OrderlyServer(config, service).run(sockets=[listener])
