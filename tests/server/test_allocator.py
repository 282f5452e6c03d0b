"""When allocation rows are replaced, and by what."""

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select, update

from byleave.experiments import Allocation, Definitions
from byleave.server import schema
from byleave.server.service import Service

Define = Callable[..., Definitions]
ARMS = ("control", "bold", "calm")


def current(service: Service) -> Allocation:
    [row] = service.published.snapshot.runs["welcome"].allocations
    return row


def stored(service: Service) -> list[Any]:
    with service.storage.reading() as connection:
        return list(
            connection.execute(select(schema.allocations).order_by(schema.allocations.c.sequence))
        )


@pytest.fixture
def enrol(send: Any) -> Callable[..., None]:
    """Enrols so many visitors in each arm of the current row; some of them sign up."""
    numbers = count()

    def do(service: Service, per_arm: int, event: str = "sign_up", **reached: int) -> None:
        row = current(service)
        events = []
        for arm in row.weights:
            for index in range(per_arm):
                visitor = f"v{next(numbers)}"
                events.append(send.exposure(visitor, arm, allocation=row.id))
                if index < reached.get(arm, 0):
                    paid = {"amount": 10 + index % 7} if event == "purchase" else {}
                    events.append(send.event(visitor, event, properties=paid))
        service.ingest(events)

    return do


def test_a_row_lasts_for_an_epoch_even_when_it_is_full(
    service: Service, clock: Any, enrol: Any
) -> None:
    service.tick(clock.advance(days=1))
    enrol(service, 200, bold=40, control=10, calm=10)

    assert not service.tick(clock.advance(hours=0.9))


def test_the_warm_up_keeps_weights_equal_for_a_day_and_a_hundred_units(
    service: Service, clock: Any, enrol: Any
) -> None:
    enrol(service, 200, bold=60)
    in_the_first_day = service.tick(clock.advance(hours=23))
    service.tick(clock.advance(hours=1))

    assert not in_the_first_day
    assert current(service).id == "welcome.1.2.0"


def test_an_empty_row_is_replaced_by_its_like_after_a_day(service: Service, clock: Any) -> None:
    before = current(service)

    rolled = [service.tick(clock.advance(hours=hours)) for hours in (23.9, 0.1)]

    assert rolled == [False, True]
    assert current(service).weights == before.weights
    assert current(service).opened_ms == clock()


def test_after_the_warm_up_the_weights_follow_what_was_learned(
    service: Service, clock: Any, enrol: Any
) -> None:
    enrol(service, 300, bold=90, control=20, calm=25)
    for _ in range(5):
        service.tick(clock.advance(days=1))

    weights = current(service).weights

    assert weights["bold"] > 0.88
    assert weights["control"] == pytest.approx(0.10, abs=1e-3)
    assert weights["calm"] == pytest.approx(0.01, abs=1e-3)
    assert sum(weights.values()) == 1


def test_until_enough_conversions_tell_their_delay_only_mature_rows_teach(
    service: Service, clock: Any, enrol: Any
) -> None:
    enrol(service, 150, bold=60, control=5, calm=5)

    service.tick(clock.advance(days=1))
    early = json.loads(stored(service)[-1].inputs)
    for _ in range(3):
        service.tick(clock.advance(days=1))
    late = json.loads(stored(service)[-1].inputs)

    assert early["enrolled"] == late["enrolled"] == [150, 150, 150]
    assert early["units"] == [0, 0, 0]
    assert late["units"] == [150, 150, 150]


def test_a_fresh_visitor_counts_as_the_share_of_conversions_that_came_by_their_age(
    service: Service, clock: Any, enrol: Any
) -> None:
    enrol(service, 300, bold=200, control=20, calm=20)
    for _ in range(4):
        service.tick(clock.advance(days=1))
    enrol(service, 100)
    service.tick(clock.advance(days=1))

    inputs = json.loads(stored(service)[-1].inputs)

    # Every conversion so far came at once, so by the age of a day all have arrived.
    assert inputs["enrolled"] == [400, 400, 400]
    assert inputs["units"] == pytest.approx([400, 400, 400], abs=2)


def test_a_row_waits_until_each_arm_expects_ten_units(
    service: Service, clock: Any, enrol: Any
) -> None:
    enrol(service, 300, bold=90, control=60, calm=60)
    for _ in range(5):
        service.tick(clock.advance(days=1))
    rare = min(current(service).weights.values())
    enrol(service, 200)
    too_few = service.tick(clock.advance(hours=2))
    enrol(service, 200, bold=60)
    enough = service.tick(clock.advance(hours=1))

    assert 600 * rare < 10 < 1200 * rare
    assert (too_few, enough) == (False, True)


def test_money_is_learned_from_once_forty_orders_are_mature(
    open_service: Callable[..., Service], define: Define, clock: Any, enrol: Any
) -> None:
    service = open_service()
    goals = {
        "allocate": {"policy": "thompson", "goal": "revenue"},
        "goals": {"primary": "revenue", "others": ["signup"]},
    }
    service.publish(define(**goals), reason="money", author="tests")
    enrol(service, 120, "purchase", bold=39, control=50, calm=50)
    for _ in range(5):
        service.tick(clock.advance(days=1))
    before = json.loads(stored(service)[-1].inputs)["method"]
    enrol(service, 120, "purchase", bold=100, control=50, calm=50)
    for _ in range(6):
        service.tick(clock.advance(days=1))
    after = json.loads(stored(service)[-1].inputs)["method"]

    assert (before, after) == ("warm-up", "thompson")
    assert current(service).weights["bold"] > 0.8


def test_fixed_weights_never_move(
    open_service: Callable[..., Service], define: Define, clock: Any, enrol: Any
) -> None:
    service = open_service()
    shares = {"control": "50%", "bold": "30%", "calm": "20%"}
    fixed = {"policy": "fixed", "goal": "signup", "shares": shares}
    service.publish(define(allocate=fixed), reason="fixed", author="tests")
    first = current(service)
    enrol(service, 300, bold=200)
    for _ in range(6):
        service.tick(clock.advance(days=1))

    assert current(service).id == "welcome.1.7.0"
    assert current(service).weights == first.weights
    assert first.weights == pytest.approx({"bold": 0.3, "calm": 0.2, "control": 0.5})


def test_each_cell_has_rows_of_its_own(
    open_service: Callable[..., Service], define: Define, clock: Any
) -> None:
    service = open_service()
    contexts = {"policy": "thompson", "goal": "signup", "contexts": ["customers"]}
    service.publish(define(allocate=contexts), reason="cells", author="tests")

    service.tick(clock.advance(days=1))

    rows = service.published.snapshot.runs["welcome"].allocations
    assert [(row.id, row.cell) for row in rows] == [
        ("welcome.1.2.0", "0:bold+calm+control"),
        ("welcome.1.2.1", "1:bold+calm+control"),
    ]


def test_a_prior_may_come_from_the_earlier_runs_of_the_site(
    service: Service, define: Define, clock: Any, enrol: Any
) -> None:
    enrol(service, 50, bold=10, control=3, calm=2)
    service.tick(clock.advance(days=1))
    asking = {"policy": "thompson", "goal": "signup", "prior": {}}
    service.publish(define(allocate=asking), reason="use history", author="tests")

    rates = []
    for days in (1, 4):
        service.tick(clock.advance(days=days))
        [row] = [row for row in stored(service) if row.allocation == current(service).id]
        rates.append(json.loads(row.inputs).get("site_rate"))

    # The row of the first run closed after a day, and its window is two days.
    assert rates == [None, 0.1]


def test_a_clock_that_goes_back_replaces_nothing(service: Service, clock: Any) -> None:
    service.tick(clock.advance(days=1))

    assert not service.tick(clock.advance(days=-30))


def test_a_server_that_slept_for_a_week_goes_on_with_the_next_row(
    service: Service, open_service: Callable[..., Service], clock: Any
) -> None:
    service.close()

    again = open_service()
    again.tick(clock.advance(days=7))

    assert current(again).id == "welcome.1.2.0"
    assert current(again).opened_ms == clock()


def test_a_row_that_was_closed_meanwhile_gets_no_second_successor(
    service: Service, clock: Any
) -> None:
    with service.storage.writing() as connection:
        connection.execute(update(schema.allocations).values(closed_ms=clock()))

    assert not service.tick(clock.advance(days=1))
