"""Everybody is judged anew where segments changed, a few at a time, by what is in force."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from tests.server.conftest import Clock
from tests.server.test_membership import SHOP
from tests.server.test_webhooks import MARKETING, hook, judge, told

from byleave.experiments import Definitions
from byleave.segments import Choice, Purpose, Share, read
from byleave.server import schema
from byleave.server.attributes import Observation
from byleave.server.consents import StatedChoice
from byleave.server.knowing import read_all_known
from byleave.server.outreach import Outreach
from byleave.server.service import Service
from byleave.server.sites import fresh
from byleave.server.webhooks import Kind


@pytest.fixture
def shop(open_service: Callable[..., Service]) -> Service:
    service = open_service()
    service.publish(read(Definitions, SHOP), reason="first", author="tests")
    return service


def test_what_changes_no_segment_has_nobody_judged_again(shop: Service, send: Any) -> None:
    shop.outreach.put(hook("segment:often"))
    shop.ingest([send.event("ann", "look", uses=MARKETING)])
    judge(shop)

    shop.publish(
        replace(shop.published.snapshot.definitions, holdout=Share(0.2)),
        reason="x",
        author="tests",
    )

    assert shop.outreach.judge(shop.published.snapshot) == 0


def test_everybody_is_judged_again_a_few_at_a_time(
    shop: Service, send: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitors = [f"v{number}" for number in range(7)]
    shop.ingest([send.event(visitor, "look", uses=MARKETING) for visitor in visitors * 2])
    monkeypatch.setattr("byleave.server.outreach._MARKED_AT_ONCE", 3)

    shop.outreach.put(hook("segment:often"))
    due = select(schema.watched).where(schema.watched.c.due_ms <= clock())
    most = 0
    while shop.outreach.judge(shop.published.snapshot):
        with shop.storage.reading() as connection:
            most = max(most, len(connection.execute(due).all()))

    assert most == 3 + 1  # one mark stands for everybody else
    assert {data["visitor"] for _, data in told(shop)} == {*visitors}


def test_a_process_that_begins_anew_forgets_nobody(
    shop: Service, send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.ingest([send.event(visitor, "look", uses=MARKETING) for visitor in ("ann", "bob") * 2])
    monkeypatch.setattr("byleave.server.outreach._MARKED_AT_ONCE", 1)
    shop.outreach.put(hook("segment:often"))
    shop.outreach.judge(shop.published.snapshot)

    anew = Outreach(shop.storage, shop.site, clock=shop.clock, entropy=fresh)
    while anew.judge(shop.published.snapshot):
        pass

    assert sorted(data["visitor"] for _, data in told(shop)) == ["ann", "bob"]


def test_nobody_is_judged_by_what_is_no_longer_in_force(shop: Service, send: Any) -> None:
    """Another process, or another thread, may have published what this one does not know yet."""
    shop.outreach.put(hook("segment:often"))
    shop.ingest([send.event("ann", "look", uses=MARKETING)])
    stale = shop.published.snapshot
    segments = SHOP["segments"] | {"often": {"when": {"event": "look", "within": "5h"}}}
    shop.publish(read(Definitions, SHOP | {"segments": segments}), reason="x", author="tests")

    assert shop.outreach.judge(stale) == 0
    judge(shop)
    assert [kind for kind, _ in told(shop)] == [Kind.SEGMENT_ENTERED]


def test_of_what_somebody_does_again_and_again_the_first_and_the_last_times_are_known(
    shop: Service, send: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("byleave.server.knowing._MOST_ALIKE", 2)
    looks = [send.event("ann", "look", at=clock() + number, uses=MARKETING) for number in range(7)]
    others = [send.event("ann", "buy", uses=MARKETING), send.event("bob", "look", uses=MARKETING)]
    shop.ingest([*looks[3:], *looks[:3], *others])

    with shop.storage.reading() as connection:
        known = read_all_known(
            connection,
            shop.site,
            ["ann", "bob"],
            shop.published.snapshot.definitions,
            now_ms=clock(),
        )

    told_of = [(event.name, event.at_ms - clock()) for event in known["ann"].happened]
    assert sorted(told_of) == [("buy", 0), ("look", 0), ("look", 1), ("look", 5), ("look", 6)]
    assert len(known["bob"].happened) == 1


def test_who_takes_long_leaves_the_others_for_another_transaction(
    shop: Service, send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("byleave.server.watching._LONGEST_S", 0)
    shop.outreach.put(hook("segment:often"))
    judge(shop)
    visitors = [f"v{number}" for number in range(5)]
    shop.ingest([send.event(visitor, "look", uses=MARKETING) for visitor in visitors * 2])

    judged = [shop.outreach.judge(shop.published.snapshot) for _ in range(6)]

    assert judged == [1] * 5 + [0]
    assert {data["visitor"] for _, data in told(shop)} == {*visitors}


def test_what_a_webhook_was_not_told_yet_is_not_told_once_the_visitor_took_it_back(
    shop: Service, send: Any, clock: Clock
) -> None:
    bought: Any = {"event": "buy", "kind": "conversion", "within": "1d"}
    goals = SHOP["goals"] | {"bought": bought}
    shop.publish(read(Definitions, SHOP | {"goals": goals}), reason="goal", author="tests")
    shop.outreach.put(hook("goal:bought", "segment:often"))
    shop.outreach.put(hook("goal:bought", key="figures", use=Purpose.ANALYTICS))
    shop.merge("ann", "ann-before")
    bought = send.event("ann-before", "buy", uses=MARKETING)
    shop.ingest(
        [bought, *(send.event(each, "look", uses=MARKETING) for each in ("ann", "bob") * 2)]
    )
    judge(shop)
    agreed = dict.fromkeys(map(Purpose, ["personalisation", "analytics"]), Choice.GRANTED)

    now_ms = clock.advance(hours=1)
    shop.record_consent("ann-before", StatedChoice(choices=agreed, source="banner", at=now_ms))
    judge(shop)
    late = send.event("ann", "buy", uses=MARKETING, at=now_ms - 1)
    shop.ingest([late])

    with shop.storage.reading() as connection:
        rows = connection.execute(select(schema.outbox).order_by(schema.outbox.c.id)).all()
    kept = [(row.webhook, row.visitor, json.loads(row.body)["type"]) for row in rows]
    assert sorted(kept) == [
        ("crm", "ann", Kind.SEGMENT_LEFT),
        ("crm", "bob", Kind.SEGMENT_ENTERED),
        ("figures", "ann", Kind.GOAL_REACHED),
        ("figures", "ann", Kind.GOAL_REACHED),
    ]


def test_of_the_purged_webhooks_are_told_only_that_they_left(
    shop: Service, send: Any, clock: Clock
) -> None:
    shop.outreach.put(hook("segment:often", "segment:big"))
    judge(shop)
    visitors = ("fake", "ann")
    shop.observe([Observation(visitor="fake", observed_ms=clock(), values={"seats": 9})])
    shop.ingest([send.event(each, "look", uses=MARKETING) for each in visitors * 2])
    judge(shop)

    shop.purge(["fake"], author="tests")
    judge(shop)

    found = shop.export("fake")
    assert (found["attributes"], found["segments_told"]) == ({}, {})
    assert sorted((kind, data["visitor"]) for kind, data in told(shop)) == [
        (Kind.SEGMENT_ENTERED, "ann"),
        (Kind.SEGMENT_LEFT, "fake"),
        (Kind.SEGMENT_LEFT, "fake"),
    ]
