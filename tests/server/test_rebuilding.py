"""Books that follow from the log, seals that hold, and differences that are found and mended."""

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update
from tests.server.conftest import DEFINITIONS, Clock, Sender

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server import schema
from byleave.server.sealing import due_seals, seal
from byleave.server.service import Service

#: The row's last draw and the longest window, 3 days, are over after this.
SEALED_DAYS = 5.5


def fill(service: Service, send: Any, draw: Random, *, visitors: int = 25) -> None:
    for number in range(120):
        visitor = f"v{draw.randrange(visitors)}"
        if draw.random() < 0.4:
            groups = ["customers"] if number % 3 else []
            shown = send.exposure(visitor, draw.choice(["bold", "calm", "control"]), groups=groups)
            if draw.random() < 0.1:
                shown |= {"arm": "holdout", "allocation": None}
            service.ingest([shown])
        else:
            paid = {"amount": draw.randrange(5_000) / 100}
            service.ingest([send.event(visitor, "purchase", properties=paid), send.event(visitor)])


def table_of(service: Service, table: Any) -> list[Any]:
    with service.storage.reading() as connection:
        return sorted(tuple(row) for row in connection.execute(select(table)))


def close_rows(service: Service, clock: Any, *, days: float) -> None:
    clock.advance(days=1.01)
    service.tick(clock())
    clock.advance(days=days - 1.01)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_a_recount_finds_no_difference_whatever_happened(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    draw, clock = Random(seed), Clock()
    send = Sender(clock)
    database = tmp_path_factory.mktemp("rebuilt") / "byleave.db"
    service = Service(database, site="shop", clock=clock, seed="tests")
    service.publish(read(Definitions, DEFINITIONS), reason="first", author="tests")
    fill(service, send, draw)
    for _ in range(3):
        service.erase(f"v{draw.randrange(25)}")
    service.merge("w1", "w2")
    close_rows(service, clock, days=draw.choice([2.0, SEALED_DAYS]))
    service.books.seal()
    fill(service, send, draw)
    ids = [f"v{number}" for number in range(25)]
    for _ in range(3):
        visitor, other = draw.sample(ids, 2)
        ids.remove(other)
        if not any(service.export(each)["is_erased"] for each in (visitor, other)):
            service.merge(visitor, other)
    service.erase(draw.choice(ids))

    rebuilt = service.books.rebuild()
    service.close()

    assert rebuilt.differences == []
    assert rebuilt.units + rebuilt.sealed_strata > 0


def test_a_stratum_is_sealed_when_the_last_window_is_over(
    service: Service, send: Any, clock: Any
) -> None:
    service.ingest([send.exposure("ann"), send.exposure("bob", "holdout", allocation=None)])
    close_rows(service, clock, days=4.9)
    before = service.books.seal()
    clock.advance(days=SEALED_DAYS - 4.9)

    assert before == 1  # the holdout's hour, which ended a day before the row did
    assert service.books.seal() == 1
    assert service.books.seal() == 0
    assert service.books.rebuild().sealed_strata == 2


def test_what_another_process_sealed_meanwhile_is_sealed_once(
    service: Service, send: Any, clock: Any
) -> None:
    service.ingest([send.exposure("ann", "bold"), send.event("ann")])
    close_rows(service, clock, days=SEALED_DAYS)
    with service.storage.reading() as connection:
        due = due_seals(connection, service.site, service.published.measurement, now_ms=clock())
    sealed_by_another = service.books.seal()
    with service.storage.writing() as connection:
        seal(connection, service.site, due, now_ms=clock() + 1)

    assert len(due) == sealed_by_another == service.books.rebuild().sealed_strata
    with service.storage.reading() as connection:
        assert {*connection.execute(select(schema.seals.c.sealed_ms)).scalars()} == {clock()}


def test_what_comes_after_the_seal_is_kept_and_not_counted(
    service: Service, send: Any, clock: Any
) -> None:
    service.ingest([send.exposure("ann"), send.exposure("bob", "calm")])
    late = [send.event("ann"), send.exposure("cid"), send.exposure("bob", "bold")]
    close_rows(service, clock, days=SEALED_DAYS)
    service.books.seal()
    sums = table_of(service, schema.stratum_stats)

    result = service.ingest(late)

    assert result.accepted == 3
    assert table_of(service, schema.stratum_stats) == sums
    assert service.export("cid")["enrolments"] == []
    assert service.books.rebuild().differences == []


def test_who_is_counted_in_a_sealed_stratum_is_counted_nowhere_else(
    service: Service, send: Any, clock: Any
) -> None:
    service.ingest([send.exposure("ann"), send.event("ann")])
    close_rows(service, clock, days=SEALED_DAYS)
    service.books.seal()
    row = service.published.snapshot.runs["welcome"].allocations[0]
    service.ingest([send.exposure("bob", "control", allocation=row.id), send.event("bob")])

    kept = service.merge("bob", "ann")
    enrolled = service.export(kept)["enrolments"]

    assert [each["allocation"] for each in enrolled] == ["welcome.1.1.0"]
    assert enrolled[0]["outcomes"]["signup"]["value"] == 1
    assert service.books.rebuild().differences == []


@pytest.mark.parametrize(
    "tampering",
    [
        update(schema.stratum_stats).values(units=schema.stratum_stats.c.units + 1),
        update(schema.stratum_stats).values(total=7.5),
        delete(schema.stratum_stats),
        delete(schema.delay_stats),
        update(schema.outcomes).values(value=2.0),
        update(schema.enrolments).values(arm="control"),
        delete(schema.enrolments),
        insert(schema.enrolments).values(
            site="shop",
            unit="invented",
            run="welcome.1",
            stratum="welcome.1.1.0",
            arm="bold",
            assigned_ms=1,
            event="none",
            segments="[]",
            is_conflict=False,
        ),
    ],
)
def test_what_does_not_follow_from_the_log_is_found_and_mended(
    service: Service, send: Any, tampering: Any
) -> None:
    fill(service, send, Random(1))
    service.erase("v1")
    right = table_of(service, schema.stratum_stats)
    with service.storage.writing() as connection:
        connection.execute(tampering)

    found = service.books.rebuild().differences
    service.books.rebuild(is_repairing=True)

    assert found
    assert "v1" not in str(found)
    assert service.books.rebuild().differences == []
    mended = table_of(service, schema.stratum_stats)
    assert [row[:8] for row in mended] == [row[:8] for row in right]


def test_a_seal_that_is_broken_is_found(service: Service, send: Any, clock: Any) -> None:
    service.ingest([send.exposure("ann")])
    close_rows(service, clock, days=SEALED_DAYS)
    service.books.seal()
    with service.storage.writing() as connection:
        connection.execute(update(schema.stratum_stats).values(units=9))

    differences = service.books.rebuild().differences

    assert [each.place for each in differences] == ["welcome.1.1.0"]
