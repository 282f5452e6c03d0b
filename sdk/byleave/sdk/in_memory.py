"""A client without a network: it decides by definitions and keeps what it is told."""

from collections.abc import Mapping
from typing import Any

from byleave.experiments import Decider, Definitions, local_snapshot
from byleave.sdk.counters import Counters
from byleave.sdk.events import Event


class InMemoryClient:
    """Stands in for a decision server, in tests and in notebooks: `Personalise(app, server=…)`.

    Args:
        definitions: What it decides by, with fixed weights; without any, every page shows the
            site's own content.
        now_ms: When these definitions begin.

    Attributes:
        events: What the site captured, oldest first, as it would travel to a server.
        withdrawals: By visitor, what they took back.
    """

    def __init__(self, definitions: Definitions | None = None, *, now_ms: int = 0) -> None:
        self.counters = Counters()
        self.events: list[Event] = []
        self.withdrawals: dict[str, Mapping[str, Any]] = {}
        self._decider: Decider | None = None
        if definitions is not None:
            self.use(definitions, now_ms=now_ms)

    def use(self, definitions: Definitions, *, now_ms: int = 0) -> None:
        """Decide by these definitions from now on."""
        self._decider = Decider(local_snapshot(definitions, now_ms=now_ms))

    def start(self) -> None:
        """Do nothing: there is nobody to keep up with."""

    def decider(self) -> Decider | None:
        """Return what decides."""
        return self._decider

    def capture(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    def withdraw(self, visitor: str, body: Mapping[str, Any]) -> None:
        """Keep a withdrawal, and forget the visitor's events as a server would."""
        self.withdrawals[visitor] = body
        self.events = [event for event in self.events if event.get("visitor") != visitor]

    async def decide(self, body: Mapping[str, Any], *, timeout_s: float) -> Mapping[str, Any]:
        """Decide nothing: there is no server to ask."""
        return {"decisions": {}}

    async def fresh(self, visitor: str, *, timeout_s: float) -> Mapping[str, Any]:
        """Know nothing: there is no server to ask."""
        return {}
