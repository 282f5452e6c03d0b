"""Which events are taken, and what the sender of others is told."""

import re
from typing import Any

import pytest

from byleave.server.events import body_of, event_of
from byleave.server.intake import Stranger
from byleave.server.service import Service

DAY_MS = 86_400_000


def reasons(service: Service, item: object) -> list[str]:
    return [refusal.reason for refusal in service.ingest([item]).refused]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"id": "123"}, r"\$\.id"),
        ({"id": "01890000-0000-4000-8000-000000000001"}, r"\$\.id"),
        ({"type": "guess"}, r"\$\.type"),
        ({"at": "today"}, r"Expected `int`.*\$\.at"),
        ({"at": -1}, r"\$\.at"),
        ({"at": True}, r"\$\.at"),
        ({"visitor": ""}, r"\$\.visitor"),
        ({"visitor": "a b"}, r"\$\.visitor"),
        ({"visitor": "v" * 129}, r"\$\.visitor"),
        ({"visitor": "bob\n"}, r"\$\.visitor"),
        ({"id": "01890000-0000-7000-8000-000000000001\n"}, r"\$\.id"),
        ({"event": "Sign Up"}, r"\$\.event"),
        ({"event": "unheard_of"}, "no definition declares this event"),
        ({"properties": {"amount": 1}}, "a property that the event does not declare"),
        ({"uses": []}, "under no purpose"),
        ({"uses": ["marketing"]}, "a purpose that the event does not declare"),
        ({"uses": ["fun"]}, r"\$\.uses"),
        ({"secret": 1}, "an unknown field"),
        ({"at": 19_969 * DAY_MS}, "more than 30 days ago"),
        ({"at": 20_001 * DAY_MS + 1}, "more than a day ahead"),
    ],
)
def test_a_malformed_event_is_refused_with_its_reason(
    service: Service, send: Any, changed: dict[str, Any], reason: str
) -> None:
    result = service.ingest([send.event("ann"), send.event("bob") | changed, send.event("cas")])

    assert result.accepted == 2
    assert [refusal.index for refusal in result.refused] == [1]
    assert re.search(reason, result.refused[0].reason)


def test_an_event_that_was_kept_before_line_feeds_were_refused_can_be_read(
    service: Service, send: Any
) -> None:
    [event] = service.read_batch([send.event("bob")]).events.values()
    body = body_of(event).replace('"bob"', '"bob\\n"')

    assert body_of(event_of(body)) == body


@pytest.mark.parametrize("item", [None, 1, "event", [], {}, {"type": "event"}])
def test_what_is_no_event_at_all_is_refused(service: Service, item: object) -> None:
    assert len(reasons(service, item)) == 1


@pytest.mark.parametrize(
    ("properties", "is_taken"),
    [
        ({"amount": 9.5, "gift": True}, True),
        ({"amount": 9}, True),
        ({"amount": True}, False),
        ({"amount": "9"}, False),
        ({"amount": 2**60}, False),
        ({"amount": 10**400}, False),
        ({"amount": float("inf")}, False),
        ({"gift": 1}, False),
        ({"amount": [9]}, False),
    ],
)
def test_properties_have_their_declared_type(
    service: Service, send: Any, properties: dict[str, Any], is_taken: bool
) -> None:
    event = send.event("ann", "purchase", properties=properties)

    assert (service.ingest([event]).accepted == 1) is is_taken


def test_a_refusal_never_repeats_what_was_sent(service: Service, send: Any) -> None:
    event = send.event("ann smith", "purchase", properties={"amount": "4111-1111"})

    [reason] = reasons(service, event)

    assert "smith" not in reason
    assert "4111" not in reason


def test_an_exposure_dated_by_a_clock_that_is_ahead_is_refused(
    service: Service, send: Any, clock: Any
) -> None:
    exposure = send.exposure("ann", assigned_at=clock() + 2 * DAY_MS)

    assert reasons(service, exposure) == ["dated more than a day ahead: set the sender's clock"]


def test_a_key_that_stands_in_a_page_cannot_enrol(service: Service, send: Any) -> None:
    result = service.ingest([send.exposure("ann")], stranger=Stranger())

    assert result.accepted == 0
    assert result.refused[0].reason == "exposures need a server key"


def test_a_key_that_stands_in_a_page_reaches_a_goal_by_a_receipt_only(
    service: Service, send: Any, clock: Any
) -> None:
    paid = send.reward(service, goal="revenue")
    sent = [send.event("ann"), send.reward(service), paid]

    result = service.ingest(sent, stranger=Stranger())

    assert result.accepted == 1
    assert [(each.index, each.reason) for each in result.refused] == [
        (0, "what reaches a goal needs a receipt, or a server key"),
        (2, "goals of value need a server key"),
    ]


def test_a_reward_counts_once_for_the_view_that_its_receipt_names(
    service: Service, send: Any, clock: Any
) -> None:
    service.ingest([send.exposure("view1234")])

    result = service.ingest([send.reward(service), send.reward(service)])

    outcomes = service.export("view1234")["enrolments"][0]["outcomes"]
    assert result.accepted == 2
    assert outcomes == {"signup": {"value": 1.0, "after_ms": 0}}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"receipt": "forged"}, "the receipt is not ours, or older than a day"),
        ({"goal": "unheard-of"}, "no definition declares this goal"),
    ],
)
def test_a_reward_that_proves_nothing_is_refused(
    service: Service, send: Any, clock: Any, changed: dict[str, Any], reason: str
) -> None:
    assert reasons(service, send.reward(service, **changed)) == [reason]


def test_a_receipt_is_worth_nothing_after_a_day(service: Service, send: Any, clock: Any) -> None:
    late = send.reward(service) | {"at": clock() + DAY_MS}
    clock.advance(days=1)

    assert reasons(service, late) == ["the receipt is not ours, or older than a day"]


def test_a_receipt_counts_once_for_each_goal_whatever_the_order(
    service: Service, send: Any, clock: Any
) -> None:
    shown = send.exposure("view1234")
    twice = [send.reward(service, goal="orders", at=clock() + each) for each in (9, 3, 7)]

    service.ingest([twice[0], shown, *twice[1:]])
    [enrolled] = service.export("view1234")["enrolments"]

    assert enrolled["outcomes"] == {"orders": {"value": 1, "after_ms": 3}}
