"""Arms are taken out of a running experiment; the run and all it has learned stay."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select

from byleave.experiments import Allocation, Definitions, Visitor
from byleave.segments import Choice, Consent, Purpose
from byleave.server import schema
from byleave.server.replaying import replay_run
from byleave.server.runs import newest_run
from byleave.server.service import Service

Define = Callable[..., Definitions]
AGREED = Consent(dict.fromkeys((Purpose.PERSONALISATION, Purpose.ANALYTICS), Choice.GRANTED))


def rows(service: Service) -> dict[str, Allocation]:
    return {row.cell: row for row in service.published.snapshot.runs["welcome"].allocations}


@pytest.fixture
def live(clock: Any, send: Any) -> Callable[..., None]:
    """Lets a day pass in which 300 people come, are decided, and some sign up."""
    numbers = count()

    def day(service: Service) -> None:
        events = []
        for index in range(300):
            visitor = f"v{next(numbers)}"
            known = Visitor(id=visitor, consent=AGREED)
            shown = service.published.decider.decide(known, ["hero"], now_ms=clock())["hero"]
            events.append(
                send.exposure(visitor, str(shown.arm), run=shown.run, allocation=shown.allocation)
            )
            if index % 10 < (5 if shown.arm == "bold" else 2):
                events.append(send.event(visitor))
        service.ingest(events)
        service.tick(clock.advance(days=1))

    return day


def test_the_arms_that_stay_share_as_they_did_and_keep_what_they_learned(
    service: Service, define: Define, live: Callable[..., None], clock: Any
) -> None:
    for _ in range(4):
        live(service)
    before = rows(service)[":bold+calm+control"].weights

    service.publish(define(retired=["calm"]), reason="calm annoys", author="tests")
    at_once = rows(service)
    live(service)
    [learned] = rows(service).values()

    assert [*at_once] == [":bold+control"]
    assert service.published.snapshot.runs["welcome"].id == "welcome.1"
    assert at_once[":bold+control"].weights["bold"] == pytest.approx(
        before["bold"] / (before["bold"] + before["control"])
    )
    assert learned.weights["bold"] > 0.85
    assert service.results("welcome").report.arms[2].arm == "calm"


def test_the_visitors_of_a_retired_arm_are_drawn_again(
    service: Service, define: Define, clock: Any
) -> None:
    service.publish(define(retired=["calm"]), reason="calm annoys", author="tests")

    shown = {
        service.published.decider.decide(
            Visitor(id=f"v{index}", consent=AGREED), ["hero"], now_ms=clock()
        )["hero"].arm
        for index in range(200)
    }

    assert shown == {"bold", "control", "holdout"}


def test_a_run_without_an_arm_can_be_replayed(
    service: Service, define: Define, live: Callable[..., None]
) -> None:
    live(service)
    service.publish(define(retired=["calm"]), reason="calm annoys", author="tests")
    live(service)

    definitions = service.published.snapshot.definitions
    with service.storage.reading() as connection:
        run = newest_run(connection, service.site, "welcome")
        assert run is not None
        found = replay_run(connection, service.site, run, definitions)

    assert found.differences == ()
    assert found.assignments == 600


def test_cells_that_become_one_go_on_as_one(
    open_service: Callable[..., Service], define: Define
) -> None:
    service = open_service()
    variants = {
        "control": "site",
        "bold": {"template": "bold.html"},
        "calm": {"template": "calm.html", "when": "customers"},
    }
    service.publish(define(variants=variants), reason="first", author="tests")
    plain = rows(service)[":bold+control"]

    service.publish(define(variants=variants, retired=["calm"]), reason="second", author="tests")

    assert rows(service) == {":bold+control": plain}
    with service.storage.reading() as connection:
        table = schema.allocations.c
        closed = connection.execute(
            select(table.cell, table.inputs).where(table.closed_ms.is_not(None))
        ).all()
    assert [(row.cell, json.loads(row.inputs)["method"]) for row in closed] == [
        (":bold+calm+control", "start")
    ]


def test_an_arm_that_comes_back_begins_a_new_run(
    service: Service, definitions: Definitions, define: Define
) -> None:
    service.publish(define(retired=["calm"]), reason="calm annoys", author="tests")
    service.publish(definitions, reason="give it another chance", author="tests")

    assert service.published.snapshot.runs["welcome"].id == "welcome.2"
    assert [*rows(service)] == [":bold+calm+control"]


def test_a_new_run_may_begin_without_an_arm(service: Service, define: Define) -> None:
    other = {"policy": "thompson", "goal": "signup", "control": "15%"}

    service.publish(define(allocate=other, retired=["calm"]), reason="both", author="tests")

    assert service.published.snapshot.runs["welcome"].id == "welcome.2"
    assert [*rows(service)] == [":bold+control"]


def test_an_arm_that_is_added_begins_a_new_run_in_which_everybody_is_drawn_anew(
    service: Service, definitions: Definitions, define: Define, live: Callable[..., None]
) -> None:
    for _ in range(4):
        live(service)
    before = service.results("welcome")
    welcome = definitions.experiments["welcome"]
    variants = {**welcome.variants, "brisk": welcome.variants["calm"]}
    added = replace(welcome, variants=variants)

    service.publish(
        replace(definitions, experiments={"welcome": added}), reason="one more", author="tests"
    )
    after = service.results("welcome")

    assert (before.run, after.run) == ("welcome.1", "welcome.2")
    assert (before.enrolled, after.enrolled) == (1_135, 0)  # 65 of 1,200 are held out
    [row] = rows(service).values()
    assert row.weights["brisk"] == row.weights["bold"] == row.weights["calm"]
    with service.storage.reading() as connection:
        run = schema.runs.c
        ended = connection.execute(select(run.ended_ms).where(run.run == "welcome.1")).scalar_one()
    assert ended == service.clock()
