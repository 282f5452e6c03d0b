"""Group commit: one transaction for all who wait, and a bounded queue."""

from collections.abc import Sequence
from concurrent.futures import Future
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from byleave.server.errors import BusyError
from byleave.server.events import Reward, WireEvent
from byleave.server.ingest import Ingest
from byleave.server.recording import Verdict

EVENT = Reward(id="", visitor="view", at_ms=0, goal="signup")


class Store:
    """Remembers the groups it was given; waits at a gate, and fails on a poisonous event."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.gate = Event()
        self.entered = Event()

    def __call__(self, events: Sequence[WireEvent]) -> list[Verdict]:
        self.entered.set()
        assert self.gate.wait(10)
        self.groups.append(len(events))
        if any(event.visitor == "poison" for event in events):
            raise RuntimeError("poison")
        return [Verdict.ACCEPTED] * len(events)


def waiting(ingest: Ingest, sizes: Sequence[int]) -> list[Future[list[Verdict]]]:
    return [ingest.submit([EVENT] * size) for size in sizes]


@pytest.fixture
def store() -> Store:
    return Store()


def test_batches_that_wait_together_are_committed_together(store: Store) -> None:
    ingest = Ingest(store)
    ingest.start()
    first = ingest.submit([EVENT])
    assert store.entered.wait(10)

    futures = waiting(ingest, [2, 3, 4])
    store.gate.set()
    results = [len(future.result(10)) for future in [first, *futures]]
    ingest.stop()

    assert results == [1, 2, 3, 4]
    assert store.groups == [1, 9]


def test_a_full_queue_takes_nothing_and_says_so(store: Store) -> None:
    ingest = Ingest(store, capacity=5)
    ingest.start()
    ingest.submit([EVENT])
    assert store.entered.wait(10)
    waiting(ingest, [5])

    with pytest.raises(BusyError):
        ingest.submit([EVENT])
    store.gate.set()
    ingest.flush()
    taken = ingest.submit([EVENT] * 5).result(10)
    ingest.stop()

    assert len(taken) == 5


def test_one_batch_that_fails_does_not_fail_those_that_waited_with_it(store: Store) -> None:
    ingest = Ingest(store)
    ingest.start()
    first = ingest.submit([EVENT])
    assert store.entered.wait(10)
    good = ingest.submit([EVENT])
    bad = ingest.submit([Reward(id="", visitor="poison", at_ms=0, goal="signup")])
    store.gate.set()

    assert first.result(10) == good.result(10) == [Verdict.ACCEPTED]
    with pytest.raises(RuntimeError, match="poison"):
        bad.result(10)
    ingest.stop()


def test_a_store_that_is_away_is_asked_for_one_batch_more_and_not_for_each(store: Store) -> None:
    """Each may take seconds to fail, and all who sent them wait."""

    def away(events: Sequence[WireEvent]) -> list[Verdict]:
        store(events)
        raise OperationalError("INSERT", {}, Exception("the server is gone"))

    ingest = Ingest(away)
    ingest.start()
    first = ingest.submit([EVENT])
    assert store.entered.wait(10)
    futures = waiting(ingest, [1] * 20)
    store.gate.set()
    failures = [type(future.exception(10)) for future in (first, *futures)]
    ingest.stop()

    assert failures == [OperationalError] * 21
    assert store.groups == [1, 20, 1]


def test_a_sender_that_has_gone_away_stops_nobody(store: Store) -> None:
    ingest = Ingest(store)
    ingest.start()
    ingest.submit([EVENT])
    assert store.entered.wait(10)
    gone, stayed = waiting(ingest, [1, 2])

    was_cancelled = gone.cancel()
    store.gate.set()

    assert was_cancelled
    assert len(stayed.result(10)) == 2
    ingest.stop()
    assert store.groups == [1, 2]


def test_stopping_stores_what_waits_and_later_batches_are_stored_at_once(store: Store) -> None:
    ingest = Ingest(store)
    ingest.start()
    ingest.submit([EVENT])
    assert store.entered.wait(10)
    waits = ingest.submit([EVENT] * 2)
    stopping = Thread(target=ingest.stop)
    stopping.start()
    store.gate.set()
    stopping.join(10)

    after = ingest.submit([EVENT] * 3)

    assert waits.done()
    assert after.done()
    assert store.groups == [1, 2, 3]


def test_a_group_is_no_larger_than_one_transaction_should_be(store: Store) -> None:
    ingest = Ingest(store)
    ingest.start()
    ingest.submit([EVENT])
    assert store.entered.wait(10)

    waiting(ingest, [1_500, 400, 400])
    store.gate.set()
    ingest.stop()

    assert store.groups == [1, 1_900, 400]


def test_stopping_what_never_started_does_nothing(store: Store) -> None:
    Ingest(store).stop()

    assert store.groups == []


def test_nothing_of_an_event_is_logged_when_storing_fails(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.gate.set()
    poison: Any = Reward(id="", visitor="poison", at_ms=0, goal="top-secret")

    future = Ingest(store).submit([poison])

    assert isinstance(future.exception(), RuntimeError)
    assert "could not be stored" in caplog.text
    assert "top-secret" not in caplog.text
