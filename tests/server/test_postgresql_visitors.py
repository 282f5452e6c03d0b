"""PostgreSQL keeps of visitors what SQLite keeps, and stores move between the two."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import create_engine, select
from tests.server.conftest import START_MS, Sender
from tests.server.test_membership import SHOP
from tests.server.test_postgresql import books, history

from byleave.experiments import Definitions
from byleave.segments import Choice, Purpose, read
from byleave.server import schema
from byleave.server.attributes import Observation, Value
from byleave.server.backup import back_up, restore
from byleave.server.consents import StatedChoice, broken_chains
from byleave.server.service import Service
from byleave.server.webhooks import Webhook

pytestmark = pytest.mark.postgres


def test_what_is_kept_for_visitors_is_the_same_on_both(
    database: str, tmp_path: Path, clock: Any
) -> None:
    """Attributes, merges, segments told, retention and messages, through the same calls."""
    outcomes = []
    for store in (tmp_path / "sqlite.db", database):
        clock.now_ms = START_MS
        outcomes.append(look_after_visitors(str(store), clock))
    ours, theirs = outcomes

    assert theirs == ours
    assert [kind for kind, _ in ours["told"]] == ["goal.reached", "segment.entered", "segment.left"]
    assert ours["attributes"] == {"seats": 9, "renews": None}
    assert ours["gone"][1:] == (3, 1)
    assert ours["broken"] == 0


def look_after_visitors(database: str, clock: Any) -> dict[str, Any]:
    send = Sender(clock)
    uses = {"uses": ["analytics", "marketing"]}
    granted = dict.fromkeys(map(Purpose, ["personalisation", *uses["uses"]]), Choice.GRANTED)
    bought = {"event": "buy", "kind": "conversion", "within": "1d"}
    shop = SHOP | {"goals": SHOP["goals"] | {"bought": bought}}
    service = Service(database, site="shop", clock=clock, seed="tests")
    try:
        service.publish(read(Definitions, shop), reason="first", author="tests")
        snapshot = service.published.snapshot
        service.outreach.put(
            Webhook(key="crm", url="https://crm.example/", topics=("segment:often", "goal:bought"))
        )
        told: list[tuple[int, dict[str, Value]]] = [
            (2, {"seats": 9}),
            (1, {"seats": 4}),
            (2, {"seats": 3}),
            (3, {"renews": None}),
        ]
        service.observe(
            Observation(visitor="phone", observed_ms=START_MS + at, values=values)
            for at, values in told
        )
        service.ingest([send.event("ann", "look", **uses), send.event("phone", "buy", **uses)])
        service.merge("ann", "phone")
        service.ingest([send.event("phone", "look", **uses)])
        service.record_consent("ann", StatedChoice(choices=granted, source="banner", at=1))
        service.record_consent("ann", StatedChoice(choices=granted, source="banner", at=2))
        while service.outreach.judge(snapshot):
            pass
        export = service.export("phone")
        clock.advance(hours=6)
        while service.outreach.judge(snapshot):
            pass
        with service.storage.reading() as connection:
            rows = connection.execute(select(schema.outbox).order_by(schema.outbox.c.id)).all()
            broken = broken_chains(connection, service.site)
        claimed, _, _ = service.outreach.claim()
        clock.advance(days=10)
        service.outreach.put(Webhook(key="crm", url="https://crm.example/", topics=("goal:*",)))
        gone = service.retain()
        service.erase("phone")
        return {
            "told": [(json.loads(row.body)["type"], row.visitor) for row in rows],
            "claimed": len(claimed),
            "attributes": {name: each["value"] for name, each in export["attributes"].items()},
            "segments": export["segments_told"],
            "gone": (gone.events, gone.emptied, gone.attributes),
            "broken": broken,
            "after": service.export("ann")["is_erased"],
        }
    finally:
        service.close()


def test_a_backup_of_one_kind_is_restored_into_the_other(
    database: str, tmp_path: Path, definitions: Definitions, send: Any, clock: Any
) -> None:
    first = Service(database, site="shop", clock=clock, seed="tests")
    first.publish(definitions, reason="first", author="tests")
    first.ingest(history(send, Random(3)))
    before = books(first)

    back_up(database, tmp_path / "copy.db")  # while the server has it open
    restore(tmp_path / "copy.db", tmp_path / "sqlite.db", now_ms=clock())
    first.close()
    second = Service(tmp_path / "sqlite.db", site="shop", clock=clock, seed="tests")
    moved = books(second)
    back_up(tmp_path / "sqlite.db", tmp_path / "back.db")
    second.close()
    empty_again(database)
    restore(tmp_path / "back.db", database, now_ms=clock())
    third = Service(database, site="shop", clock=clock, seed="tests")
    returned, generation = books(third), third.published.snapshot.version.generation
    third.close()

    assert before == moved == returned
    assert generation == 3


def empty_again(database: str) -> None:
    engine = create_engine(database)
    with engine.begin() as connection:
        for table in schema.metadata.sorted_tables:
            connection.execute(table.delete())
    engine.dispose()
