"""A site with one experiment, a clock to step, and events as an SDK would send them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server.service import Service

DAY_MS = 86_400_000
START_MS = 20_000 * DAY_MS

DEFINITIONS: dict[str, Any] = {
    "site": "shop",
    "holdout": 0.05,
    "attributes": {
        "is_customer": {
            "type": "boolean",
            "source": "site",
            "purposes": ["personalisation", "analytics"],
            "ttl": "session",
            "default": False,
        }
    },
    "events": {
        "sign_up": {"purposes": ["personalisation", "analytics"], "ttl": "400d"},
        "purchase": {
            "properties": {"amount": "number", "gift": "boolean"},
            "purposes": ["personalisation", "analytics"],
            "ttl": "400d",
        },
    },
    "goals": {
        "signup": {"event": "sign_up", "kind": "conversion", "within": "2d"},
        "orders": {"event": "purchase", "kind": "count", "within": "3d", "cap": 3},
        "revenue": {
            "event": "purchase",
            "kind": "value",
            "of": "amount",
            "within": "3d",
            "cap": 100,
        },
    },
    "slots": {"hero": {"kind": "content"}},
    "segments": {"customers": {"when": {"attribute": "is_customer", "equals": True}}},
    "experiments": {
        "welcome": {
            "slot": "hero",
            "allocate": {"policy": "thompson", "goal": "signup"},
            "goals": {"primary": "signup", "others": ["orders", "revenue"]},
            "report_by": ["customers"],
            "variants": {
                "control": "site",
                "bold": {"template": "bold.html"},
                "calm": {"template": "calm.html"},
            },
        }
    },
}


class Clock:
    """Milliseconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_ms = START_MS

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, *, days: float = 0, hours: float = 0) -> int:
        self.now_ms += round((days + hours / 24) * DAY_MS)
        return self.now_ms


class Sender:
    """Makes events with ids that grow, as an SDK does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._count = 0

    def id(self) -> str:
        self._count += 1
        return f"01890000-0000-7000-8000-{self._count:012x}"

    def exposure(self, visitor: str, arm: str = "bold", **changed: Any) -> dict[str, Any]:
        return {
            "id": self.id(),
            "type": "exposure",
            "at": self._clock(),
            "visitor": visitor,
            "experiment": "welcome",
            "run": "welcome.1",
            "allocation": "welcome.1.1.0",
            "arm": arm,
            "assigned_at": self._clock(),
            "groups": [],
        } | changed

    def event(self, visitor: str, name: str = "sign_up", **changed: Any) -> dict[str, Any]:
        return {
            "id": self.id(),
            "type": "event",
            "at": self._clock(),
            "visitor": visitor,
            "event": name,
            "properties": {},
            "uses": ["personalisation", "analytics"],
        } | changed


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def send(clock: Clock) -> Sender:
    return Sender(clock)


@pytest.fixture
def definitions() -> Definitions:
    return read(Definitions, DEFINITIONS)


@pytest.fixture
def define() -> Callable[..., Definitions]:
    """Definitions of the site with some keys of the experiment changed."""

    def changed(**experiment: Any) -> Definitions:
        welcome = DEFINITIONS["experiments"]["welcome"] | experiment
        return read(Definitions, DEFINITIONS | {"experiments": {"welcome": welcome}})

    return changed


@pytest.fixture
def open_service(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., Service]]:
    """Opens the service of a store; whatever a test leaves open is closed after it."""
    opened = []

    def make(
        name: str = "byleave.db", *, seed: str | None = "tests", is_simulated: bool = False
    ) -> Service:
        service = Service(
            tmp_path / name, site="shop", clock=clock, seed=seed, is_simulated=is_simulated
        )
        opened.append(service)
        return service

    yield make
    for service in opened:
        service.close()


@pytest.fixture
def service(open_service: Callable[..., Service], definitions: Definitions) -> Service:
    """A service with the site's definitions published."""
    service = open_service()
    service.publish(definitions, reason="first", author="tests")
    return service
