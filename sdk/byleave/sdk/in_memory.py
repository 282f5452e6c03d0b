"""A client without a network: it decides by definitions and keeps what it is told."""

from collections.abc import Callable, Mapping
from typing import Any

from byleave.experiments import (
    Assignments,
    Decider,
    Definitions,
    Visitor,
    local_snapshot,
)
from byleave.sdk.counters import Counters
from byleave.sdk.events import Event
from byleave.segments import Choice, Consent, Profile, Purpose, Regime, plain, read


class InMemoryClient:
    """Stands in for a decision server, in tests and in notebooks: `Personalise(app, server=…)`.

    Args:
        definitions: What it decides by, with fixed weights; without any, every page shows the
            site's own content.
        now_ms: When these definitions begin.
        clock: The time in milliseconds, for sites that let the server decide; by default it
            stands at `now_ms`.

    Attributes:
        known: By visitor, what a server would know of them now: values of attributes that are
            declared `fresh`.
        images: Uploaded images, by name.
        events: What the site captured, oldest first, as it would travel to a server.
        withdrawals: By visitor, what they took back.
    """

    def __init__(
        self,
        definitions: Definitions | None = None,
        *,
        now_ms: int = 0,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self.counters = Counters()
        self.events: list[Event] = []
        self.withdrawals: dict[str, Mapping[str, Any]] = {}
        self.images: dict[str, bytes] = {}
        self.known: dict[str, Mapping[str, Any]] = {}
        self._clock = clock or (lambda: now_ms)
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
        """Return what a server would decide for the visitor of a question."""
        del timeout_s
        if self._decider is None:
            return {"decisions": {}}
        consent, state = body["consent"], body["state"]
        visitor = Visitor(
            id=body["visitor"],
            view=body["view"],
            consent=Consent(
                {Purpose(use): Choice(choice) for use, choice in consent["choices"].items()},
                regime=Regime(consent["regime"]),
                source=consent["source"],
                at_ms=consent["at_ms"],
                number=consent["number"],
                knowing=consent["knowing"],
            ),
            attributes=body["attributes"],
            region=body.get("region"),
            profile=Profile.from_plain(state["profile"]),
            assignments=read(Assignments, state["assignments"]),
            is_counted=body["counted"],
        )
        decided = self._decider.decide(visitor, body["slots"], now_ms=self._clock())
        return {"decisions": {slot: plain(decision) for slot, decision in decided.items()}}

    async def fresh(self, visitor: str, *, timeout_s: float) -> Mapping[str, Any]:
        """Return what the server would know of a visitor now."""
        del timeout_s
        return self.known.get(visitor, {})

    async def image(self, name: str) -> bytes | None:
        """Return an image that stands in for an uploaded one."""
        return self.images.get(name)
