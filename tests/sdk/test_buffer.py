"""The buffer of events: its bounds, and that it loses whole visitors."""

import json
from collections import Counter
from math import nan
from typing import Any

import pytest

from byleave.sdk.buffer import EventBuffer
from byleave.sdk.counters import Counters
from byleave.sdk.events import uuid7


def event(visitor: str, number: int = 0) -> dict[str, Any]:
    return {"id": f"{number:08}", "type": "event", "visitor": visitor}


def visitors(buffer: EventBuffer) -> Counter[str]:
    batch = buffer.take(10**6, 10**9)
    return Counter(json.loads(waiting.json)["visitor"] for waiting in batch)


def test_events_leave_in_the_order_they_came() -> None:
    buffer = EventBuffer(Counters())
    for number in range(5):
        buffer.add(event("a", number))

    taken = [json.loads(w.json)["id"] for w in buffer.take(3, 10**6) + buffer.take(3, 10**6)]

    assert taken == [f"{number:08}" for number in range(5)]


@pytest.mark.parametrize("value", ["\ud800", nan])
def test_what_would_make_its_whole_batch_unreadable_is_refused_alone(value: object) -> None:
    buffer = EventBuffer(Counters())

    with pytest.raises(ValueError, match=r"surrogates|JSON compliant"):
        buffer.add({**event("a"), "properties": {"name": value}})
    assert len(buffer) == 0


def test_a_batch_has_at_least_one_event_and_is_no_larger_than_asked() -> None:
    buffer = EventBuffer(Counters())
    for number in range(5):
        buffer.add(event("a", number))
    size = len(json.dumps(event("a"), separators=(",", ":")))

    assert len(buffer.take(10, 1)) == 1
    assert len(buffer.take(10, 2 * size)) == 2
    assert len(buffer.take(1, 10**6)) == 1


def test_what_could_not_be_sent_goes_back_to_the_front() -> None:
    buffer = EventBuffer(Counters())
    for number in range(4):
        buffer.add(event("a", number))

    buffer.put_back(buffer.take(2, 10**6))

    assert [json.loads(w.json)["id"][-1] for w in buffer.take(9, 10**6)] == ["0", "1", "2", "3"]


def test_a_full_buffer_drops_whole_visitors_and_counts_what_it_dropped() -> None:
    buffer = EventBuffer(Counters(), most_events=1_000)
    for number in range(5):
        for visitor in range(1_000):
            buffer.add(event(f"v{visitor}", number))

    kept = visitors(buffer)

    assert 100 <= len(kept) <= 250
    assert set(kept.values()) == {5}
    assert kept.total() + buffer.dropped == 5_000


def test_a_buffer_is_bounded_by_bytes_too() -> None:
    buffer = EventBuffer(Counters(), most_bytes=10_000)
    for number in range(1_000):
        buffer.add(event(f"v{number}"))

    assert len(buffer) * len(json.dumps(event("v1"), separators=(",", ":"))) <= 10_000
    assert buffer.dropped == 1_000 - len(buffer)


def test_one_visitor_alone_cannot_overflow_it() -> None:
    buffer = EventBuffer(Counters(), most_events=100)
    for number in range(1_000):
        buffer.add(event("the only one", number))

    assert len(buffer) <= 100
    assert len(buffer) + buffer.dropped == 1_000


def test_once_empty_it_takes_everybody_again() -> None:
    buffer = EventBuffer(Counters(), most_events=10)
    for number in range(100):
        buffer.add(event(f"v{number}"))
    visitors(buffer)
    dropped = buffer.dropped

    for number in range(10):
        buffer.add(event(f"v{number}"))

    assert len(buffer) == 10
    assert buffer.dropped == dropped


def test_a_visitor_who_withdrew_is_forgotten() -> None:
    buffer = EventBuffer(Counters())
    for visitor in ("a", "b", "a"):
        buffer.add(event(visitor))

    buffer.forget("a")

    assert visitors(buffer) == Counter("b")


def test_ids_sort_by_time_and_have_the_form_of_version_7() -> None:
    ids = [uuid7(ms, lambda size: b"\xff" * size) for ms in (0, 1, 2**40)]

    assert ids == sorted(ids)
    assert ids[0] == "00000000-0000-7fff-bfff-ffffffffffff"
