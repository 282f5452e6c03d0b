"""Publishing: versions that only grow, runs that begin when they must, snapshots that last."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from byleave.experiments import Definitions, Snapshot, Version, load_snapshot
from byleave.segments import DefinitionError, canonical_json, read
from byleave.server import schema
from byleave.server.errors import NothingPublishedError
from byleave.server.runs import Measured, measured
from byleave.server.service import Service

from .conftest import DEFINITIONS

Define = Callable[..., Definitions]


def publish(service: Service, definitions: Definitions) -> Snapshot:
    return service.publish(definitions, reason="a change", author="tests").snapshot


def runs(service: Service) -> list[tuple[str, int | None]]:
    with service.storage.reading() as connection:
        statement = select(schema.runs).order_by(schema.runs.c.run)
        return [(row.run, row.ended_ms) for row in connection.execute(statement)]


def test_before_the_first_publication_there_is_nothing(
    open_service: Callable[..., Service],
) -> None:
    service = open_service()

    assert not service.tick(service.clock())
    with pytest.raises(NothingPublishedError):
        _ = service.published


def test_the_first_publication_opens_a_row_of_equal_weights(service: Service, clock: Any) -> None:
    snapshot = service.published.snapshot

    [row] = snapshot.runs["welcome"].allocations
    assert snapshot.version == Version(generation=1, number=1)
    assert row.id == "welcome.1.1.0"
    assert sum(row.weights.values()) == 1
    assert row.weights == pytest.approx({"bold": 1 / 3, "calm": 1 / 3, "control": 1 / 3})
    assert row.draw_until_ms == clock() + 2 * 86_400_000


def test_what_is_served_is_what_the_server_decides_by(service: Service) -> None:
    served = load_snapshot(json.loads(service.published.body))

    assert served == service.published.snapshot
    [ours] = service.published.snapshot.runs["welcome"].allocations
    assert list(served.runs["welcome"].allocations[0].weights) == list(ours.weights)


def test_publishing_the_same_set_again_changes_nothing(service: Service, define: Define) -> None:
    before = service.published.packable.etag("identity")

    snapshot = publish(service, define())

    assert snapshot.version == Version(generation=1, number=1)
    assert service.published.packable.etag("identity") == before


@pytest.mark.parametrize(
    "changed",
    [
        {"variants": {"control": "site", "bold": {"template": "bold.html"}}},
        {"allocate": {"policy": "thompson", "goal": "signup", "control": "15%"}},
        {"goals": {"primary": "revenue", "others": ["signup"]}},
        {"traffic": "50%"},
        {"audience": "customers"},
    ],
    ids=["arms", "floors", "goals", "traffic", "audience"],
)
def test_a_change_of_what_is_randomised_or_measured_starts_a_new_run(
    service: Service, define: Define, clock: Any, changed: dict[str, Any]
) -> None:
    clock.advance(hours=1)

    snapshot = publish(service, define(**changed))

    assert snapshot.runs["welcome"].id == "welcome.2"
    assert [row.id for row in snapshot.runs["welcome"].allocations] == ["welcome.2.1.0"]
    assert runs(service) == [("welcome.1", clock()), ("welcome.2", None)]


@pytest.mark.parametrize(
    "changed",
    [
        {"title": "Welcome"},
        {"priority": 3},
        {"schedule": {"start": "2030-01-01T00:00"}},
        {"report_by": []},
    ],
    ids=["title", "priority", "schedule", "reporting segments"],
)
def test_any_other_change_goes_on_with_the_run(
    service: Service, define: Define, changed: dict[str, Any]
) -> None:
    snapshot = publish(service, define(**changed))

    assert snapshot.version == Version(generation=1, number=2)
    assert snapshot.runs["welcome"].id == "welcome.1"


def test_changing_a_goal_starts_a_new_run_of_what_measures_it(
    service: Service, definitions: Definitions
) -> None:
    text = json.loads(service.published.body)["definitions"]
    text["goals"]["signup"]["within"] = "3d"

    snapshot = publish(service, read(Definitions, text))

    assert snapshot.runs["welcome"].id == "welcome.2"


def test_an_experiment_that_is_gone_ends_and_one_that_returns_begins_anew(
    service: Service, definitions: Definitions, define: Define
) -> None:
    text = json.loads(service.published.body)["definitions"]

    without = publish(service, read(Definitions, text | {"experiments": {}}))
    again = publish(service, definitions)

    assert without.runs == {}
    assert again.runs["welcome"].id == "welcome.2"
    assert again.version == Version(generation=1, number=3)


def test_a_new_run_keeps_the_units_that_the_old_one_drew(service: Service, define: Define) -> None:
    before = service.published.snapshot.runs["welcome"].seed

    after = publish(service, define(traffic="50%")).runs["welcome"].seed

    assert after == before


def test_faults_are_reported_and_nothing_is_published(service: Service, define: Define) -> None:
    with pytest.raises(DefinitionError, match="unknown segment"):
        publish(service, define(audience="nobody"))

    assert service.published.snapshot.version == Version(generation=1, number=1)


def test_the_set_of_another_site_is_refused(service: Service) -> None:
    text = json.loads(service.published.body)["definitions"]

    with pytest.raises(DefinitionError, match=r"\$\.site: expected 'shop'"):
        publish(service, read(Definitions, text | {"site": "other"}))


def test_every_version_is_kept_with_its_reason_and_author(
    service: Service, define: Define, clock: Any
) -> None:
    clock.advance(hours=1)
    service.publish(define(title="New"), reason="a better title", author="mia")

    with service.storage.reading() as connection:
        versions = connection.execute(select(schema.definition_versions)).all()

    assert [(v.number, v.reason, v.author, v.published_ms) for v in versions] == [
        (1, "first", "tests", clock() - 3_600_000),
        (2, "a better title", "mia", clock()),
    ]


def test_a_restart_goes_on_where_the_service_stopped(
    service: Service, open_service: Callable[..., Service], clock: Any
) -> None:
    service.tick(clock.advance(days=1))
    before = service.published.body
    service.close()

    again = open_service()
    after = again.published.body
    again.tick(clock.advance(days=1))

    assert after == before
    assert again.published.snapshot.version == Version(generation=1, number=3)
    assert again.published.snapshot.runs["welcome"].allocations[0].id == "welcome.1.3.0"


def test_the_same_seed_and_the_same_calls_leave_the_same_store(
    open_service: Callable[..., Service], definitions: Definitions, send: Any, clock: Any
) -> None:
    services = [open_service(name) for name in ("one.db", "two.db")]
    for service in services:
        publish(service, definitions)
    batch = [send.exposure("ann"), send.event("ann"), send.exposure("bob", "calm")]
    for service in services:
        service.ingest(batch)
    clock.advance(days=1)
    for service in services:
        service.tick(clock())
        service.erase("bob")

    def content(service: Service) -> list[Any]:
        with service.storage.reading() as connection:
            return [
                tuple(row)
                for table in schema.metadata.sorted_tables
                for row in connection.execute(select(table))
            ]

    assert content(services[0]) == content(services[1])


def test_what_decides_here_is_what_others_read_order_included(service: Service) -> None:
    shop = DEFINITIONS["experiments"]["welcome"]
    backwards = dict(reversed(shop["variants"].items()))
    changed = DEFINITIONS | {"experiments": {"welcome": shop | {"variants": backwards}}}
    published = service.publish(read(Definitions, changed), reason="order", author="tests")

    elsewhere = load_snapshot(json.loads(published.body))

    assert repr(published.snapshot) == repr(elsewhere)


def test_what_thousands_of_runs_hold_fixed_is_read_once(definitions: Definitions) -> None:
    """Every publication of weights asks for every run that there ever was."""
    text = canonical_json(Measured.of(definitions, "welcome"))
    rows: list[Any] = [
        SimpleNamespace(definition=text.replace('"bold.html"', f'"{number}.html"'))
        for number in range(3_000)
    ]
    first = [measured(row) for row in rows]

    assert all(measured(row) is each for row, each in zip(rows, first, strict=True))
