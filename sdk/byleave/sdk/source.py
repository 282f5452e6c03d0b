"""Where decisions come from and events go; where there is no server, definitions alone."""

from collections.abc import Mapping
from typing import Any, Protocol

from byleave.experiments import Decider, Definitions, local_snapshot
from byleave.sdk.counters import Counters
from byleave.sdk.events import Event


class Source(Protocol):
    """Where decisions come from and events go.

    Attributes:
        counters: What is counted in this process, of nobody in particular.
    """

    counters: Counters

    def start(self) -> None:
        """Make sure that this process keeps up with the server; called for each request."""

    def decider(self) -> Decider | None:
        """Return what decides now; None shows the site's own content everywhere."""
        ...

    def capture(self, event: Event) -> None:
        """Take an event that is to be sent."""

    def withdraw(self, visitor: str, body: Mapping[str, Any]) -> None:
        """Take a withdrawal that must reach the server, and forget what waits of the visitor."""

    async def decide(self, body: Mapping[str, Any], *, timeout_s: float) -> Mapping[str, Any]:
        """Return what the server decides for one visitor."""
        ...

    async def fresh(self, visitor: str, *, timeout_s: float) -> Mapping[str, Any]:
        """Return what the server knows of a visitor now: values by attribute."""
        ...

    async def image(self, name: str) -> bytes | None:
        """Return an uploaded image; None where the site has none of this name."""
        ...


class Local:
    """Definitions without a server: fixed shares, nothing learned and nothing sent."""

    def __init__(self, definitions: Definitions, *, now_ms: int) -> None:
        self._decider = Decider(local_snapshot(definitions, now_ms=now_ms))
        self.counters = Counters()

    def start(self) -> None:
        """Do nothing: there is nobody to keep up with."""

    def decider(self) -> Decider | None:
        """Return what decides."""
        return self._decider

    def capture(self, event: Event) -> None:
        """Drop the event: nobody counts it."""

    def withdraw(self, visitor: str, body: Mapping[str, Any]) -> None:
        """Do nothing: nobody else knows the visitor."""

    async def decide(self, body: Mapping[str, Any], *, timeout_s: float) -> Mapping[str, Any]:
        """Decide nothing: there is no server to ask."""
        return {"decisions": {}}

    async def fresh(self, visitor: str, *, timeout_s: float) -> Mapping[str, Any]:
        """Know nothing: there is no server to ask."""
        return {}

    async def image(self, name: str) -> bytes | None:
        """Have none: what is uploaded is on a server."""
        return None
