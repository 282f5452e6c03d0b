"""Other systems over HTTP: what they tell of visitors, and how they ask to be told."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.server.conftest import START_MS
from tests.server.test_attributes import SHOP

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server.app import create_app
from byleave.server.keys import Role
from byleave.server.service import Service

CANARY = "canary5c1e"
NDJSON = {"Content-Type": "application/x-ndjson"}
CSV = {"Content-Type": "text/csv; charset=utf-8"}


@pytest.fixture
def shop(open_service: Callable[..., Service]) -> Service:
    service = open_service()
    service.publish(read(Definitions, SHOP), reason="first", author="tests")
    return service


@pytest.fixture
def client(shop: Service) -> Iterator[TestClient]:
    headers = {"Authorization": f"Bearer {shop.create_key(Role.SERVER)}"}
    with TestClient(create_app(shop), headers=headers) as client:
        yield client


def known(client: TestClient, visitor: str = "ann") -> dict[str, Any]:
    attributes = client.get(f"/v1/visitors/{visitor}").json()["attributes"]
    return {name: each["value"] for name, each in attributes.items()}


def test_attributes_of_one_visitor_are_kept_by_when_they_were_observed(client: TestClient) -> None:
    newer = {"observed_at": START_MS, "attributes": {"seats": 12, "tags": ["a"]}}
    older = {"observed_at": START_MS - 1, "attributes": {"seats": 9, "is_partner": True}}

    answers = [client.patch("/v1/visitors/ann", json=each) for each in (newer, older)]

    assert [answer.json() for answer in answers] == [{"visitor": "ann"}] * 2
    assert known(client) == {"seats": 12, "tags": ["a"], "is_partner": True}


@pytest.mark.parametrize(
    "change",
    [
        {"attributes": {"seats": 1}},
        {"observed_at": START_MS, "attributes": {"seats": CANARY}},
        {"observed_at": START_MS, "attributes": {CANARY: 1}},
        {"observed_at": START_MS, "attributes": {"industry": CANARY}},
        {"observed_at": START_MS, "attributes": {"seats": {}}},
        {"observed_at": CANARY},
        {"same_as": "not an id"},
        {CANARY: 1},
    ],
)
def test_a_change_that_cannot_be_made_is_told_without_being_quoted(
    client: TestClient, change: dict[str, Any]
) -> None:
    answer = client.patch("/v1/visitors/ann", json=change)

    assert answer.status_code == 422
    assert CANARY not in answer.text
    assert known(client) == {}


def test_two_ids_become_one_person_and_the_erased_stay_erased(
    client: TestClient, shop: Service, send: Any
) -> None:
    shop.ingest([send.event("phone")])

    merged = client.patch("/v1/visitors/ann", json={"same_as": "phone"})
    assert merged.json() == {"visitor": "ann"}
    assert client.get("/v1/visitors/phone").json()["other_ids"] == ["phone"]

    client.delete("/v1/visitors/phone")
    told = {"observed_at": START_MS, "attributes": {"seats": 1}}
    assert client.patch("/v1/visitors/ann", json=told).status_code == 410
    assert client.patch("/v1/visitors/bob", json={"same_as": "ann"}).status_code == 410


def test_many_visitors_are_told_of_by_lines_of_json(client: TestClient) -> None:
    lines = [
        {"visitor": f"v{n}", "observed_at": START_MS, "attributes": {"seats": n}}
        for n in range(1_200)
    ]
    lines[700]["attributes"] = {"seats": CANARY}
    lines[3]["attributes"] = {CANARY: 3}
    body = "\n".join(map(json.dumps, lines)) + f"\n{CANARY}\n"

    answer = client.post("/v1/attributes", content=body, headers=NDJSON)

    told = answer.json()
    assert (told["taken"], told["refused"]) == (1_198, 3)
    assert [each["line"] for each in told["reasons"]] == [4, 701, 1_201]
    assert CANARY not in answer.text
    assert known(client, "v1199") == {"seats": 1_199}


def test_many_visitors_are_told_of_by_a_table(client: TestClient) -> None:
    table = f"visitor,observed_at,seats,is_partner\nann,{START_MS},3,true\nbob,{START_MS},x,\n"

    answer = client.post("/v1/attributes", content=table, headers=CSV)

    assert answer.json()["taken"] == 1
    assert answer.json()["reasons"] == [
        {"line": 3, "reason": "expected attribute 'seats' to be a number"}
    ]
    assert known(client) == {"seats": 3.0, "is_partner": True}


@pytest.mark.parametrize("end", [b'ann,1,"x\n', b"\n" * 20_001])
def test_of_a_table_that_is_refused_nothing_is_kept(client: TestClient, end: bytes) -> None:
    line = f"ann,{START_MS},3\n".encode()

    answer = client.post(
        "/v1/attributes", content=b"visitor,observed_at,seats\n" + line * 600 + end, headers=CSV
    )

    assert answer.status_code in (400, 422)
    assert known(client) == {}


def test_a_body_of_another_kind_is_refused(client: TestClient) -> None:
    for headers in ({}, {"Content-Type": "application/json"}):
        assert client.post("/v1/attributes", content="{}", headers=headers).status_code == 415
    assert client.post("/v1/attributes", content=b"\xff", headers=CSV).status_code == 400
    many = b"\n" * 20_001
    assert client.post("/v1/attributes", content=many, headers=NDJSON).status_code == 422


def test_a_webhook_is_kept_listed_without_its_secret_and_forgotten(client: TestClient) -> None:
    wanted = {"url": "https://crm.example/hook", "topics": ["goal:*"], "use": "analytics"}

    secret = client.put("/v1/webhooks/crm", json=wanted).json()["secret"]
    listed = client.get("/v1/webhooks")
    retried = client.post("/v1/webhooks/crm/retry")
    gone = client.delete("/v1/webhooks/crm")
    again = client.delete("/v1/webhooks/crm")

    assert secret.startswith("whsec_")
    assert secret not in listed.text
    assert listed.json() == {"webhooks": [{"webhook": "crm", **wanted, "waiting": 0, "aside": 0}]}
    assert retried.json() == {"messages": 0}
    assert (gone.status_code, again.status_code) == (204, 404)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("crm", {"url": "ftp://crm.example/", "topics": ["goal:*"]}),
        ("crm", {"url": "https://a:b@crm.example/", "topics": ["goal:*"]}),
        ("crm", {"url": "https://crm.example/", "topics": ["visitor:*"]}),
        ("crm", {"url": "https://crm.example/", "topics": ["goal:bought\n"]}),
        ("crm", {"url": "https://crm.example/", "topics": []}),
        ("crm", {"url": "https://crm.example/", "topics": ["goal:*"], "use": "all"}),
        ("CRM!", {"url": "https://crm.example/", "topics": ["goal:*"]}),
    ],
)
def test_a_webhook_that_cannot_be_is_refused(
    client: TestClient, name: str, wanted: dict[str, Any]
) -> None:
    assert client.put(f"/v1/webhooks/{name}", json=wanted).status_code == 422
    assert client.get("/v1/webhooks").json() == {"webhooks": []}


def test_no_key_that_may_stand_in_a_page_is_told_a_segment(shop: Service, send: Any) -> None:
    headers = {"Authorization": f"Bearer {shop.create_key(Role.PUBLIC)}"}
    sent = {"sent_at": START_MS, "events": [send.event("ann")]}
    with TestClient(create_app(shop), headers=headers) as page:
        answers = [page.get("/v1/visitors/ann"), page.get("/v1/webhooks"), page.get("/v1/snapshot")]
        events = page.post("/v1/events", json=sent)

    assert {answer.status_code for answer in answers} == {403}
    assert set(events.json()) == {"accepted", "duplicates", "refused"}


def test_what_proves_a_choice_is_kept_with_it(client: TestClient) -> None:
    choice = {
        "choices": {"personalisation": "granted", "analytics": "granted"},
        "source": "tcf",
        "at": START_MS,
        "notice": {"address": "https://shop.example/privacy", "version": "3", "language": "en"},
        "place": "DE",
        "method": "banner",
        "signals": {"euconsent-v2": "CP"},
    }

    client.put("/v1/consent/ann", json=choice)

    [record] = client.get("/v1/visitors/ann").json()["consent"]
    assert record["event"]["signals"] == {"euconsent-v2": "CP"}
    assert record["pii_processing"]["jurisdiction"] == "DE"
