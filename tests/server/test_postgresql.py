"""PostgreSQL keeps the same books as SQLite, also when two processes write at once."""

import asyncio
from random import Random
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError
from starlette.testclient import TestClient

from byleave.experiments import Definitions
from byleave.server import schema, storage
from byleave.server.app import create_app
from byleave.server.keys import Role
from byleave.server.service import Service
from byleave.server.storage import Storage
from byleave.server.streaming import Streams

pytestmark = pytest.mark.postgres

KEPT = (schema.enrolments, schema.outcomes, schema.stratum_stats, schema.delay_stats, schema.ledger)


def history(send: Any, draw: Random) -> list[dict[str, Any]]:
    events = []
    for number in range(60):
        visitor = f"v{draw.randrange(15)}"
        if draw.random() < 0.5:
            groups = ["customers"] if number % 3 else []
            events.append(send.exposure(visitor, draw.choice(["bold", "calm"]), groups=groups))
        else:
            paid = {"amount": draw.randrange(50)}
            events.append(send.event(visitor, "purchase", properties=paid))
    return events


def books(service: Service) -> dict[str, set[Any]]:
    with service.storage.reading() as connection:
        return {
            table.name: {tuple(row) for row in connection.execute(select(table))} for table in KEPT
        }


def test_both_databases_keep_the_same_books(
    database: str, service: Service, definitions: Definitions, send: Any, clock: Any
) -> None:
    other = Service(database, site="shop", clock=clock, seed="tests")
    other.publish(definitions, reason="first", author="tests")
    events = history(send, Random(1))

    for each in (service, other):
        each.ingest(events[:40])
        each.ingest(events[20:])
        each.erase("v3")
    ours, theirs = books(service), books(other)
    other.close()

    assert theirs == ours
    assert len(ours["stratum_stats"]) > 10


def test_the_service_goes_on_after_a_restart(
    database: str, definitions: Definitions, send: Any, clock: Any
) -> None:
    first = Service(database, site="shop", clock=clock, seed="tests")
    first.publish(definitions, reason="first", author="tests")
    first.ingest([send.exposure("ann")])
    first.tick(clock.advance(days=1))
    first.close()

    again = Service(database, site="shop", clock=clock, seed="tests")
    row = again.published.snapshot.runs["welcome"].allocations[0]
    result = again.ingest([send.exposure("bob", allocation=row.id), send.event("ann")])
    rows = again.results("welcome").allocation
    again.close()

    assert row.id == "welcome.1.2.0"
    assert result.accepted == 2
    assert [step.closed_ms is None for step in rows] == [False, True]


def test_two_processes_that_write_at_once_count_nothing_twice(
    database: str, service: Service, definitions: Definitions, send: Any, clock: Any
) -> None:
    nodes = [Service(database, site="shop", clock=clock, seed="tests") for _ in range(2)]
    nodes[0].publish(definitions, reason="first", author="tests")
    nodes[1].publish(definitions, reason="first", author="tests")
    events = history(send, Random(2))
    batches = [events[i : i + 7] for i in range(0, len(events), 7)]

    threads = [
        Thread(target=lambda node=node: [node.ingest(batch) for batch in batches]) for node in nodes
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    service.ingest(events)
    ours, theirs = books(service), books(nodes[0])
    for node in nodes:
        node.close()

    assert theirs == ours


def test_what_one_process_publishes_the_other_counts_by(
    database: str, definitions: Definitions, define: Any, send: Any, clock: Any
) -> None:
    nodes = [Service(database, site="shop", clock=clock, seed="tests") for _ in range(2)]
    for node in nodes:
        node.publish(definitions, reason="first", author="tests")
    nodes[0].publish(define(traffic="50%"), reason="less", author="tests")

    nodes[1].ingest([send.exposure("ann", run="welcome.2", allocation="welcome.2.1.0")])
    enrolled = nodes[1].export("ann")["enrolments"]
    version = nodes[1].published.snapshot.version
    for node in nodes:
        node.close()

    assert [enrolment["run"] for enrolment in enrolled] == ["welcome.2"]
    assert version == nodes[0].published.snapshot.version


def test_a_process_that_started_before_the_first_publication_learns_of_it(
    database: str, definitions: Definitions, clock: Any
) -> None:
    nodes = [Service(database, site="shop", clock=clock, seed="tests") for _ in range(2)]
    nodes[0].publish(definitions, reason="first", author="tests")

    nodes[1].tick(clock())
    versions = [node.published.snapshot.version for node in nodes]
    for node in nodes:
        node.close()

    assert versions[0] == versions[1]


def test_a_process_that_has_not_heard_of_a_run_forgets_who_is_in_it(
    database: str, definitions: Definitions, define: Any, send: Any, clock: Any
) -> None:
    nodes = [Service(database, site="shop", clock=clock, seed="tests") for _ in range(2)]
    for node in nodes:
        node.publish(definitions, reason="first", author="tests")
    nodes[0].publish(define(traffic="50%"), reason="less", author="tests")
    nodes[0].ingest([send.exposure("ann", run="welcome.2", allocation="welcome.2.1.0")])

    nodes[1].erase("ann")
    differences = nodes[0].books.rebuild().differences
    kept = books(nodes[0])
    for node in nodes:
        node.close()

    assert differences == []
    assert kept["enrolments"] == set()
    assert {row[2] for row in kept["ledger"]} == {"welcome.2.1.0"}


def test_a_stream_of_one_node_tells_what_another_published(
    database: str, definitions: Definitions, define: Any, clock: Any
) -> None:
    nodes = [Service(database, site="shop", clock=clock) for _ in range(2)]
    nodes[0].publish(definitions, reason="first", author="tests")
    nodes[1].refresh()

    async def ids() -> list[str]:
        body = aiter(Streams(nodes[1], is_lasting=True).stream("").body_iterator)
        _, first = [str(await anext(body)) for _ in range(2)]
        nodes[0].publish(define(traffic="50%"), reason="less", author="tests")
        nodes[1].refresh()
        return [text.partition("\n")[0] for text in (first, str(await anext(body)))]

    found = asyncio.run(ids())
    for node in nodes:
        node.close()

    assert found == ["id: 1.1", "id: 1.2"]


@pytest.fixture
def stricter(database: str) -> Any:
    """The URL of a database whose transactions see one moment, unless they say otherwise."""
    engine = create_engine(database, isolation_level="AUTOCOMMIT")
    setting = "ALTER ROLE CURRENT_USER {} default_transaction_isolation"
    with engine.connect() as connection:
        connection.execute(text(f"{setting.format('SET')} = 'repeatable read'"))
        yield database
        connection.execute(text(setting.format("RESET")))
    engine.dispose()


def test_who_waited_to_write_sees_what_was_written_meanwhile(
    stricter: str, definitions: Definitions, send: Any, clock: Any
) -> None:
    nodes = [Service(stricter, site="shop", clock=clock, seed="tests") for _ in range(2)]
    nodes[0].publish(definitions, reason="first", author="tests")
    nodes[1].refresh()
    found: list[Any] = []
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"

    with nodes[0].storage.writing() as connection:
        thread = Thread(target=lambda: found.append(nodes[1].ingest([send.event("ann")])))
        thread.start()
        while not connection.scalar(text(waiting)):
            pass
        tombstone = {"visitor_hash": nodes[0].site.visitor_hash("ann"), "cause": "requested"}
        rows = schema.tombstones.insert().values(site="shop", erased_ms=clock(), **tombstone)
        connection.execute(rows)
    thread.join()
    for node in nodes:
        node.close()

    assert [refusal.reason for refusal in found[0].refused] == ["this visitor was erased"]


def test_a_machine_that_stands_still_while_it_writes_holds_up_nobody_for_long(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "MOST_IDLE_S", 0.2)
    frozen, other = Storage(database), Storage(database)
    has_written = Event()

    def write() -> None:
        with other.writing():
            has_written.set()

    thread = Thread(target=write)

    def stand_still() -> None:
        with frozen.writing() as connection:
            thread.start()
            has_written.wait(20)
            connection.execute(text("SELECT 1"))

    with pytest.raises(DBAPIError):
        stand_still()
    thread.join()
    for each in (frozen, other):
        each.close()

    assert has_written.is_set()


def test_a_text_that_postgresql_cannot_hold_is_told_as_that(
    database: str, definitions: Definitions, clock: Any
) -> None:
    service = Service(database, site="shop", clock=clock)
    service.publish(definitions, reason="first", author="tests")
    client = TestClient(
        create_app(service), headers={"Authorization": f"Bearer {service.create_key(Role.ADMIN)}"}
    )
    person = {"role": "admin", "password": "correct horse battery"}

    answers = [
        client.get("/v1/experiments/a%00/results"),
        client.put("/v1/people/a%00@shop.example", json=person),
    ]
    service.close()

    assert [answer.status_code for answer in answers] == [422, 422]
    assert "NUL" in answers[0].json()["detail"]
