"""Weights that are frozen stay, day after day, until somebody lets them go on."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from byleave.experiments import Definitions
from byleave.server import schema
from byleave.server.commands.program import program
from byleave.server.errors import UnknownNameError
from byleave.server.freezing import freeze
from byleave.server.metrics import Metrics
from byleave.server.replaying import replay_run
from byleave.server.runs import newest_run
from byleave.server.service import Service


def hour(service: Service, send: Any, clock: Any, **rates: float) -> None:
    """An hour of 900 visitors, as many in each arm, who sign up at these rates."""
    [row] = service.published.snapshot.runs["welcome"].allocations
    events = []
    for arm in row.weights:
        for number in range(300):
            visitor = f"v{send.id()}"
            events.append(send.exposure(visitor, arm, allocation=row.id))
            if number < 300 * rates.get(arm, 0.1):
                events.append(send.event(visitor))
    service.ingest(events)
    service.tick(clock.advance(hours=1))


@pytest.fixture
def frozen(service: Service, send: Any, clock: Any) -> Service:
    """A service whose experiment moved in one arm after a day."""
    for _ in range(24):
        hour(service, send, clock, bold=0.12)
    for _ in range(3):
        hour(service, send, clock, bold=0.12, calm=0.5)
    return service


def test_frozen_weights_stay_and_their_rows_are_renewed(
    frozen: Service, clock: Any, definitions: Definitions
) -> None:
    [row] = frozen.published.snapshot.runs["welcome"].allocations
    for _ in range(50):
        frozen.tick(clock.advance(hours=1))
    [later] = frozen.published.snapshot.runs["welcome"].allocations
    with frozen.storage.reading() as connection:
        run = newest_run(connection, frozen.site, "welcome", begun_by_ms=clock())
        replayed = replay_run(connection, frozen.site, run, definitions) if run else None
        methods = [row.inputs for row in connection.execute(select(schema.allocations))]

    assert frozen.frozen() == {"welcome.1"}
    assert later.weights == row.weights
    assert later.id != row.id
    assert '"method": "frozen"' in methods[-1]
    assert replayed is not None
    assert [each.words for each in replayed.differences if "weights" in each.words] == []


def test_what_moves_every_arm_freezes_nothing(service: Service, send: Any, clock: Any) -> None:
    for _ in range(24):
        hour(service, send, clock, bold=0.12)
    for _ in range(3):
        hour(service, send, clock, bold=0.36, calm=0.3, control=0.3)

    assert service.frozen() == set()


def test_a_run_is_frozen_once_and_thawed_once(frozen: Service, clock: Any) -> None:
    with frozen.storage.writing() as connection:
        again = freeze(connection, frozen.site, {"welcome.1"}, now_ms=clock())
    figures = Metrics(frozen).text().decode()
    frozen.thaw("welcome", author="ann@shop.example")
    actions = [(entry.action, entry.author) for entry in frozen.library.audit()]

    assert again == []
    assert "byleave_frozen_runs 1.0" in figures
    assert actions[:2] == [
        ("weights.thawed", "ann@shop.example"),
        ("weights.frozen", "allocator"),
    ]
    assert frozen.frozen() == set()
    with pytest.raises(UnknownNameError, match="not frozen"):
        frozen.thaw("welcome", author="ann@shop.example")


def test_rows_before_a_thaw_raise_no_further_alarm(frozen: Service, send: Any, clock: Any) -> None:
    frozen.thaw("welcome", author="tests")
    frozen.tick(clock.advance(hours=1))

    assert frozen.frozen() == set()


def test_made_up_visitors_are_taken_out_and_weights_thawed_by_command(
    frozen: Service, send: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with frozen.storage.reading() as connection:
        found = connection.execute(select(schema.enrolments.c.unit)).scalars().all()
    frozen.close()
    monkeypatch.chdir(tmp_path)
    text = "\r\n".join([*found[:700], "nobody", ""])
    (tmp_path / "ids.txt").write_text(text, encoding="utf-8-sig", newline="")
    (tmp_path / "other.txt").write_text(text, encoding="utf-16")

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(program, list(arguments))

    purged = run("purge", "shop", "ids.txt")
    again = run("purge", "shop", "ids.txt")
    unread = run("purge", "shop", "other.txt")
    recounted = run("rebuild", "shop")
    thawed = run("thaw", "shop", "welcome")
    twice = run("thaw", "shop", "welcome")

    assert purged.exit_code == again.exit_code == recounted.exit_code == thawed.exit_code == 0
    assert "701 ids: 700 enrolments and " in purged.output
    assert (unread.exit_code, unread.output) == (2, "other.txt: expected UTF-8, one id a line\n")
    assert "0 enrolments and 0 events" in again.output
    assert "0 differences" in recounted.output
    assert twice.exit_code == 2
    assert "not frozen" in twice.output


def test_what_is_sealed_stays_when_its_visitors_are_purged(
    service: Service, send: Any, clock: Any
) -> None:
    service.ingest([send.exposure("ann"), send.event("ann")])
    service.tick(clock.advance(days=1.01))
    clock.advance(days=5)
    service.books.seal()

    gone = service.purge(["ann"], author="tests")

    assert (gone.enrolments, gone.sealed, gone.events) == (0, 1, 2)
    assert service.books.rebuild().differences == []
    assert service.ingest([send.event("ann")]).accepted == 0


def test_whoever_is_purged_comes_in_under_no_other_id_of_theirs(
    service: Service, send: Any
) -> None:
    service.ingest([send.exposure("ann"), send.event("phone")])
    service.merge("ann", "phone")

    service.purge(["ann"], author="tests")

    assert service.ingest([send.exposure("phone"), send.event("phone")]).accepted == 0
