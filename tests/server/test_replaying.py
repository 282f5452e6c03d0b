"""What the store keeps of a run gives the run again."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from byleave.experiments import Definitions, Visitor
from byleave.experiments.replay import Replay
from byleave.segments import Choice, Consent, Purpose, Share
from byleave.server import schema
from byleave.server.commands.program import program
from byleave.server.replaying import replay_run
from byleave.server.runs import newest_run
from byleave.server.service import Service

AGREED = Consent(dict.fromkeys((Purpose.PERSONALISATION, Purpose.ANALYTICS), Choice.GRANTED))


def replayed(service: Service) -> Replay:
    definitions = service.published.snapshot.definitions
    with service.storage.reading() as connection:
        run = newest_run(connection, service.site, "welcome")
        assert run is not None
        return replay_run(connection, service.site, run, definitions)


@pytest.fixture
def live(service: Service, clock: Any, send: Any) -> Callable[[], None]:
    """Lets a day pass in which 200 people come, are decided, and some sign up."""
    days = iter(range(100))

    def day() -> None:
        number, events = next(days), []
        decider = service.published.decider
        for index in range(200):
            visitor = f"v{number}-{index}"
            shown = decider.decide(Visitor(id=visitor, consent=AGREED), ["hero"], now_ms=clock())[
                "hero"
            ]
            events.append(send.exposure(visitor, str(shown.arm), allocation=shown.allocation))
            if index % 10 < (6 if shown.arm == "bold" else 2):
                events.append(send.event(visitor))
        service.ingest(events)
        service.tick(clock.advance(days=1))

    return day


def test_every_allocation_and_assignment_of_a_run_follows_from_what_was_kept(
    service: Service, live: Callable[[], None]
) -> None:
    for _ in range(6):
        live()

    found = replayed(service)

    assert found.differences == ()
    assert (found.allocations, found.assignments) == (7, 1_200)
    assert service.published.snapshot.runs["welcome"].allocations[0].weights["bold"] > 0.8


def test_erased_visitors_are_missing_in_the_log_and_there_as_sums(
    service: Service, live: Callable[[], None]
) -> None:
    live()
    for index in range(0, 200, 3):
        service.erase(f"v0-{index}")

    found = replayed(service)

    assert found.differences == ()
    assert found.assignments == 133


def test_made_up_visitors_that_were_taken_out_leave_no_difference(
    service: Service, live: Callable[[], None], clock: Any
) -> None:
    live()
    service.purge([f"v0-{index}" for index in range(5)], author="test")
    open_row = replayed(service)
    service.tick(clock.advance(days=20))
    service.books.seal()
    purged = service.purge([f"v0-{index}" for index in range(5, 10)], author="test")

    assert open_row.differences == ()
    assert open_row.assignments == 195
    assert purged.sealed == 5  # they still count, and their events are gone
    assert replayed(service).differences == ()


def test_weights_that_were_changed_afterwards_are_found(
    service: Service, live: Callable[[], None]
) -> None:
    for _ in range(3):
        live()
    weights = json.dumps({"bold": 0.2, "calm": 0.4, "control": 0.4})
    with service.storage.writing() as connection:
        connection.execute(
            update(schema.allocations)
            .where(schema.allocations.c.sequence == 3)
            .values(weights=weights)
        )

    words = {(difference.place, difference.words) for difference in replayed(service).differences}

    assert ("welcome.1.3.0", "its weights do not follow from its inputs") in words
    assert (
        "welcome.1.4.0",
        "it does not start from the weights that were in force",
    ) in words


def test_a_holdout_that_was_changed_during_the_run_is_not_derived(
    service: Service, definitions: Definitions, live: Callable[[], None], clock: Any
) -> None:
    live()
    service.publish(replace(definitions, holdout=Share(0.5)), reason="more", author="tests")
    live()

    assert replayed(service).differences == ()


def test_a_run_that_is_over_is_replayed_by_what_was_in_force_then(
    service: Service, define: Callable[..., Definitions], live: Callable[[], None], clock: Any
) -> None:
    live()
    other = {"policy": "thompson", "goal": "signup", "control": "15%"}
    service.publish(define(allocate=other), reason="other", author="tests")
    clock.advance(days=1)
    with service.storage.reading() as connection:
        run = connection.execute(schema.runs.select().where(schema.runs.c.run == "welcome.1")).one()
        definitions = service.published.snapshot.definitions
        found = replay_run(connection, service.site, run, definitions)

    assert found.differences == ()
    assert found.assignments == 200


@pytest.fixture
def replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Any) -> Any:
    """Runs the command beside the server, on the same store and by the same clock."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("byleave.sdk.middleware.system_clock", clock)
    return lambda *arguments: CliRunner().invoke(program, ["replay", "shop", *arguments])


def test_the_command_derives_a_whole_store_again_while_the_server_uses_it(
    service: Service, define: Callable[..., Definitions], live: Callable[[], None], replay: Any
) -> None:
    live()
    for index in range(0, 200, 3):
        service.erase(f"v0-{index}")
    other = {"policy": "thompson", "goal": "signup", "control": "15%"}
    service.publish(define(allocate=other), reason="other", author="tests")

    words, document = replay(), replay("--json")

    assert (words.exit_code, document.exit_code) == (0, 0)
    assert "3 allocation rows and 133 assignments of 2 runs derived again" in words.stderr
    assert "0 differences" in words.stderr
    runs = json.loads(document.stdout)["runs"]
    assert [(run["run"], run["allocations"], run["assignments"]) for run in runs] == [
        ("welcome.1", 2, 133),
        ("welcome.2", 1, 0),
    ]


def test_the_command_finds_a_row_that_was_altered_and_ends_with_1(
    service: Service, live: Callable[[], None], replay: Any
) -> None:
    for _ in range(3):
        live()
    with service.storage.writing() as connection:
        connection.execute(
            update(schema.allocations)
            .where(schema.allocations.c.sequence == 3)
            .values(weights=json.dumps({"bold": 0.2, "calm": 0.4, "control": 0.4}))
        )

    words, document = replay("--experiment", "welcome"), replay("--json")

    assert (words.exit_code, document.exit_code) == (1, 1)
    assert "welcome.1: welcome.1.3.0: its weights do not follow from its inputs" in words.stdout
    [run] = json.loads(document.stdout)["runs"]
    assert "welcome.1.3.0" in {difference["place"] for difference in run["differences"]}


def test_the_command_looks_at_its_period_only(
    service: Service, live: Callable[[], None], replay: Any, clock: Any
) -> None:
    began_ms = clock()
    for _ in range(3):
        live()
    with service.storage.writing() as connection:
        connection.execute(
            update(schema.allocations)
            .where(schema.allocations.c.sequence == 1)
            .values(weights=json.dumps({"bold": 0.2, "calm": 0.4, "control": 0.4}))
        )
    third = datetime.fromtimestamp(began_ms / 1000 + 2 * 86_400, UTC).strftime("%Y-%m-%d")

    later, earlier = replay("--since", third), replay("--until", third)

    assert (later.exit_code, earlier.exit_code) == (0, 1)
    assert "2 allocation rows and 200 assignments" in later.stderr
    assert "welcome.1.1.0: the first weights of the cell" in earlier.stdout


def test_what_cannot_be_replayed_is_refused_with_words(
    service: Service, live: Callable[[], None], replay: Any, tmp_path: Path
) -> None:
    live()
    other = str(tmp_path / "empty.db")
    Service(other, site="shop", clock=lambda: 1).close()

    for arguments, words in {
        ("--experiment", "farewell"): "no experiment 'farewell' ever ran here",
        ("--since", "2020-01-02", "--until", "2020-01-01"): "a period that ends after it begins",
        ("--database", "absent.db"): "there is no store",
        ("--database", other): "no definitions are published for shop",
    }.items():
        result = replay(*arguments)
        assert result.exit_code == 2
        assert words in result.stderr
