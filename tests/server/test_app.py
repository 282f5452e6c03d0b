"""The API over HTTP: who may do what, what it answers, and what it says of bad requests."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from byleave.experiments import Definitions, load_snapshot
from byleave.server.app import create_app
from byleave.server.keys import Role
from byleave.server.routes import ROUTES, ApiRoute
from byleave.server.service import Service

CONSENT = {"choices": {"personalisation": "granted", "analytics": "granted"}}


def bearer(service: Service, role: Role = Role.SERVER) -> dict[str, str]:
    return {"Authorization": f"Bearer {service.create_key(role)}"}


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    """A client of the application that brings the server key."""
    with TestClient(create_app(service), headers=bearer(service)) as client:
        yield client


@pytest.fixture
def stranger(service: Service) -> Iterator[TestClient]:
    """A client without a key."""
    with TestClient(create_app(service), raise_server_exceptions=False) as client:
        yield client


def path_of(route: ApiRoute) -> str:
    return re.sub(r"{\w+}", "welcome", route.path)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic byleave_server_1_2", "Bearer byleave_server_1_2"]
)
def test_a_key_that_is_not_one_is_refused_as_a_problem(stranger: TestClient, header: str) -> None:
    response = stranger.get("/v1/snapshot", headers={"Authorization": header})

    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["status"] == 401


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_body_that_is_too_long_is_refused_by_every_route(
    service: Service, stranger: TestClient, route: ApiRoute
) -> None:
    body = b" " * (route.most_bytes + 1)
    headers = bearer(service, Role.SERVER if Role.SERVER in (route.roles or ()) else Role.ADMIN)

    answer = stranger.request(route.method, path_of(route), content=body, headers=headers)

    # A protocol that somebody else defined may know no such answer.
    assert answer.status_code == (413 if route.tell is None else 400)


@pytest.mark.parametrize("path", ["/v1/events", "/v1/decide"])
@pytest.mark.parametrize("body", [b"", b"{", b"[" * 60_000, b'{"a": NaN}', b"\xff\xfe"])
def test_malformed_bodies_are_bad_requests(client: TestClient, path: str, body: bytes) -> None:
    response = client.post(path, content=body)

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/events", "/v1/decide"])
@pytest.mark.parametrize("data", [{}, [], None, {"events": 1, "sent_at": 1}, {"slots": []}])
def test_bodies_of_another_shape_are_told_what_is_expected(
    client: TestClient, path: str, data: object
) -> None:
    response = client.post(path, content=json.dumps(data))

    assert response.status_code == 422
    assert len(response.json()["detail"]) > 10


def test_compressed_bodies_are_refused(client: TestClient) -> None:
    response = client.post("/v1/events", content=b"x", headers={"Content-Encoding": "gzip"})

    assert response.status_code == 415


def test_a_path_or_method_that_is_not_there_is_a_problem(client: TestClient) -> None:
    missing, wrong = client.get("/v1/nothing"), client.get("/v1/events")

    assert (missing.status_code, wrong.status_code) == (404, 405)
    assert missing.json()["title"] == "Not Found"
    assert wrong.headers["allow"] == "POST"


def test_events_are_committed_before_the_answer(
    client: TestClient, service: Service, send: Any, clock: Any
) -> None:
    exposure = send.exposure("ann")
    batch = {"sent_at": clock(), "events": [exposure, send.event("ann"), {"type": "event"}]}

    first, second = (client.post("/v1/events", json=batch) for _ in range(2))

    reason = "Object missing required field `id`"
    assert first.status_code == second.status_code == 202
    assert first.json() == {
        "accepted": 2,
        "duplicates": 0,
        "refused": [{"index": 2, "reason": reason}],
    }
    assert second.json()["duplicates"] == 2
    assert len(service.export("ann")["events"]) == 2


def test_a_public_key_sends_events_and_enrols_nobody(
    service: Service, stranger: TestClient, send: Any, clock: Any
) -> None:
    batch = {"sent_at": clock(), "events": [send.exposure("ann")]}

    answer = stranger.post("/v1/events", json=batch, headers=bearer(service, Role.PUBLIC)).json()

    assert answer["accepted"] == 0
    assert answer["refused"] == [{"index": 0, "reason": "exposures need a server key"}]


@pytest.mark.parametrize(
    ("agent", "is_counted"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0", True),
        ("Shop/3.2 (https://shop.example) okhttp/4.9", True),
        ("Mozilla/5.0 (compatible; Examplebot/2.1; +http://www.example.com/bot.html)", False),
        ("examplebot", False),
    ],
)
def test_crawlers_with_a_public_key_are_not_counted(
    service: Service, stranger: TestClient, send: Any, clock: Any, agent: str, is_counted: bool
) -> None:
    headers = bearer(service, Role.PUBLIC) | {"User-Agent": agent}
    batch = {"sent_at": clock(), "events": [send.reward(service)]}

    answer = stranger.post("/v1/events", json=batch, headers=headers).json()

    refused = [] if is_counted else [{"index": 0, "reason": "crawlers are not counted"}]
    assert answer == {"accepted": int(is_counted), "duplicates": 0, "refused": refused}


def test_browsers_of_one_network_reach_so_many_goals_and_no_more(
    service: Service, send: Any, clock: Any
) -> None:
    headers = bearer(service, Role.PUBLIC)
    events = [send.reward(service, f"view-{i}") for i in range(60)]
    batch = {"sent_at": clock(), "events": events}
    elsewhere = {"sent_at": clock(), "events": [send.reward(service, "view-60")]}

    app = create_app(service)
    with TestClient(app, client=("50.1.2.3", 1), headers=headers) as browser:
        first = browser.post("/v1/events", json=batch).json()
        other = TestClient(app, client=("50.1.3.3", 1), headers=headers)
        second = other.post("/v1/events", json=elsewhere).json()

    reason = "the sender's network has reached too many goals today"
    assert (first["accepted"], second["accepted"]) == (50, 1)
    assert first["refused"] == [{"index": i, "reason": reason} for i in range(50, 60)]


def test_a_sender_whose_clock_is_wrong_is_told_of_in_the_log(
    client: TestClient, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for minutes in (4, 6):
        client.post("/v1/events", json={"sent_at": clock() + minutes * 60_000, "events": []})

    assert [record.message for record in caplog.records if record.name == "byleave.server"] == [
        "a sender's clock is wrong"
    ]


def test_at_most_five_hundred_events_are_taken_at_once(client: TestClient, clock: Any) -> None:
    response = client.post("/v1/events", json={"sent_at": clock(), "events": [0] * 501})

    assert response.status_code == 422


def test_the_snapshot_is_sent_once_for_each_version(
    client: TestClient, service: Service, clock: Any
) -> None:
    first = client.get("/v1/snapshot")
    seen = {"If-None-Match": first.headers["etag"]}
    unchanged = client.get("/v1/snapshot", headers=seen)
    service.tick(clock.advance(days=1))
    changed = client.get("/v1/snapshot", headers=seen)

    assert load_snapshot(first.json()) != load_snapshot(changed.json())
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert load_snapshot(changed.json()) == service.published.snapshot


def test_decisions_carry_the_state_of_a_visitor(client: TestClient, clock: Any) -> None:
    question = {"visitor": "visitor-1", "consent": CONSENT, "slots": ["hero"]}
    first = client.post("/v1/decide", json=question).json()
    clock.advance(days=1)
    second = client.post("/v1/decide", json=question | {"state": first["state"]}).json()

    assert first["version"] == {"generation": 1, "number": 1}
    assert first["decisions"]["hero"]["reason"] == "assigned"
    assert second["decisions"]["hero"]["reason"] == "sticky"
    assert second["decisions"]["hero"]["arm"] == first["decisions"]["hero"]["arm"]


def test_a_site_may_keep_the_state_itself(client: TestClient, clock: Any) -> None:
    sticky = {"arm": "calm", "allocation": "welcome.1.1.0", "assigned_at_ms": clock()}
    state = {"assignments": {"sticky": {"welcome.1": sticky}}}
    question = {"visitor": "visitor-1", "consent": CONSENT, "slots": ["hero"], "state": state}

    decided = client.post("/v1/decide", json=question).json()

    assert decided["decisions"]["hero"]["arm"] == "calm"
    assert decided["decisions"]["hero"]["reason"] == "sticky"


@pytest.mark.parametrize("state", ["", "forged", "{}", None])
def test_a_state_that_is_not_ours_counts_for_nothing(client: TestClient, state: str | None) -> None:
    question = {"visitor": "visitor-1", "consent": CONSENT, "slots": ["hero"], "state": state}

    decided = client.post("/v1/decide", json=question).json()

    assert decided["decisions"]["hero"]["reason"] == "assigned"


def test_the_state_of_one_visitor_is_worth_nothing_to_another(client: TestClient) -> None:
    question = {"visitor": "visitor-1", "consent": CONSENT, "slots": ["hero"]}
    state = client.post("/v1/decide", json=question).json()["state"]

    decided = client.post("/v1/decide", json=question | {"visitor": "v2", "state": state}).json()

    assert decided["decisions"]["hero"]["reason"] == "assigned"


def test_without_consent_nothing_is_decided_or_kept(client: TestClient) -> None:
    agreed = {"visitor": "visitor-1", "consent": CONSENT, "slots": ["hero"]}
    state = client.post("/v1/decide", json=agreed).json()["state"]

    question = {"visitor": "visitor-1", "slots": ["hero"], "state": state}
    decided = client.post("/v1/decide", json=question).json()

    assert decided["decisions"]["hero"] == {"slot": "hero"}
    assert "welcome.1" in state
    assert "welcome.1" not in decided["state"]


def test_a_withdrawal_erases_and_says_so(client: TestClient, service: Service, send: Any) -> None:
    service.ingest([send.exposure("ann")])
    body = {"choices": {"personalisation": "denied"}, "source": "cookie", "at": 1}

    response = client.put("/v1/consent/ann", json=body)

    assert response.json() == {"recorded": True, "is_erased": True}
    assert client.get("/v1/visitors/ann").json()["events"] == []


def test_a_visitor_can_be_seen_and_forgotten(
    client: TestClient, service: Service, send: Any
) -> None:
    service.ingest([send.exposure("ann")])

    seen = client.get("/v1/visitors/ann").json()
    forgotten = [client.delete("/v1/visitors/ann") for _ in range(2)]

    assert [event["type"] for event in seen["events"]] == ["exposure"]
    assert [response.status_code for response in forgotten] == [204, 204]
    assert client.get("/v1/visitors/ann").json()["is_erased"]


@pytest.mark.parametrize("visitor", ["a%20b", "v" * 129, "%00"])
def test_an_id_that_cannot_be_one_is_refused(client: TestClient, visitor: str) -> None:
    assert client.get(f"/v1/visitors/{visitor}").status_code == 422


def test_results_are_json_without_a_number_that_json_lacks(client: TestClient) -> None:
    response = client.get("/v1/experiments/welcome/results")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    results = json.loads(response.text, parse_constant=refuse)
    assert results["run"] == "welcome.1"
    assert results["report"]["status"] == "Collecting"


def test_results_of_an_unknown_experiment_are_not_found(client: TestClient) -> None:
    assert client.get("/v1/experiments/other/results").status_code == 404


def test_a_service_without_definitions_is_alive_and_not_ready(
    open_service: Callable[..., Service], send: Any, clock: Any
) -> None:
    service = open_service()
    client = TestClient(create_app(service), headers=bearer(service))
    batch = {"sent_at": clock(), "events": [send.event("ann")]}

    ready = client.get("/readyz")
    answers = [client.get("/v1/snapshot"), client.post("/v1/events", json=batch)]

    assert client.get("/livez").json() == {"status": "alive"}
    assert ready.status_code == 503
    assert "no definitions are published" in ready.json()["detail"]
    assert [(a.status_code, a.headers["retry-after"]) for a in answers] == [(503, "5")] * 2


def test_a_store_that_cannot_be_written_makes_the_service_unready(
    client: TestClient, service: Service
) -> None:
    with service.storage.writing() as connection:
        connection.exec_driver_sql("DROP TABLE sites")

    response = client.get("/readyz")

    assert response.status_code == 503
    assert "the store cannot be written" in response.json()["detail"]


def test_a_service_that_can_do_its_work_is_ready(client: TestClient) -> None:
    assert client.get("/readyz").json() == {"status": "ready"}


def test_a_store_that_fails_is_told_as_a_problem_and_nothing_is_acknowledged(
    service: Service, client: TestClient, send: Any, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with service.storage.writing() as connection:
        connection.exec_driver_sql("DROP TABLE events")
    batch = {"sent_at": clock(), "events": [send.event("visitor-canary")]}

    response = client.post("/v1/events", json=batch)

    assert response.status_code == 503
    assert response.json()["detail"] == "the store cannot be used now; try again"
    assert "canary" not in caplog.text


def test_a_full_queue_asks_for_patience(service: Service, send: Any, clock: Any) -> None:
    service.ingestion = type(service.ingestion)(lambda events: [], capacity=0)
    service.ingestion.start()
    client = TestClient(create_app(service), headers=bearer(service))

    response = client.post("/v1/events", json={"sent_at": clock(), "events": [send.event("ann")]})

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")


def test_an_unexpected_failure_tells_nothing_of_itself(
    service: Service, stranger: TestClient
) -> None:
    headers = bearer(service)
    service.published.decider.__dict__.clear()

    response = stranger.post(
        "/v1/decide", json={"slots": ["hero"], "visitor": "v", "consent": CONSENT}, headers=headers
    )

    assert response.status_code == 500
    assert response.json()["detail"] == "the server failed; its log says why"


def test_the_application_works_in_the_background_and_closes_the_service(
    service: Service, send: Any, clock: Any, open_service: Callable[..., Service]
) -> None:
    headers = bearer(service)
    clock.advance(days=1)
    batch = {"sent_at": clock(), "events": [send.exposure("ann"), send.event("ann")]}

    with TestClient(create_app(service, background=True), headers=headers) as client:
        answer = client.post("/v1/events", json=batch)
    again = open_service()

    assert answer.status_code == 202
    assert len(again.export("ann")["events"]) == 2
    assert again.published.snapshot.runs["welcome"].allocations[0].id == "welcome.1.2.0"


def test_definitions_with_faults_never_reach_the_store(
    service: Service, define: Callable[..., Definitions]
) -> None:
    with pytest.raises(ValueError, match="unknown slot"):
        service.publish(define(slot="nowhere"), reason="", author="")
