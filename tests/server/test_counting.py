"""Counts of segments are those that one gets by counting what everybody did, on both databases."""

from random import Random
from typing import Any

import pytest
from tests.server.conftest import START_MS, Clock, Sender
from tests.server.test_membership import SHOP

from byleave.experiments import Definitions
from byleave.segments import Truth, read
from byleave.server.counting import Survey, read_sample
from byleave.server.knowing import Drawing, draw
from byleave.server.service import Service

HOUR_MS = 3_600_000
BOTH = ["personalisation", "analytics"]
COUNTED = ("often", "gone", "either", "big")
SEED = Random(5)
#: What each of some visitors did: how many hours ago, and what.
LIVES = {
    f"v{number}": [
        (SEED.randrange(1, 30), SEED.choice(["look", "look", "buy"]))
        for _ in range(SEED.randrange(1, 6))
    ]
    for number in range(80)
}


def surveyed(database: str, clock: Clock, *, most: int = 1_000) -> Survey:
    send, shop = Sender(clock), read(Definitions, SHOP)
    service = Service(database, site="shop", clock=clock, seed="tests")
    service.publish(shop, reason="first", author="tests")
    service.ingest(
        [
            send.event(
                visitor,
                name,
                at=START_MS - hours * HOUR_MS,
                uses=BOTH,
                properties={"at": "/"} if name == "look" else {"amount": 6},
            )
            for visitor, life in LIVES.items()
            for hours, name in life
        ]
    )
    with service.storage.reading() as connection:
        drawn = draw(connection, service.site, most=most)
        sample = read_sample(connection, service.site, shop, drawn, now_ms=clock())
    service.close()
    return Survey(sample, shop, COUNTED, now_ms=clock())


def test_counts_are_those_of_what_everybody_did(tmp_path: Any, clock: Clock) -> None:
    check(surveyed(str(tmp_path / "shop.db"), clock))


@pytest.mark.postgres
def test_counts_are_the_same_on_postgresql(database: str, clock: Clock) -> None:
    check(surveyed(database, clock))


def check(survey: Survey) -> None:
    often = {
        visitor
        for visitor, life in LIVES.items()
        if sum(name == "look" and hours <= 5 for hours, name in life) >= 2
    }
    gone = {
        visitor
        for visitor, life in LIVES.items()
        if min((hours for hours, name in life if name == "look"), default=0) >= 7
        and not any(name == "buy" and hours <= 20 for hours, name in life)
    }

    assert len(often) >= 3
    assert survey.inside("often") == often
    assert survey.inside("gone") == gone
    assert survey.size("gone").inside == len(gone) >= 10
    assert survey.size("often").agreed == len(LIVES)
    assert survey.size("big").inside == 0
    assert [*survey.size("big").undetermined.values()] == [len(LIVES)]
    assert survey.overlap("gone", gone) == len(gone)


def test_each_example_says_why(tmp_path: Any, clock: Clock) -> None:
    survey = surveyed(str(tmp_path / "shop.db"), clock)
    found = survey.examples("gone", Truth.TRUE, most=3)

    assert len(found) == 3
    assert {visitor for visitor, _ in found} <= survey.inside("gone")
    assert all(each.sentence.startswith("true because: ") for _, each in found)
    assert all(each.verdict.is_true for _, each in found)


def test_what_is_drawn_stands_for_all(tmp_path: Any, clock: Clock) -> None:
    survey = surveyed(str(tmp_path / "shop.db"), clock, most=40)

    assert survey.size("gone").agreed == len(LIVES)
    assert not survey.size("gone").is_whole


def test_many_visitors_are_drawn_anew_every_ten_minutes_and_few_every_minute(
    service: Service, send: Sender, clock: Clock
) -> None:
    few = Drawing(service.storage, service.site, clock=clock)
    many = Drawing(service.storage, service.site, clock=clock, most=2)
    service.ingest([send.event(f"v{number}") for number in range(3)])

    assert (few.visitors().total, many.visitors().total) == (3, 3)
    service.ingest([send.event("v3")])
    clock.now_ms += 59_999
    assert (few.visitors().total, many.visitors().total) == (3, 3)
    clock.now_ms += 1
    assert (few.visitors().total, many.visitors().total) == (4, 3)
    clock.now_ms += 539_999
    assert many.visitors().total == 3
    clock.now_ms += 1
    assert many.visitors().total == 4
    service.ingest([send.event("v4")])
    assert many.draw().total == many.visitors().total == 5
