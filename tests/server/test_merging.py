"""Two ids of one person come to what one id would have come to, whenever that is found out."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from tests.server.conftest import DEFINITIONS, Clock, Sender

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server import schema
from byleave.server.consents import StatedChoice
from byleave.server.service import Service
from byleave.server.visitors import ErasedError

BOOKS = (schema.enrolments, schema.outcomes, schema.stratum_stats, schema.delay_stats, schema.runs)


def books(service: Service) -> dict[str, set[tuple[Any, ...]]]:
    with service.storage.reading() as connection:
        found = {
            table.name: {tuple(row) for row in connection.execute(select(table))} for table in BOOKS
        }
    # Sums that came back to nothing are as good as none.
    for name in ("stratum_stats", "delay_stats"):
        found[name] = {
            row for row in found[name] if any(row[6 if name == "stratum_stats" else 5 :])
        }
    found["outcomes"] = {row for row in found["outcomes"] if row[-1] is not None}
    return found


def told(events: list[dict[str, Any]], visitor: str) -> list[dict[str, Any]]:
    return [event | {"visitor": visitor} for event in events]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), when=st.integers(0, 12), chained=st.booleans())
def test_a_merge_at_any_time_leaves_the_books_of_one_visitor(
    tmp_path_factory: pytest.TempPathFactory, seed: int, when: int, chained: bool
) -> None:
    draw, clock = Random(seed), Clock()
    send = Sender(clock)
    names = ["ann", "ann-phone", "ann-work"] if chained else ["ann", "ann-phone"]
    events = []
    for _ in range(12):
        at = clock() + draw.randrange(4 * 86_400_000) // 1000 * 1000
        visitor = draw.choice(names)
        if draw.random() < 0.5:
            arm = draw.choice(["bold", "calm"])
            events.append(send.exposure(visitor, arm, at=at, assigned_at=at, groups=[]))
        else:
            paid = {"amount": float(draw.randrange(50))}
            events.append(send.event(visitor, "purchase", at=at, properties=paid))
    events = [e for e in events if e["at"] <= clock() + 86_400_000]
    folder = tmp_path_factory.mktemp("merge")
    services = []
    for name in ("two.db", "one.db"):
        service = Service(folder / name, site="shop", clock=clock, seed="tests")
        service.publish(read(Definitions, DEFINITIONS), reason="first", author="tests")
        services.append(service)
    two, one = services

    two.ingest(events[:when])
    if chained:
        two.merge("ann-phone", "ann-work")
    two.merge("ann", "ann-phone")
    two.ingest(events[when:])
    again = two.ingest(events)
    one.ingest(told(events, "ann"))
    merged, single = books(two), books(one)
    export = two.export(draw.choice(names))
    for service in services:
        service.close()

    assert merged == single
    assert again.duplicates == len(events)
    assert export["visitor"] == "ann"
    assert export["other_ids"] == sorted(names[1:])


def test_the_earlier_enrolment_holds_and_two_arms_are_a_conflict(
    service: Service, send: Any, clock: Any
) -> None:
    service.ingest([send.exposure("phone", "bold")])
    clock.advance(hours=1)
    service.ingest([send.exposure("ann", "calm")])

    service.merge("ann", "phone")

    [enrolment] = service.export("ann")["enrolments"]
    with service.storage.reading() as connection:
        conflicts = connection.execute(select(schema.runs.c.conflicts)).scalar_one()
    assert enrolment["arm"] == "bold"
    assert conflicts == 1


def test_merging_again_or_with_oneself_changes_nothing(service: Service, send: Any) -> None:
    service.ingest([send.exposure("ann"), send.exposure("phone")])
    service.merge("ann", "phone")
    before = books(service)

    assert service.merge("phone", "ann") == "ann"
    assert service.merge("phone", "phone") == "ann"
    assert books(service) == before


def test_erasing_one_id_erases_the_person(service: Service, send: Any) -> None:
    service.ingest([send.exposure("ann"), send.event("phone")])
    service.merge("ann", "phone")

    service.erase("phone")

    late = service.ingest([send.event("ann"), send.event("phone")])
    with service.storage.reading() as connection:
        rows = [
            str(tuple(row))
            for table in schema.metadata.sorted_tables
            for row in connection.execute(select(table))
        ]
    assert late.accepted == 0
    assert not any("ann" in row or "phone" in row for row in rows)
    with pytest.raises(ErasedError):
        service.merge("bob", "phone")
    with pytest.raises(ErasedError):
        service.merge("phone", "bob")


def test_withdrawing_under_one_id_erases_the_person(service: Service, send: Any) -> None:
    service.ingest([send.exposure("ann"), send.event("phone")])
    service.merge("ann", "phone")

    is_erased = service.record_consent("phone", StatedChoice(choices={}, source="banner", at=1))

    assert is_erased
    assert service.export("ann")["is_erased"]
