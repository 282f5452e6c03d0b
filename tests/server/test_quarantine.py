"""Definitions that were spoilt in the store: set aside alone, and never the end of a server."""

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, update

from byleave.experiments import Definitions, Visitor
from byleave.segments import Consent, read
from byleave.server import schema
from byleave.server.publishing import load_published
from byleave.server.quarantine import sound
from byleave.server.service import Service

from .conftest import DEFINITIONS

JUNK: list[Any] = [
    None, True, -1, 0, 1e308, 2**63, "", "x" * 5_000, "\x00", "(a+)+$", [], {}, [[]], {"": None},
    {"attribute": "nobody", "equals": 1}, {"all": [{"segment": "customers"}]}, "site", "NaN",
]  # fmt: skip
ANN = Visitor(id="ann", consent=Consent({}))


def spoil(data: Any, chance: Random) -> None:
    """Change one place of a set of definitions to something else."""
    at = data
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = chance.choice(keys)
        inner = at[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.8:
            at = inner
            continue
        match chance.randrange(4):
            case 0:
                del at[key]
            case 1 if isinstance(at, dict):
                at[chance.choice(["", "welcome", "a b", "control", "x" * 99])] = at.pop(key)
            case _:
                at[key] = copy.deepcopy(chance.choice(JUNK))
        return


def put(service: Service, text: str) -> None:
    with service.storage.writing() as connection:
        connection.execute(update(schema.definition_versions).values(definitions=text))


@pytest.fixture
def survives(service: Service) -> Callable[[str], bool]:
    """Returns whether anything could be used of a text that stands in the store."""

    def tried(text: str) -> bool:
        put(service, text)
        with service.storage.reading() as connection:
            published = load_published(connection, service.site)
        if published is None:
            return False
        slots = list(published.snapshot.definitions.slots)[:5]
        if slots:
            published.decider.decide(ANN, slots, now_ms=service.clock())
        return True

    return tried


def mutants(survives: Callable[[str], bool], *, count: int) -> int:
    chance, usable = Random(5), 0
    for _ in range(count):
        data = copy.deepcopy(DEFINITIONS)
        for _ in range(chance.randrange(1, 4)):
            spoil(data, chance)
        text = json.dumps(data)
        if chance.random() < 0.05:
            cut = chance.randrange(len(text))
            text = text[:cut] + chance.choice(["", "}", "[" * 3_000]) + text[cut + 1 :]
        usable += survives(text)
    return usable


def test_spoilt_definitions_never_end_a_server(survives: Callable[[str], bool]) -> None:
    assert mutants(survives, count=250) > 150


@pytest.mark.long
def test_5000_spoilt_definitions_never_end_a_server(survives: Callable[[str], bool]) -> None:
    assert mutants(survives, count=5_000) > 3_000


def test_only_what_is_spoilt_and_what_needs_it_is_set_aside() -> None:
    data = copy.deepcopy(DEFINITIONS)
    second = copy.deepcopy(data["experiments"]["welcome"])
    second["goals"] = {"primary": "orders"}
    second["allocate"] = {"policy": "thompson", "goal": "orders"}
    second["report_by"] = []
    data["experiments"]["other"] = second
    data["slots"]["side"] = {"kind": "content"}
    data["experiments"]["other"]["slot"] = "side"
    data["segments"]["customers"] = {"when": "ever"}

    found = sound(json.dumps(data))

    assert found is not None
    assert set(found.aside) == {"segments.customers", "experiments.welcome"}
    assert set(found.definitions.experiments) == {"other"}


def test_a_server_starts_with_spoilt_definitions_and_takes_others(
    service: Service, open_service: Callable[..., Service], definitions: Any
) -> None:
    put(service, "no JSON at all")
    service.close()

    again = open_service()
    lacking = again.lacking()
    again.publish(definitions, reason="mended", author="tests")

    assert lacking == ["no definitions are published yet"]
    assert again.lacking() == []


SPOILT_RUNS = ["no JSON at all", "{}", "[" * 3_000, '{"experiment": {"colour": 1}, "goals": {}}']


@pytest.mark.parametrize("is_over", [True, False])
@pytest.mark.parametrize("text", SPOILT_RUNS)
def test_a_run_that_cannot_be_read_keeps_no_server_from_its_work(
    open_service: Callable[..., Service], send: Any, clock: Any, text: str, is_over: bool
) -> None:
    data = copy.deepcopy(DEFINITIONS)
    data["slots"]["side"] = {"kind": "content"}
    data["experiments"]["other"] = data["experiments"]["welcome"] | {"slot": "side"}
    service = open_service()
    service.publish(read(Definitions, data), reason="first", author="tests")
    service.ingest([send.exposure("ann"), send.exposure("bob")])
    if is_over:
        data["experiments"]["welcome"]["traffic"] = 0.5
        service.publish(read(Definitions, data), reason="less", author="tests")
    with service.storage.writing() as connection:
        is_it = schema.runs.c.run == "welcome.1"
        connection.execute(update(schema.runs).where(is_it).values(definition=text))
    service.close()

    again = open_service()
    other = {"experiment": "other", "run": "other.1", "allocation": "other.1.1.0"}
    taken = again.ingest([send.event("ann"), send.exposure("ann", **other)])
    again.erase("bob")
    is_new = again.tick(clock.advance(days=1))
    clock.advance(days=9)
    again.books.seal()
    again.retain()
    again.books.rebuild()
    with again.storage.reading() as connection:
        sealed = {*connection.scalars(select(schema.seals.c.stratum))}

    assert taken.accepted == 2
    assert is_new
    assert "other" in again.statuses()
    assert "other.1.1.0" in sealed
    assert "welcome.1.1.0" not in sealed
