"""The reference of the wire lists every route, and its examples are answered as it says."""

import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from byleave.experiments.lift import ArmRow, Health, Look, Refusal, RefusalCode, Report, Status
from byleave.sdk.folder import load_folder
from byleave.server.app import create_app
from byleave.server.deciding import DecideRequest
from byleave.server.held_out import Holdout
from byleave.server.history import DayOfEnrolment, LookBack
from byleave.server.keys import Role
from byleave.server.results import AllocationStep, Results
from byleave.server.routes import ROUTES
from byleave.server.service import Service

PAGE = "docs/reference/wire.md"
NOW_MS = 1_795_420_000_000
VISITOR = "4cbe410719e61e56c49e8a7d20bef8ab"
TABLES = {
    "## Results of an experiment": Results,
    "## Report": Report,
    "## Arm": ArmRow,
    "## Health": Health,
    "## Refusal": Refusal,
    "## Holdout": Holdout,
    "## Allocation row": AllocationStep,
    "## Look back": LookBack,
    "## Look": Look,
    "## Day of enrolment": DayOfEnrolment,
}


def names(table: list[list[str]]) -> list[str]:
    return [row[0].strip("`") for row in table]


@pytest.fixture
def service(page_at: Callable[[str], Any], tmp_path: Path) -> Iterator[Service]:
    """A server with the definitions that the page's examples are about."""
    [definitions] = (block for block in page_at(PAGE).blocks if block.language == "yaml")
    (tmp_path / "byleave.yaml").write_text(definitions.body, encoding="utf-8")
    opened = Service(tmp_path / "shop.db", site="shop", clock=lambda: NOW_MS)
    opened.publish(load_folder(tmp_path), reason="test", author="test")
    yield opened
    opened.close()


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    headers = {"Authorization": f"Bearer {service.create_key(Role.SERVER)}"}
    with TestClient(create_app(service), headers=headers) as client:
        yield client


@pytest.fixture
def example(page_at: Callable[[str], Any]) -> Callable[[str, int], Any]:
    """Returns an example of the page: the JSON at a place below a heading."""

    def find(heading: str, index: int = 0) -> Any:
        page = page_at(PAGE)
        line = page.text.partition(f"\n{heading}\n")[0].count("\n") + 1
        blocks = [b for b in page.blocks if b.language == "json" and b.line > line]
        return json.loads(blocks[index].body)

    return find


def test_every_route_is_listed_as_it_is(page_at: Callable[[str], Any]) -> None:
    listed = page_at(PAGE).table("## Routes")

    assert listed == [
        [
            f"`{route.method} {route.path}`",
            ", ".join(sorted(route.roles or ["none"])),
            f"{route.most_bytes:,}",
            route.summary,
        ]
        for route in ROUTES
    ]


def test_the_example_events_are_answered_as_the_page_says(
    client: TestClient, example: Callable[..., Any]
) -> None:
    response = client.post("/v1/events", json=example("## POST /v1/events"))

    assert response.status_code == 202
    assert response.json() == example("## POST /v1/events", 1)


def test_the_example_decision_is_made(client: TestClient, example: Callable[..., Any]) -> None:
    question = example("## POST /v1/decide")

    first = client.post("/v1/decide", json=question).json()
    second = client.post("/v1/decide", json={**question, "state": first["state"]}).json()

    assert set(first) == {"version", "decisions", "state"}
    assert first["decisions"]["hero"]["is_enrolling"]
    assert second["decisions"]["hero"]["reason"] == "sticky"
    assert second["decisions"]["hero"]["arm"] == first["decisions"]["hero"]["arm"]


def test_the_example_counts_are_added_once(
    client: TestClient, service: Service, example: Callable[..., Any]
) -> None:
    report = example("## POST /v1/counters")

    first = client.post("/v1/counters", json=report)
    second = client.post("/v1/counters", json=report)

    assert first.json() == example("## POST /v1/counters", 1)
    assert second.json() == {"added": False}
    assert service.counts(since_ms=0) == report["counts"]


def test_every_part_of_a_question_is_listed(page_at: Callable[[str], Any]) -> None:
    listed = names(page_at(PAGE).table("## POST /v1/decide"))

    assert sorted(listed) == sorted(f.name for f in msgspec.structs.fields(DecideRequest))


def test_the_example_withdrawal_erases_the_visitor(
    client: TestClient, example: Callable[..., Any]
) -> None:
    events = example("## POST /v1/events")
    client.post("/v1/events", json=events)

    answer = client.put(f"/v1/consent/{VISITOR}", json=example("## PUT /v1/consent/{visitor}"))
    late = client.post("/v1/events", json={**events, "events": events["events"][:1]}).json()

    assert answer.json() == {"recorded": True, "is_erased": True}
    assert late["refused"] == [{"index": 0, "reason": "this visitor was erased"}]


@pytest.mark.parametrize("heading", TABLES)
def test_every_key_of_the_results_is_explained(heading: str, page_at: Callable[[str], Any]) -> None:
    listed = names(page_at("docs/reference/results.md").table(heading))

    assert listed == [field.name for field in fields(TABLES[heading])]


def test_every_status_and_refusal_is_explained(page_at: Callable[[str], Any]) -> None:
    page = page_at("docs/reference/results.md")

    assert names(page.table("## Status")) == list(Status)
    assert names(page.table("## Codes of refusals")) == list(RefusalCode)
