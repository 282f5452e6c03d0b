"""What has been kept long enough goes, and what was counted from it stays counted."""

import json
from typing import Any

import pytest
from sqlalchemy import select, update
from tests.server.conftest import DEFINITIONS, START_MS

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server import schema
from byleave.server.attributes import Observation, Value
from byleave.server.retaining import Retained
from byleave.server.service import Service

USES = {"purposes": ["personalisation", "analytics"], "source": "server"}
SHORT = DEFINITIONS | {
    "events": DEFINITIONS["events"]
    | {
        "search": {"purposes": ["analytics"], "ttl": "5d"},
        "sign_up": DEFINITIONS["events"]["sign_up"] | {"ttl": "1d"},
    },
    "attributes": DEFINITIONS["attributes"]
    | {
        "industry": {"type": "string", "ttl": "30d", **USES},
        "seats": {"type": "number", "ttl": "90d", **USES},
    },
}
NOTHING = Retained(events=0, emptied=0, attributes=0)


def publish(service: Service, definitions: dict[str, Any] = SHORT) -> None:
    service.publish(read(Definitions, definitions), reason="ttl", author="tests")


def names(service: Service) -> list[str | None]:
    with service.storage.reading() as connection:
        rows = connection.execute(select(schema.events).order_by(schema.events.c.id)).all()
    return [row.name for row in rows if row.body]


def test_an_event_goes_when_its_time_is_over(open_service: Any, send: Any, clock: Any) -> None:
    service = open_service()
    publish(service, SHORT | {"experiments": {}})
    search = send.event("ann", "search", uses=["analytics"])
    service.ingest([search, send.event("ann", "purchase")])

    clock.advance(days=4.9)
    assert service.retain() == NOTHING
    clock.advance(days=0.2)
    assert service.retain() == Retained(events=0, emptied=1, attributes=0)
    assert names(service) == ["purchase"]

    assert service.ingest([search]).duplicates == 1
    assert service.export("ann")["events"][0]["event"] == "purchase"
    clock.advance(days=31)
    assert service.retain() == Retained(events=1, emptied=0, attributes=0)
    assert service.retain() == NOTHING


def test_what_a_goal_counts_stays_until_its_row_of_weights_is_sealed(
    open_service: Any, send: Any, clock: Any
) -> None:
    service = open_service()
    publish(service, DEFINITIONS | {"events": SHORT["events"]})
    service.ingest([send.exposure("ann"), send.event("ann", "sign_up")])

    clock.advance(days=4.9)
    service.retain()
    assert names(service) == [None, "sign_up"]
    clock.advance(days=0.2)
    service.retain()
    assert names(service) == [None]


def test_what_was_counted_stays_counted(open_service: Any, send: Any, clock: Any) -> None:
    service = open_service()
    publish(service, DEFINITIONS | {"events": SHORT["events"]})
    service.ingest([send.exposure("ann"), send.event("ann", "sign_up")])

    def sums() -> Any:
        with service.storage.reading() as connection:
            return connection.execute(select(schema.stratum_stats)).all()

    before = sums()
    clock.advance(days=500)
    service.retain()

    assert names(service) == []
    assert sums() == before
    assert len(service.export("ann")["enrolments"]) == 1


def test_attributes_go_by_their_ttl_and_with_their_definition(
    open_service: Any, clock: Any
) -> None:
    service = open_service()
    publish(service)
    values: dict[str, Value] = {"industry": "trade", "seats": 3}
    service.observe([Observation(visitor="ann", observed_ms=START_MS, values=values)])

    clock.advance(days=30)
    assert service.retain().attributes == 1
    assert [*service.export("ann")["attributes"]] == ["seats"]

    fewer = {name: each for name, each in SHORT["attributes"].items() if name != "seats"}
    publish(service, SHORT | {"attributes": fewer})
    assert service.retain().attributes == 1
    assert service.export("ann")["attributes"] == {}


def test_who_was_enrolled_is_known_until_their_row_of_weights_is_sealed(
    open_service: Any, send: Any, clock: Any
) -> None:
    service = open_service()
    signup = DEFINITIONS["goals"]["signup"] | {"within": "420d"}
    publish(service, SHORT | {"goals": DEFINITIONS["goals"] | {"signup": signup}})
    service.ingest([send.exposure("ann")])

    clock.advance(days=410)
    service.retain()
    assert service.books.rebuild().differences == []
    clock.advance(days=20)
    assert service.retain().events == 1


def test_attributes_wait_for_another_time_once_the_process_is_to_end(
    open_service: Any, clock: Any
) -> None:
    service = open_service()
    publish(service)
    service.observe([Observation(visitor="ann", observed_ms=START_MS, values={"seats": 3})])
    clock.advance(days=100)

    service.is_ending.set()
    assert service.retain().attributes == 0
    service.is_ending.clear()
    assert service.retain().attributes == 1


def test_attributes_of_many_visitors_go_a_few_at_a_time(
    open_service: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = open_service()
    publish(service)
    service.observe(
        [
            Observation(visitor=f"v{n}", observed_ms=START_MS, values={"seats": n, "industry": "x"})
            for n in range(7)
        ]
    )
    clock.advance(days=31)
    monkeypatch.setattr("byleave.server.retaining._AT_ONCE", 3)

    assert service.retain().attributes == 7
    assert service.retain().attributes == 0


def test_attributes_stay_whose_definition_cannot_be_used_for_now(
    open_service: Any, clock: Any
) -> None:
    """As where a version that is older than the definitions meets a kind that it does not know."""
    service = open_service()
    publish(service)
    values: dict[str, Value] = {"industry": "trade", "seats": 3}
    service.observe([Observation(visitor="ann", observed_ms=START_MS, values=values)])
    with service.storage.writing() as connection:
        stored = json.loads(connection.scalar(select(schema.definition_versions.c.definitions)))
        stored["attributes"]["seats"]["type"] = "colour"
        spoilt = json.dumps(stored)
        connection.execute(update(schema.definition_versions).values(definitions=spoilt))
    service.close()
    again = open_service()

    clock.advance(days=31)
    assert again.retain().attributes == 1
    assert [*again.export("ann")["attributes"]] == ["seats"]


def test_a_log_of_many_pieces_is_gone_through_to_its_end(
    open_service: Any, send: Any, clock: Any
) -> None:
    service = open_service()
    publish(service, SHORT | {"experiments": {}})
    searches = [send.event(f"v{n}", "search", uses=["analytics"]) for n in range(4_000)]
    for first in range(0, len(searches), 500):
        service.ingest(searches[first : first + 500])

    clock.advance(days=6)

    assert service.retain().emptied == 4_000


def test_who_was_enrolled_goes_once_a_run_has_been_over_for_thirteen_months(
    open_service: Any, send: Any, clock: Any
) -> None:
    """Until then it says who was counted already; what was counted stays."""
    service = open_service()
    publish(service, DEFINITIONS)
    service.ingest([send.exposure("ann"), send.event("ann", "sign_up")])
    service.tick(clock.advance(days=410))
    service.books.seal()

    assert service.retain().enrolments == 0
    publish(service, DEFINITIONS | {"experiments": {}})
    clock.advance(days=390)
    assert service.retain().enrolments == 0
    clock.advance(days=20)
    gone = service.retain()

    assert gone.enrolments == 1
    assert service.export("ann")["enrolments"] == []
    assert service.books.rebuild().differences == []
    with service.storage.reading() as connection:
        outcomes = connection.execute(select(schema.outcomes)).all()
        units = select(schema.stratum_stats.c.units, schema.stratum_stats.c.reached).where(
            schema.stratum_stats.c.goal == "signup"
        )
        assert connection.execute(units).all() == [(1, 1)]
    assert outcomes == []


def test_page_views_that_were_enrolled_go_while_their_run_goes_on(
    open_service: Any, send: Any, clock: Any
) -> None:
    service = open_service()
    welcome = DEFINITIONS["experiments"]["welcome"]
    signup = DEFINITIONS["goals"]["signup"] | {"within": "page"}
    of_views = welcome | {"unit": "view", "goals": {"primary": "signup"}, "report_by": []}
    goals = DEFINITIONS["goals"] | {"signup": signup}
    publish(service, DEFINITIONS | {"goals": goals, "experiments": {"welcome": of_views}})
    service.ingest([send.exposure("view1234"), send.reward(service)])
    service.tick(clock.advance(days=1))
    clock.advance(days=390)
    service.books.seal()

    assert service.retain().enrolments == 0
    clock.advance(days=20)
    assert service.retain().enrolments == 1
    assert service.books.rebuild().differences == []


def test_who_was_enrolled_stays_where_it_is_not_sealed(
    open_service: Any, send: Any, clock: Any
) -> None:
    service = open_service()
    publish(service, DEFINITIONS)
    service.ingest([send.exposure("ann")])
    publish(service, DEFINITIONS | {"experiments": {}})

    clock.advance(days=800)
    assert service.retain().enrolments == 0
    service.books.seal()
    assert service.retain().enrolments == 1
