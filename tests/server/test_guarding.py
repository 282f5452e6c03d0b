"""Guards: what gets worse by more than allowed pauses its experiment, with the reason."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from sqlalchemy import func, select, update

from byleave.experiments import Definitions
from byleave.segments import plain, read
from byleave.server import schema
from byleave.server.service import Service

Define = Callable[..., Definitions]
DAY_MS = 86_400_000


@pytest.fixture
def guarded(define: Define) -> Definitions:
    """Learns from revenue, and guards the sign-ups of an even split."""
    return define(
        allocate={"policy": "fixed", "goal": "revenue"},
        goals={
            "primary": "revenue",
            "guards": [
                {"goal": "signup", "worse_by_at_most": 0.1},
                {"goal": "orders", "worse_by_at_most": 0.5},
            ],
        },
    )


@pytest.fixture
def live(send: Any, clock: Any) -> Callable[..., None]:
    """Lets days pass, on each of which every arm gets 80 visitors; some of them sign up."""
    numbers = count()

    def do(service: Service, *, days: int, **reached: int) -> None:
        for _ in range(days):
            run = service.published.snapshot.runs["welcome"]
            [row] = run.allocations
            events = []
            for arm in row.weights:
                for index in range(80):
                    visitor = f"v{next(numbers)}"
                    events.append(send.exposure(visitor, arm, run=run.id, allocation=row.id))
                    if index < reached[arm]:
                        events.append(send.event(visitor, "sign_up"))
            service.ingest(events)
            service.tick(clock.advance(days=1))

    return do


def schedule(service: Service) -> Any:
    return service.published.snapshot.definitions.experiments["welcome"].schedule


def publications(service: Service) -> list[tuple[str, str]]:
    versions = schema.definition_versions.c
    with service.storage.reading() as connection:
        found = connection.execute(
            select(versions.author, versions.reason).order_by(versions.number)
        )
        return [(row.author, row.reason) for row in found]


def test_a_broken_guard_pauses_its_experiment_and_says_why(
    service: Service, clock: Any, guarded: Definitions, live: Any
) -> None:
    service.publish(guarded, reason="guard the sign-ups", author="ann")
    run = service.published.snapshot.runs["welcome"].id

    live(service, days=10, control=40, calm=40, bold=5)

    author, reason = publications(service)[-1]
    assert author == "guard"
    assert reason.startswith("welcome is paused. Among ")
    assert "bold lowered signup by 87" in reason
    assert reason.endswith(", beyond the 10 % that it may get worse by.")
    assert schedule(service).end is not None
    assert service.published.snapshot.runs["welcome"].id == run
    [signup, _] = service.results("welcome").others
    assert signup.status == "Inconclusive"  # over, and the other arm did no harm
    assert [arm.guard for arm in signup.arms] == [None, "broken", "unclear"]


def test_it_pauses_once_and_units_that_came_before_are_still_reported(
    service: Service, guarded: Definitions, live: Any
) -> None:
    service.publish(guarded, reason="guard the sign-ups", author="ann")

    live(service, days=13, control=40, calm=40, bold=5)

    assert [author for author, _ in publications(service)].count("guard") == 1
    assert service.results("welcome").report.rows >= 5


def test_a_run_that_is_frozen_at_the_same_moment_is_paused_as_well(
    open_service: Callable[..., Service], define: Define, live: Any, send: Any
) -> None:
    """New weights may then wait for a day, and what does harm must not."""
    guarded = define(
        allocate={"policy": "fixed", "goal": "signup"},
        goals={
            "primary": "signup",
            "guards": [{"goal": "signup", "worse_by_at_most": 0.1}],
        },
    )
    signed_up = {"control": 40, "calm": 40, "bold": 5}
    first, second = open_service("first.db"), open_service("second.db")
    days = 0
    first.publish(guarded, reason="guard the sign-ups", author="ann")
    while schedule(first).end is None:
        live(first, days=1, **signed_up)
        days += 1
    second.publish(guarded, reason="guard the sign-ups", author="ann")
    live(second, days=days - 1, **signed_up)
    is_sound = schedule(second).end is None and second.frozen() == set()
    run = second.published.snapshot.runs["welcome"]
    [row] = run.allocations
    sudden = [f"sudden{number}" for number in range(80)]
    second.ingest(
        [
            event
            for each in sudden
            for event in (
                send.exposure(each, "bold", run=run.id, allocation=row.id),
                send.event(each),
            )
        ]
    )
    live(second, days=1, **signed_up)

    assert is_sound
    assert second.frozen() == {run.id}
    assert schedule(second).end is not None


def test_a_pause_leaves_alone_what_this_version_cannot_use(
    service: Service, open_service: Callable[..., Service], guarded: Definitions, live: Any
) -> None:
    """Such as an experiment that a stricter rule of a new version sets aside."""
    data: Any = plain(guarded)
    data["slots"]["side"] = {"kind": "content"}
    data["experiments"]["other"] = data["experiments"]["welcome"] | {"slot": "side"}
    service.publish(read(Definitions, data), reason="guard the sign-ups", author="ann")
    versions = schema.definition_versions.c
    with service.storage.writing() as connection:
        spoilt = func.replace(versions.definitions, '"slot":"side"', '"slot":"gone"')
        connection.execute(update(schema.definition_versions).values(definitions=spoilt))
    service.close()
    again = open_service()

    live(again, days=10, control=40, calm=40, bold=5)

    _, kept = again.library.version(again.library.newest())
    with again.storage.reading() as connection:
        runs = connection.execute(select(schema.runs.c.run, schema.runs.c.ended_ms)).all()
    assert schedule(again).end is not None
    assert kept["experiments"]["other"]["slot"] == "gone"
    assert {row.run for row in runs if row.ended_ms is None} == {"welcome.2", "other.1"}


def test_a_guard_that_holds_pauses_nothing(
    service: Service, guarded: Definitions, live: Any
) -> None:
    service.publish(guarded, reason="guard the sign-ups", author="ann")

    live(service, days=10, control=40, calm=40, bold=41)

    assert schedule(service).end is None
    assert [author for author, _ in publications(service)] == ["tests", "ann"]


def test_other_limits_begin_a_new_run_that_nothing_pauses_yet(
    service: Service, guarded: Definitions, live: Any, define: Define
) -> None:
    service.publish(guarded, reason="guard the sign-ups", author="ann")
    live(service, days=10, control=40, calm=40, bold=5)
    paused = service.published.snapshot.runs["welcome"].id

    service.publish(
        define(
            allocate={"policy": "fixed", "goal": "revenue"},
            goals={
                "primary": "revenue",
                "guards": [{"goal": "signup", "worse_by_at_most": 0.8}],
            },
        ),
        reason="accept more",
        author="ann",
    )
    live(service, days=2, control=40, calm=40, bold=5)

    assert service.published.snapshot.runs["welcome"].id != paused
    assert schedule(service).end is None
