"""OpenFeature's Remote Evaluation Protocol: what a context may say, and what is answered."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from byleave.experiments import Definitions
from byleave.segments import Choice, Purpose, read
from byleave.server.app import create_app
from byleave.server.consents import StatedChoice
from byleave.server.keys import Role
from byleave.server.routes import ofrep
from byleave.server.service import Service

from .conftest import DEFINITIONS, Clock, Sender

FLAGS = "/ofrep/v1/evaluate/flags"
GRANTED = {"personalisation": "granted", "analytics": "granted"}

SHOP: dict[str, Any] = DEFINITIONS | {
    "holdout": 0,
    "regions": {"default": "opt-in", "US": "opt-out"},
    "attributes": DEFINITIONS["attributes"]
    | {
        "country": {"type": "string", "source": "request"},
        "plan": {
            "type": "string",
            "source": "site",
            "purposes": ["personalisation", "analytics"],
            "ttl": "session",
        },
        "industry": {
            "type": "string",
            "source": "server",
            "purposes": ["personalisation", "analytics"],
            "ttl": "180d",
        },
    },
    "slots": {"hero": {"kind": "content"}, "banner": {"kind": "data"}, "empty": {"kind": "data"}},
    "segments": {
        "pros": {"when": {"attribute": "plan", "equals": "pro"}},
        "makers": {"when": {"attribute": "industry", "equals": "making"}},
        "newcomers": {"when": {"none": [{"event": "sign_up"}]}},
    },
    "experiments": {
        "welcome": {
            **DEFINITIONS["experiments"]["welcome"],
            "report_by": ["pros"],
        },
        "banner": {
            "slot": "banner",
            "audience": "pros",
            "allocate": {
                "policy": "fixed",
                "goal": "signup",
                "shares": {"control": 0.0001, "on": 0.9999},
            },
            "goals": {"primary": "signup"},
            "variants": {"control": "site", "on": {"data": {"text": "Hello"}}},
        },
    },
}


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is not what is tested here."""
    monkeypatch.setattr(ofrep, "RECALL_S", 10)


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


def asked(visitor: str = "ann", **context: Any) -> dict[str, Any]:
    return {"context": {"targetingKey": visitor, "consent": GRANTED, **context}}


def evaluated(client: TestClient, flag: str, visitor: str = "ann", **context: Any) -> Any:
    answer = client.post(f"{FLAGS}/{flag}", json=asked(visitor, **context))
    assert answer.status_code == 200, answer.text
    return answer.json()


def exposure_of(told: Any, send: Sender, clock: Clock, visitor: str) -> dict[str, Any]:
    """The exposure that a caller sends of what it was told, as the how-to says."""
    found = told["metadata"]
    return {
        "id": send.id(),
        "type": "exposure",
        "at": clock(),
        "visitor": visitor,
        "experiment": found["experiment"],
        "run": found["run"],
        "allocation": found.get("allocation"),
        "arm": found["arm"],
        "assigned_at": found.get("assigned_at", clock()),
        "groups": [each for each in found.get("groups", "").split(",") if each],
    }


def test_a_flag_is_a_slot_and_its_value_what_the_slot_shows(client: TestClient) -> None:
    banner = evaluated(client, "banner", plan="pro")
    heroes = {visitor: evaluated(client, "hero", visitor) for visitor in ("ann", "bob", "cat")}

    assert banner["value"] == {"text": "Hello"}
    assert (banner["variant"], banner["reason"]) == ("on", "SPLIT")
    assert banner["metadata"]["propensity"] == pytest.approx(0.9999)
    assert len(banner["metadata"]["decision"]) == 32
    for told in heroes.values():
        assert told.get("value", "control") == told["variant"] == told["metadata"]["arm"]
        assert 0 < told["metadata"]["propensity"] < 1
    decisions = {told["metadata"]["decision"] for told in heroes.values()}
    assert len(decisions) == 3


def test_what_nothing_is_decided_for_is_left_to_the_caller_s_own_default(
    client: TestClient,
) -> None:
    told = [evaluated(client, "empty"), evaluated(client, "banner", plan="free")]

    assert [each["reason"] for each in told] == ["UNKNOWN"] * 2
    assert all("value" not in each and "decision" not in each["metadata"] for each in told)


def test_all_flags_are_evaluated_as_each_by_itself_but_for_who_is_in_a_segment(
    client: TestClient,
) -> None:
    body = asked(plan="pro")

    bulk = client.post(FLAGS, json=body).json()["flags"]
    single = [client.post(f"{FLAGS}/{each['key']}", json=body).json() for each in bulk]

    assert [each["key"] for each in bulk] == sorted(SHOP["slots"])
    assert single[2]["metadata"].pop("groups") == "pros"
    assert bulk == single


def test_an_evaluation_counts_nothing_and_the_exposure_does(
    client: TestClient, shop: Service, clock: Clock, send: Sender
) -> None:
    told = evaluated(client, "hero", plan="pro")
    before = shop.export("ann")
    exposure = exposure_of(told, send, clock, "ann")

    answer = client.post("/v1/events", json={"sent_at": clock(), "events": [exposure]})

    assert (before["events"], before["enrolments"]) == ([], [])
    assert answer.json()["accepted"] == 1
    [enrolment] = shop.export("ann")["enrolments"]
    assert (enrolment["arm"], enrolment["groups"]) == (told["metadata"]["arm"], ["pros"])


def test_a_visitor_keeps_their_arm_under_each_of_their_ids(
    client: TestClient, shop: Service, clock: Clock, send: Sender
) -> None:
    visitors = [f"visitor-{number}" for number in range(12)]
    first = {visitor: evaluated(client, "hero", visitor) for visitor in visitors}
    events = [exposure_of(first[visitor], send, clock, visitor) for visitor in visitors]
    client.post("/v1/events", json={"sent_at": clock(), "events": events})
    shop.merge("visitor-0", "another")
    clock.advance(days=2)
    assert shop.tick(clock())

    again = {visitor: evaluated(client, "hero", visitor) for visitor in [*visitors, "another"]}

    for visitor in visitors:
        assert again[visitor]["variant"] == first[visitor]["variant"]
        assert again[visitor]["metadata"]["allocation"] == first[visitor]["metadata"]["allocation"]
        assert again[visitor]["metadata"]["assigned_at"] == events[0]["assigned_at"]
    assert again["another"]["variant"] == first["visitor-0"]["variant"]


def test_what_a_visitor_did_and_what_others_know_of_them_counts(
    client: TestClient, shop: Service, clock: Clock, send: Sender
) -> None:
    shop.publish(
        read(
            Definitions,
            SHOP
            | {
                "experiments": {
                    key: SHOP["experiments"]["banner"] | {"slot": slot, "audience": audience}
                    for key, slot, audience in (
                        ("new", "banner", "newcomers"),
                        ("make", "empty", "makers"),
                    )
                }
            },
        ),
        reason="others",
        author="tests",
    )
    client.post("/v1/events", json={"sent_at": clock(), "events": [send.event("ann")]})
    body = {"observed_at": clock(), "attributes": {"industry": "making"}}
    client.patch("/v1/visitors/ann", json=body)

    shown = {
        visitor: [evaluated(client, flag, visitor).get("value") for flag in ("banner", "empty")]
        for visitor in ("ann", "bob")
    }
    claimed = evaluated(client, "empty", "bob", industry="making")

    assert shown == {"ann": [None, {"text": "Hello"}], "bob": [{"text": "Hello"}, None]}
    assert "value" not in claimed


def test_an_exposure_of_the_store_counts_against_a_cap(
    client: TestClient, shop: Service, clock: Clock, send: Sender
) -> None:
    capped = SHOP["experiments"]["banner"] | {"cap": {"exposures": 1, "within": "1d"}}
    changed = SHOP | {"experiments": {"banner": capped}}
    shop.publish(read(Definitions, changed), reason="capped", author="tests")
    first = evaluated(client, "banner", plan="pro")
    events = [exposure_of(first, send, clock, "ann")]
    client.post("/v1/events", json={"sent_at": clock(), "events": events})

    second = evaluated(client, "banner", plan="pro")
    clock.advance(days=1.1)
    third = evaluated(client, "banner", plan="pro")

    assert [each.get("value") for each in (first, second, third)] == [
        {"text": "Hello"},
        None,
        {"text": "Hello"},
    ]


CONSENT = st.dictionaries(st.sampled_from(list(Purpose)), st.sampled_from(list(Choice)))
VALUES = st.one_of(st.text(max_size=5), st.booleans(), st.integers(), st.sampled_from(["pro"]))


def test_what_may_not_be_read_changes_no_byte_of_the_answer(client: TestClient) -> None:
    @given(consent=CONSENT, plan=VALUES, other=VALUES, unknown=VALUES)
    @settings(
        max_examples=60,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    def holds(consent: Any, plan: Any, other: Any, unknown: Any) -> None:
        may_read = all(consent.get(purpose) is Choice.GRANTED for purpose in GRANTED)
        context = {"targetingKey": "ann", "consent": consent}
        one = {"context": context | {"plan": plan}}
        two = {"context": context | {"plan": plan if may_read else other, "unheard-of": unknown}}

        answers = [client.post(FLAGS, json=each) for each in (one, two)]

        assert answers[0].content == answers[1].content
        assert may_read or not any("value" in each for each in answers[0].json()["flags"])

    holds()


def test_what_was_refused_stays_refused_whatever_a_caller_says(
    client: TestClient, shop: Service, clock: Clock
) -> None:
    def state(visitor: str, **choices: Choice) -> None:
        by = {Purpose(name): choice for name, choice in choices.items()}
        shop.record_consent(visitor, StatedChoice(choices=by, source="banner", at=clock()))

    state("withdrew", personalisation=Choice.DENIED, analytics=Choice.GRANTED)
    state("agreed", personalisation=Choice.GRANTED, analytics=Choice.GRANTED)

    said = evaluated(client, "banner", "withdrew", plan="pro")
    unsaid = evaluated(client, "banner", "agreed", plan="pro", consent={})
    nothing = evaluated(client, "banner", "stranger", plan="pro", consent={})
    opted_out = evaluated(client, "banner", "stranger", plan="pro", consent={}, region="US")

    assert "value" not in said
    assert "value" not in nothing
    assert unsaid["value"] == opted_out["value"] == {"text": "Hello"}


def test_nothing_new_is_304_for_the_same_context_only(
    client: TestClient, shop: Service, clock: Clock
) -> None:
    def answer(etag: str, **context: Any) -> tuple[int, str]:
        given = client.post(FLAGS, json=asked(**context), headers={"If-None-Match": etag})
        assert bool(given.content) == (given.status_code == 200)
        return given.status_code, given.headers["etag"]

    _, first = answer('"none"', plan="pro")
    clock.advance(hours=0.01)

    assert answer(first, plan="pro") == (304, first)
    assert answer(f'"other", W/{first}', plan="pro") == (304, first)
    assert answer("*", plan="pro") == (200, first)
    assert answer(first, plan="free")[0] == 200
    assert answer(first, visitor="bob", plan="pro")[0] == 200
    shop.publish(read(Definitions, SHOP | {"experiments": {}}), reason="end", author="tests")
    assert answer(first, plan="pro")[0] == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "PARSE_ERROR"),
        (b'{"context": NaN}', "PARSE_ERROR"),
        (b"[" * 100, "PARSE_ERROR"),
        (b"{}", "INVALID_CONTEXT"),
        (b"[]", "INVALID_CONTEXT"),
        (b'{"context": []}', "INVALID_CONTEXT"),
        (b'{"context": {}}', "TARGETING_KEY_MISSING"),
        (b'{"context": {"targetingKey": ""}}', "TARGETING_KEY_MISSING"),
        (b'{"context": {"targetingKey": "canary 5c1e"}}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": 5}}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": "a", "region": 5}}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": "a", "consent": "canary"}}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": "a", "consent": {"canary": "granted"}}}', None),
        (b'{"context": {"targetingKey": "a", "x": "%s"}}' % (b"y" * 70_000), "GENERAL"),
    ],
)
def test_what_is_wrong_is_told_in_the_protocol_s_words(
    client: TestClient, body: bytes, code: str | None
) -> None:
    answers = [client.post(path, content=body) for path in (FLAGS, f"{FLAGS}/hero")]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert [answer.json()["errorCode"] for answer in answers] == [code or "INVALID_CONTEXT"] * 2
    assert [answer.json().get("key") for answer in answers] == [None, "hero"]
    assert not any("canary" in answer.text for answer in answers)


def test_an_unknown_flag_and_data_that_no_flag_can_be_are_told(
    client: TestClient, shop: Service
) -> None:
    listed = deepcopy(SHOP)
    listed["experiments"]["banner"]["variants"]["on"] = {"data": ["a", "list"]}
    shop.publish(read(Definitions, listed), reason="a list", author="tests")

    unknown = client.post(f"{FLAGS}/nothing", json=asked())
    single = client.post(f"{FLAGS}/banner", json=asked(plan="pro"))
    bulk = client.post(FLAGS, json=asked(plan="pro")).json()["flags"]

    assert (unknown.status_code, unknown.json()["errorCode"]) == (404, "FLAG_NOT_FOUND")
    assert (single.status_code, single.json()["errorCode"]) == (400, "GENERAL")
    assert bulk[0] == single.json()
    assert "value" in bulk[2] or bulk[2]["variant"] == "control"


def test_somebody_who_is_not_known_in_time_gets_the_site_s_own_content(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ofrep, "RECALL_S", 0)

    told = evaluated(client, "banner", plan="pro")

    assert told == {
        "key": "banner",
        "reason": "UNKNOWN",
        "metadata": {"reason": "not-known-in-time"},
    }


def test_a_store_that_does_not_answer_keeps_no_more_threads_waiting_the_more_ask(
    client: TestClient, shop: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ofrep, "RECALL_S", 0.01)
    before = threading.active_count()
    with ExitStack() as readers:
        for _ in range(5):  # as many as there are
            readers.enter_context(shop.storage.reading())
        told = [evaluated(client, "banner") for _ in range(40)]
        waiting = threading.active_count() - before

    assert {each["reason"] for each in told} == {"UNKNOWN"}
    assert waiting <= 10


def test_before_anything_is_published_there_is_a_time_to_try_again(
    open_service: Callable[..., Service],
) -> None:
    service = open_service("empty.db")
    headers = {"Authorization": f"Bearer {service.create_key(Role.SERVER)}"}

    answer = TestClient(create_app(service), headers=headers).post(FLAGS, json=asked())

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert list(answer.json()) == ["errorDetails"]
