"""Webhooks are told once it is committed, only what their purpose allows, until they took it."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select
from tests.server.conftest import Clock
from tests.server.receiver import Receiver
from tests.server.test_membership import SHOP

from byleave.experiments import Definitions
from byleave.segments import Choice, Purpose, read
from byleave.server import schema
from byleave.server.attributes import Observation
from byleave.server.consents import StatedChoice
from byleave.server.outbound import Outbound, UnsafeUrlError
from byleave.server.outbox import BACKOFF_MS, LEASE_MS, NEVER_MS, REST_MS
from byleave.server.service import Service
from byleave.server.webhooks import Kind, Webhook, signed

MARKETING = ["analytics", "marketing"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    opened = Receiver()
    yield opened
    opened.close()


@pytest.fixture
def shop(open_service: Callable[..., Service]) -> Service:
    service = open_service()
    goals = SHOP["goals"] | {
        "bought": {"event": "buy", "kind": "value", "of": "amount", "within": "1d", "cap": 9}
    }
    service.publish(read(Definitions, SHOP | {"goals": goals}), reason="first", author="tests")
    return service


def hook(*topics: str, url: str = "https://crm.example/hook", **more: Any) -> Webhook:
    return Webhook(key=more.pop("key", "crm"), url=url, topics=topics, **more)


def told(service: Service) -> list[tuple[str, Any]]:
    """The kind and data of each message that waits, oldest first."""
    with service.storage.reading() as connection:
        rows = connection.execute(select(schema.outbox).order_by(schema.outbox.c.id)).all()
    bodies = [json.loads(row.body) for row in rows]
    return [(body["type"], body["data"]) for body in bodies]


def judge(service: Service) -> None:
    while service.outreach.judge(service.published.snapshot):
        pass


def deliver(service: Service, **options: Any) -> int:
    async def once() -> int:
        outbound = Outbound(allow=["127.0.0.0/8"], **options)
        try:
            return await service.outreach.deliver(outbound)
        finally:
            await outbound.close()

    return asyncio.run(once())


def test_a_signature_is_that_of_the_standards_published_vector() -> None:
    headers = signed(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        now_ms=1_614_265_330_000,
    )

    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("topic", ["goal", "goals:x", "goal:", "goal:*a", "goal:a\n", "visitor:*"])
def test_a_topic_that_is_none_is_refused(shop: Service, topic: str) -> None:
    with pytest.raises(ValueError, match="expected topics"):
        shop.outreach.put(hook(topic))


def test_a_url_that_is_none_is_refused_when_it_is_kept(shop: Service) -> None:
    with pytest.raises(UnsafeUrlError):
        shop.outreach.put(hook("goal:*", url="ftp://crm.example/"))


def test_a_secret_stays_when_the_rest_changes(shop: Service) -> None:
    first = shop.outreach.put(hook("goal:*"))
    second = shop.outreach.put(hook("goal:bought"))

    assert first == second
    assert first.startswith("whsec_")
    [(webhook, _, _)] = shop.outreach.webhooks()
    assert webhook.topics == ("goal:bought",)


def test_a_goal_is_told_once_and_only_for_a_purpose_that_was_granted(
    shop: Service, send: Any
) -> None:
    shop.outreach.put(hook("goal:bought"))
    bought = send.event("ann", "buy", properties={"amount": 9}, uses=MARKETING)

    shop.ingest([bought, send.event("bob", "buy", uses=["analytics"]), send.event("ann", "look")])
    shop.ingest([bought])

    data = {"visitor": "ann", "goal": "bought", "event": bought["id"], "value": 9}
    assert told(shop) == [(Kind.GOAL_REACHED, data)]


def test_who_asks_for_nothing_is_told_nothing(shop: Service, send: Any) -> None:
    shop.ingest([send.event("ann", "buy", uses=MARKETING)])
    shop.outreach.put(hook("experiment:*"))
    shop.ingest([send.event("ann", "buy", uses=MARKETING)])

    assert told(shop) == []


def test_entering_and_leaving_are_told_also_when_time_alone_does_it(
    shop: Service, send: Any, clock: Clock
) -> None:
    shop.outreach.put(hook("segment:often"))
    shop.ingest([send.event("ann", "look", uses=MARKETING)])
    judge(shop)
    assert told(shop) == []

    shop.ingest([send.event("ann", "look", uses=MARKETING)])
    judge(shop)
    ann = {"visitor": "ann", "segment": "often"}
    assert told(shop) == [(Kind.SEGMENT_ENTERED, ann)]
    assert shop.export("ann")["segments_told"] == {"marketing/often": clock()}

    clock.advance(hours=5)
    judge(shop)
    assert len(told(shop)) == 1
    clock.now_ms += 1
    judge(shop)
    assert told(shop)[1] == (Kind.SEGMENT_LEFT, ann)


def test_attributes_and_choices_make_visitors_enter_and_leave(
    shop: Service, send: Any, clock: Clock
) -> None:
    shop.outreach.put(hook("segment:big"))
    granted = dict.fromkeys(map(Purpose, ["personalisation", *MARKETING]), Choice.GRANTED)
    shop.observe([Observation(visitor="ann", observed_ms=clock(), values={"seats": 9})])
    judge(shop)
    assert told(shop) == []  # nobody said that she agreed

    shop.record_consent("ann", StatedChoice(choices=granted, source="banner", at=1))
    judge(shop)
    assert [kind for kind, _ in told(shop)] == [Kind.SEGMENT_ENTERED]

    denied = granted | {Purpose.MARKETING: Choice.DENIED}
    shop.record_consent("ann", StatedChoice(choices=denied, source="banner", at=2))
    judge(shop)
    assert [kind for kind, _ in told(shop)] == [Kind.SEGMENT_LEFT]


def test_a_segment_whose_purposes_do_not_allow_the_use_is_never_told(
    shop: Service, send: Any
) -> None:
    shop.outreach.put(hook("segment:*"))
    shop.ingest([send.event("ann", "private", uses=["analytics", "personalisation"])])
    judge(shop)

    assert told(shop) == []


def test_whoever_is_in_a_segment_already_enters_it_for_a_new_webhook(
    shop: Service, send: Any
) -> None:
    shop.ingest([send.event("ann", "look", uses=MARKETING) for _ in range(2)])
    shop.outreach.put(hook("segment:often"))
    judge(shop)

    assert [kind for kind, _ in told(shop)] == [Kind.SEGMENT_ENTERED]


def test_a_changed_segment_is_judged_for_everybody(shop: Service, send: Any) -> None:
    shop.outreach.put(hook("segment:often"))
    shop.ingest([send.event("ann", "look", uses=MARKETING)])
    judge(shop)
    often = {"when": {"event": "look", "within": "5h"}}
    segments = SHOP["segments"] | {"often": often}

    shop.publish(read(Definitions, SHOP | {"segments": segments}), reason="x", author="tests")
    judge(shop)

    assert [kind for kind, _ in told(shop)] == [Kind.SEGMENT_ENTERED]


def test_two_ids_of_one_person_are_judged_as_one(shop: Service, send: Any) -> None:
    shop.outreach.put(hook("segment:often"))
    shop.ingest([send.event(visitor, "look", uses=MARKETING) for visitor in ("ann", "phone")])
    judge(shop)
    shop.merge("ann", "phone")
    judge(shop)

    assert told(shop) == [(Kind.SEGMENT_ENTERED, {"visitor": "ann", "segment": "often"})]


def test_nothing_is_told_of_the_erased_that_was_not_sent(shop: Service, send: Any) -> None:
    shop.outreach.put(hook("goal:*", "segment:*"))
    shop.ingest([send.event("ann", "buy", uses=MARKETING) for _ in range(2)])
    judge(shop)
    assert told(shop)

    shop.erase("ann")
    judge(shop)

    assert told(shop) == []


def test_a_status_is_told_when_it_is_not_what_it_was(shop: Service) -> None:
    shop.outreach.put(hook("experiment:welcome"))
    shop.outreach.tell_statuses(shop.statuses)
    shop.outreach.tell_statuses(shop.statuses)
    shop.outreach.tell_statuses(lambda: {"welcome": "Unhealthy"})

    data = {"experiment": "welcome", "status": "Collecting", "before": None}
    changed = {"experiment": "welcome", "status": "Unhealthy", "before": "Collecting"}
    assert told(shop) == [(Kind.EXPERIMENT_STATUS, data), (Kind.EXPERIMENT_STATUS, changed)]


def test_a_webhook_that_is_dropped_meanwhile_is_told_no_status(shop: Service) -> None:
    shop.outreach.put(hook("experiment:welcome"))

    def statuses() -> dict[str, str]:
        shop.outreach.drop("crm")
        return shop.statuses()

    shop.outreach.tell_statuses(statuses)

    assert told(shop) == []
    assert deliver(shop) == 0


def test_a_message_is_signed_and_goes_once_it_was_taken(
    shop: Service, send: Any, clock: Clock, receiver: Receiver
) -> None:
    secret = shop.outreach.put(hook("goal:*", url=receiver.url))
    shop.ingest([send.event("ann", "buy", uses=MARKETING)])

    assert deliver(shop) == 1

    [(headers, body)] = receiver.taken
    expected = signed(secret, headers["webhook-id"], body, now_ms=clock())
    assert {name: headers[name] for name in expected} == expected
    assert json.loads(body)["data"]["visitor"] == "ann"
    assert told(shop) == []
    assert deliver(shop) == 0


def test_what_was_not_taken_is_sent_again_later_and_later_under_its_id(
    shop: Service, send: Any, clock: Clock, receiver: Receiver
) -> None:
    shop.outreach.put(hook("goal:*", url=receiver.url))
    shop.ingest([send.event("ann", "buy", uses=MARKETING)])
    receiver.status = 500

    for attempt, pause_ms in enumerate(BACKOFF_MS, start=1):
        assert deliver(shop) == 1
        assert deliver(shop) == 0
        clock.now_ms += round(pause_ms * 1.2) + 1
        assert len(receiver.taken) == attempt
    assert deliver(shop) == 1

    [row] = outbox(shop)
    assert row.due_ms == NEVER_MS
    assert row.failure == "answered 500"
    assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == 1
    assert [(waiting, aside) for _, waiting, aside in shop.outreach.webhooks()] == [(0, 1)]

    receiver.status = 204
    assert shop.outreach.try_again("crm") == 1
    assert deliver(shop) == 1
    assert outbox(shop) == []


def outbox(service: Service) -> list[Any]:
    with service.storage.reading() as connection:
        return list(connection.execute(select(schema.outbox)))


def test_a_message_that_somebody_took_to_send_is_left_to_them_for_a_minute(
    shop: Service, send: Any, clock: Clock, receiver: Receiver
) -> None:
    shop.outreach.put(hook("goal:*", url=receiver.url))
    shop.ingest([send.event("ann", "buy", uses=MARKETING)])
    claimed, _, _ = shop.outreach.claim()  # and then this process ends

    assert len(claimed) == 1
    assert deliver(shop) == 0
    clock.now_ms += LEASE_MS
    assert deliver(shop) == 1
    assert len(receiver.taken) == 1


def test_a_receiver_that_does_not_answer_in_time_keeps_nobody_waiting(
    shop: Service, send: Any, clock: Clock, receiver: Receiver
) -> None:
    there = receiver.url.replace("127.0.0.1", "here.example")
    shop.outreach.put(hook("goal:*", key="slow", url=there.replace("here", "slow")))
    shop.ingest([send.event("ann", "buy", uses=MARKETING) for _ in range(60)])
    shop.outreach.put(hook("goal:*", key="other", url=there))
    clock.now_ms += 1
    shop.ingest([send.event("bob", "buy", uses=MARKETING)])

    async def resolve(host: str, _port: int) -> list[str]:
        if host.startswith("slow"):
            raise TimeoutError  # as at the deadline
        return ["127.0.0.1"]

    asked = [deliver(shop, resolve=resolve) for _ in range(3)]

    assert asked == [25, 1, 0]
    [(_, body)] = receiver.taken
    assert json.loads(body)["data"]["visitor"] == "bob"
    clock.now_ms += REST_MS
    assert deliver(shop, resolve=resolve) == 25


def test_of_what_is_never_taken_the_newest_are_kept(
    shop: Service,
    send: Any,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("byleave.server.outbox.MOST_KEPT", 3)
    shop.outreach.put(hook("goal:*", url=receiver.url))
    shop.outreach.put(hook("goal:*", key="other"))
    events = [send.event("ann", "buy", uses=MARKETING) for _ in range(5)]
    shop.ingest(events)
    receiver.status = 500

    deliver(shop)

    kept = [json.loads(row.body)["data"]["event"] for row in outbox(shop) if row.webhook == "crm"]
    assert sorted(kept) == [event["id"] for event in events[2:]]
    said = [each for each in caplog.records if "let go" in each.message]
    assert {(each.webhook, each.messages) for each in said} >= {("crm", 2)}  # type: ignore[attr-defined]  # extras


def test_a_receiver_that_leads_inside_is_not_asked(
    shop: Service, send: Any, receiver: Receiver
) -> None:
    inside = receiver.url.replace("127.0.0.1", "rebinding.example")
    shop.outreach.put(hook("goal:*", url=inside))
    shop.ingest([send.event("ann", "buy", uses=MARKETING)])

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["10.0.0.1"]

    deliver(shop, resolve=resolve)

    assert receiver.taken == []
    [row] = outbox(shop)
    assert "not public" in row.failure


def test_a_dropped_webhook_is_told_nothing_more(shop: Service, send: Any) -> None:
    shop.outreach.put(hook("goal:*"))
    shop.ingest([send.event("ann", "buy", uses=MARKETING)])

    assert shop.outreach.drop("crm")
    assert not shop.outreach.drop("crm")
    assert outbox(shop) == []
