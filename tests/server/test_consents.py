"""Records of consent prove themselves: nobody changes, removes or inserts one unnoticed."""

import json
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select, update

from byleave.segments import Choice, Purpose
from byleave.segments.consent.record import SCHEMA, Notice
from byleave.server import schema
from byleave.server.consents import StatedChoice, broken_chains, newest_choices
from byleave.server.service import Service

GRANTED = {Purpose.PERSONALISATION: Choice.GRANTED, Purpose.ANALYTICS: Choice.GRANTED}
TABLE = schema.consents.c


@pytest.fixture
def recorded(service: Service) -> Service:
    for at, more in enumerate([{}, {Purpose.MARKETING: Choice.GRANTED}, {}]):
        service.record_consent("ann", StatedChoice(choices=GRANTED | more, source="tc", at=at))
    service.record_consent("bob", StatedChoice(choices=GRANTED, source="tc", at=0))
    return service


def broken(service: Service, *statements: Any) -> int:
    with service.storage.writing() as connection:
        for statement in statements:
            connection.execute(statement)
        return broken_chains(connection, service.site)


def text(connection: Connection, number: int) -> str:
    query = select(TABLE.record).where(TABLE.number == number).limit(1)
    return str(connection.execute(query).scalar_one())


def test_records_as_they_were_appended_are_whole(recorded: Service) -> None:
    assert broken(recorded) == 0


def test_a_record_has_the_shape_of_the_standard_and_does_not_name_the_visitor(
    service: Service,
) -> None:
    service.record_consent(
        "ann",
        StatedChoice(
            choices=GRANTED,
            source="tcf",
            at=5,
            notice=Notice(address="https://shop.example/privacy", version="3", language="de"),
            place="AT",
            method="banner",
            signals={"euconsent-v2": "CP"},
        ),
    )

    [record] = service.export("ann")["consent"]
    assert record["schema_version"] == SCHEMA
    assert record["pii_processing"]["privacy_notice"]["version"] == "3"
    assert record["pii_processing"]["jurisdiction"] == "AT"
    assert record["event"]["signals"] == {"euconsent-v2": "CP"}
    assert record["pii_principal_id"] == service.site.visitor_hash("ann")
    assert '"ann"' not in json.dumps(record)


def test_a_changed_record_is_found(recorded: Service) -> None:
    with recorded.storage.reading() as connection:
        changed = text(connection, 2).replace('"granted"', '"denied"')

    assert (
        broken(recorded, update(schema.consents).where(TABLE.number == 2).values(record=changed))
        == 1
    )


def test_a_removed_record_is_found_also_when_the_others_move_up(recorded: Service) -> None:
    remove = delete(schema.consents).where(TABLE.number == 2)
    move_up = update(schema.consents).where(TABLE.number == 3).values(number=2)

    assert broken(recorded, remove) == 1
    assert broken(recorded, move_up) == 1


def test_a_record_given_to_another_visitor_is_found(recorded: Service) -> None:
    ann, bob = (recorded.site.visitor_hash(visitor) for visitor in ("ann", "bob"))
    swap = [
        update(schema.consents).where(TABLE.visitor_hash == old).values(visitor_hash=new)
        for old, new in ((bob, "x"), (ann, bob), ("x", ann))
    ]

    assert broken(recorded, *swap) == 2


def test_the_choice_that_was_made_last_counts_whenever_it_comes(service: Service) -> None:
    marketing = GRANTED | {Purpose.MARKETING: Choice.GRANTED}
    service.record_consent("ann", StatedChoice(choices=GRANTED, source="later", at=2))
    service.record_consent("ann", StatedChoice(choices=marketing, source="earlier", at=1))

    with service.storage.reading() as connection:
        found = newest_choices(connection, service.site, {"ann": {"ann"}, "bob": {"bob"}})

    newest = found["ann"]
    assert newest.source == "later"
    assert not newest.allows(Purpose.MARKETING)
    assert "bob" not in found


def test_a_choice_dated_by_a_clock_that_is_ahead_outlasts_no_later_one(
    service: Service, clock: Any
) -> None:
    marketing = GRANTED | {Purpose.MARKETING: Choice.GRANTED}
    ahead_ms = clock() + 400 * 86_400_000
    service.record_consent("ann", StatedChoice(choices=marketing, source="ahead", at=ahead_ms))
    now_ms = clock.advance(days=1)
    service.record_consent("ann", StatedChoice(choices=GRANTED, source="right", at=now_ms))

    with service.storage.reading() as connection:
        newest = newest_choices(connection, service.site, {"ann": {"ann"}})["ann"]

    assert newest.source == "right"
    assert not newest.allows(Purpose.MARKETING)
