"""Consent is recorded, data can be seen, and the erased stay erased."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from byleave.segments import Choice, Purpose, Regime
from byleave.server import schema
from byleave.server.consents import StatedChoice
from byleave.server.service import Service

GRANTED = {Purpose.PERSONALISATION: Choice.GRANTED, Purpose.ANALYTICS: Choice.GRANTED}


def choice(choices: dict[Purpose, Choice], at: int = 0, **more: Any) -> StatedChoice:
    return StatedChoice(choices=choices, source="cookie", at=at, **more)


@pytest.fixture
def known(service: Service, send: Any) -> Service:
    """A service that knows two visitors."""
    service.ingest([send.exposure("ann", groups=["customers"]), send.event("ann")])
    service.ingest([send.exposure("bob", "calm")])
    return service


def test_a_grant_erases_nobody(known: Service) -> None:
    is_erased = known.record_consent("ann", choice(GRANTED))

    assert not is_erased
    assert len(known.export("ann")["events"]) == 2


@pytest.mark.parametrize("purpose", [Purpose.PERSONALISATION, Purpose.ANALYTICS])
@pytest.mark.parametrize("said", [Choice.DENIED, Choice.UNSET])
def test_taking_back_either_purpose_erases_the_visitor(
    known: Service, purpose: Purpose, said: Choice
) -> None:
    is_erased = known.record_consent("ann", choice({**GRANTED, purpose: said}))

    export = known.export("ann")
    assert is_erased
    assert export["is_erased"]
    assert export["events"] == export["enrolments"] == []
    assert len(known.export("bob")["events"]) == 1


def test_silence_takes_nothing_back_where_consent_is_opt_out(known: Service) -> None:
    assert not known.record_consent("ann", choice({}, regime=Regime.OPT_OUT))


def test_the_erased_leave_neither_id_nor_rows(known: Service) -> None:
    known.erase("ann")

    with known.storage.reading() as connection:
        rows = [
            str(tuple(row))
            for table in schema.metadata.sorted_tables
            for row in connection.execute(select(table))
        ]
    assert not any("ann" in row for row in rows)
    assert any("bob" in row for row in rows)


def test_late_events_of_the_erased_are_refused_also_after_a_restart(
    known: Service, send: Any, open_service: Callable[..., Service]
) -> None:
    known.record_consent("ann", choice({}))
    known.close()

    result = open_service().ingest([send.event("ann"), send.event("bob")])

    assert result.accepted == 1
    assert [(r.index, r.reason) for r in result.refused] == [(0, "this visitor was erased")]


def test_a_grant_that_comes_late_brings_nobody_back(known: Service, send: Any) -> None:
    known.record_consent("ann", choice({}, at=2))

    is_erased = known.record_consent("ann", choice(GRANTED, at=1))

    assert is_erased
    assert known.ingest([send.event("ann")]).accepted == 0


def test_every_choice_is_kept_in_order(known: Service, clock: Any) -> None:
    known.record_consent("ann", choice(GRANTED, at=1))
    clock.advance(hours=1)
    known.record_consent("ann", choice({}, at=2))

    records = known.export("ann")["consent"]

    states = [
        {each["purpose"]: each["event_state"] for each in r["pii_processing"]["purposes"]}
        for r in records
    ]
    assert [(r["at"], r["received_at"]) for r in records] == [
        (1, clock() - 3_600_000),
        (2, clock()),
    ]
    assert [state["analytics"] for state in states] == ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"]


def test_an_export_shows_what_is_kept(known: Service, clock: Any) -> None:
    export = known.export("ann")

    assert export["visitor"] == "ann"
    assert {event["type"] for event in export["events"]} == {"exposure", "event"}
    assert export["enrolments"] == [
        {
            "run": "welcome.1",
            "arm": "bold",
            "allocation": "welcome.1.1.0",
            "assigned_at": clock(),
            "groups": ["customers"],
            "outcomes": {"signup": {"value": 1.0, "after_ms": 0}},
        }
    ]


def test_an_export_of_a_stranger_is_empty(service: Service) -> None:
    assert service.export("nobody") == {
        "visitor": "nobody",
        "other_ids": [],
        "is_erased": False,
        "consent": [],
        "attributes": {},
        "events": [],
        "segments_told": {},
        "enrolments": [],
    }


def test_somebody_never_seen_can_be_erased_in_advance(service: Service, send: Any) -> None:
    service.erase("ann")

    assert service.ingest([send.event("ann")]).accepted == 0
