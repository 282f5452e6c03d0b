"""A backup holds what was acknowledged before it began, and decides as the store did."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any

import pytest
from tests.server.conftest import Clock, Sender

from byleave.segments import Choice, Purpose
from byleave.server.backup import back_up, check_backup, restore
from byleave.server.deciding import DecideRequest, WireConsent
from byleave.server.errors import StorageError
from byleave.server.keys import Role
from byleave.server.service import Service

BOTH = {Purpose.PERSONALISATION: Choice.GRANTED, Purpose.ANALYTICS: Choice.GRANTED}


def decisions(service: Service, visitors: int, states: dict[str, str] | None = None) -> Any:
    """The arm of each visitor, and the state that they bring along next time."""
    arms, kept = {}, {}
    for number in range(visitors):
        visitor = f"visitor-{number}"
        answer = service.decide(
            DecideRequest(
                slots=("hero",),
                visitor=visitor,
                consent=WireConsent(choices=BOTH),
                state=None if states is None else states[visitor],
            )
        )
        arms[visitor] = answer["decisions"]["hero"].arm
        kept[visitor] = answer["state"]
    return arms, kept


def acknowledged_while(service: Service, clock: Clock, do: Callable[[], Any]) -> tuple[Any, Any]:
    """Send 1,000 events a second while something is done; return those taken before and after."""
    send, is_over, has_begun = Sender(clock), Event(), Event()
    taken: list[tuple[float, str]] = []

    def sending() -> None:
        began, batch = monotonic(), 0
        while not is_over.wait(max(0.0, began + batch * 0.1 - monotonic())):
            events = [send.event(f"visitor-{batch}-{n}") for n in range(100)]
            assert service.ingest(events).accepted == 100
            taken.extend((monotonic(), event["id"]) for event in events)
            batch += 1
            if batch == 10:
                has_begun.set()

    thread = Thread(target=sending)
    thread.start()
    has_begun.wait(30)
    start = monotonic()
    do()
    end = monotonic()
    is_over.set()
    thread.join()
    before = {id for at, id in taken if at < start}
    during = {id for at, id in taken if start <= at < end}
    return before, during


def ids(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    found = {row[0] for row in connection.execute("SELECT id FROM events")}
    connection.close()
    return found


@pytest.mark.parametrize(
    "_round", [pytest.param(n, marks=[pytest.mark.long] if n else []) for n in range(20)]
)
def test_a_backup_under_load_holds_all_that_was_acknowledged_before_and_decides_the_same(
    service: Service,
    clock: Clock,
    tmp_path: Path,
    open_service: Callable[..., Service],
    _round: int,
) -> None:
    service.start()
    fresh, states = decisions(service, 10_000)
    sticky, _ = decisions(service, 10_000, states)
    copy = tmp_path / "copy.db"

    before, _ = acknowledged_while(service, clock, lambda: back_up(tmp_path / "byleave.db", copy))
    restore(copy, tmp_path / "restored.db", now_ms=clock())
    restored = open_service("restored.db")

    assert len(before) >= 1_000
    assert before <= ids(tmp_path / "restored.db")
    assert decisions(restored, 10_000)[0] == fresh
    assert decisions(restored, 10_000, states)[0] == sticky == fresh
    assert len(set(fresh.values())) >= 3


def test_what_is_published_after_a_restore_is_newer_and_has_names_of_its_own(
    service: Service,
    clock: Clock,
    tmp_path: Path,
    open_service: Callable[..., Service],
    define: Any,
) -> None:
    back_up(tmp_path / "byleave.db", tmp_path / "copy.db")
    service.tick(clock.advance(days=1))  # lost
    service.publish(define(traffic="50%"), reason="lost", author="tests")
    lost = service.published.snapshot

    restore(tmp_path / "copy.db", tmp_path / "restored.db", now_ms=clock())
    again = open_service("restored.db")
    first = again.published.snapshot
    again.tick(clock())
    ticked = again.published.snapshot
    again.publish(define(traffic="50%"), reason="again", author="tests")
    changed = again.published.snapshot

    assert lost.version < first.version < ticked.version < changed.version
    assert first.runs["welcome"].id == "welcome.1"
    names = {row.id for s in (ticked, changed) for row in s.runs["welcome"].allocations}
    assert names.isdisjoint({row.id for row in lost.runs["welcome"].allocations})
    assert ticked.runs["welcome"].allocations[0].id == "welcome.1.1000001.0"
    assert changed.runs["welcome"].id == "welcome.1000001"


def test_keys_and_the_erased_survive(
    service: Service,
    send: Sender,
    clock: Clock,
    tmp_path: Path,
    open_service: Callable[..., Service],
) -> None:
    key = service.create_key(Role.SERVER)
    service.ingest([send.event("ann")])
    service.erase("ann")
    back_up(tmp_path / "byleave.db", tmp_path / "copy.db")

    assert restore(tmp_path / "copy.db", tmp_path / "restored.db", now_ms=clock()) == ["shop"]
    again = open_service("restored.db")

    assert again.keys.find(key, again.site.key) is not None
    assert again.export("ann")["is_erased"]
    assert again.ingest([send.event("ann")]).accepted == 0


def test_nothing_is_overwritten(service: Service, clock: Clock, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    back_up(tmp_path / "byleave.db", copy)
    with pytest.raises(StorageError, match="there already"):
        back_up(tmp_path / "byleave.db", copy)
    service.close()
    with pytest.raises(StorageError, match="not empty"):
        restore(copy, tmp_path / "byleave.db", now_ms=clock())


def test_a_store_in_use_is_not_restored_into(
    service: Service, clock: Clock, tmp_path: Path
) -> None:
    back_up(tmp_path / "byleave.db", tmp_path / "copy.db")

    with pytest.raises(StorageError, match="in use"):
        restore(tmp_path / "copy.db", tmp_path / "byleave.db", now_ms=clock())


@pytest.mark.parametrize("size", [0, 4_096, 40_000])
def test_what_is_no_whole_backup_is_refused(
    service: Service, tmp_path: Path, clock: Clock, size: int
) -> None:
    back_up(tmp_path / "byleave.db", tmp_path / "copy.db")
    torn = tmp_path / "torn.db"
    torn.write_bytes((tmp_path / "copy.db").read_bytes()[:size])

    with pytest.raises(StorageError):
        check_backup(torn)
    with pytest.raises(StorageError):
        restore(torn, tmp_path / "restored.db", now_ms=clock())
    with pytest.raises(StorageError, match="no backup"):
        check_backup(tmp_path / "absent.db")
    with pytest.raises(StorageError, match="no store"):
        back_up(tmp_path / "absent.db", tmp_path / "other.db")
    assert not (tmp_path / "other.db").exists()


def test_a_restore_says_where_it_cannot_write(
    service: Service, clock: Clock, tmp_path: Path
) -> None:
    back_up(tmp_path / "byleave.db", tmp_path / "copy.db")
    (tmp_path / "copy.db.restoring").mkdir()  # a file cannot be made there

    with pytest.raises(StorageError, match=r"copy\.db\.restoring: unable to open"):
        restore(tmp_path / "copy.db", tmp_path / "restored.db", now_ms=clock())


def test_what_cannot_be_read_is_not_called_damaged(service: Service, tmp_path: Path) -> None:
    back_up(tmp_path / "byleave.db", tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        connection.execute("PRAGMA journal_mode=wal")
    (tmp_path / "copy.db-wal").mkdir()

    with pytest.raises(StorageError, match=r"cannot read .*copy\.db: unable to open"):
        check_backup(tmp_path / "copy.db")


def test_a_backup_under_a_name_that_no_file_can_have_is_refused(
    service: Service, tmp_path: Path
) -> None:
    with pytest.raises(StorageError, match=r"no backup was made: .*too long"):
        back_up(tmp_path / "byleave.db", tmp_path / ("x" * 300))
