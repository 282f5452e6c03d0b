"""A plan: whose object is whose, what changes, and whom the audiences win and lose."""

import copy
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from starlette.testclient import TestClient

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server.app import create_app
from byleave.server.attributes import Observation
from byleave.server.errors import ManagedError
from byleave.server.keys import Role
from byleave.server.managing import Claim, Manager
from byleave.server.service import Service

from .conftest import DEFINITIONS, Clock, Sender

HOUR_MS = 3_600_000
BOTH = ["personalisation", "analytics"]
FILES = Claim(by=Manager.FILES)
CONSOLE = Claim(by=Manager.CONSOLE)


def shop(looks: int, hours: int, seats: int, **more: Any) -> dict[str, Any]:
    """A site whose segments are as narrow as one says."""
    welcome = DEFINITIONS["experiments"]["welcome"]
    unless = [{"segment": "big", "if_undetermined": "show"}]
    return copy.deepcopy(DEFINITIONS) | {
        "events": {"look": {"purposes": BOTH, "ttl": "40h"}, **DEFINITIONS["events"]},
        "attributes": {
            "seats": {"type": "number", "source": "server", "purposes": BOTH, "ttl": "90d"},
            **DEFINITIONS["attributes"],
        },
        "segments": {
            **DEFINITIONS["segments"],
            "often": {
                "when": {"event": "look", "count": {"at_least": looks}, "within": f"{hours}h"}
            },
            "big": {"when": {"attribute": "seats", "at_least": seats}},
        },
        "experiments": {"welcome": welcome | {"audience": "often", "unless": unless}},
        **more,
    }


@pytest.fixture
def site(open_service: Callable[..., Service]) -> Service:
    service = open_service()
    service.publish(read(Definitions, shop(2, 24, 5)), reason="first", author="tests")
    return service


@pytest.fixture
def editor(site: Service) -> Iterator[TestClient]:
    headers = {"Authorization": f"Bearer {site.create_key(Role.MARKETER)}"}
    with TestClient(create_app(site), headers=headers) as client:
        yield client


def plan(editor: TestClient, definitions: Any, **more: Any) -> Any:
    body = {"definitions": definitions, "managed": "files", **more}
    answer = editor.post("/v1/definitions/plan", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_audiences_win_and_lose_whom_a_recount_says(
    site: Service, editor: TestClient, clock: Clock, send: Sender
) -> None:
    draw, known, past = Random(7), 0, list[tuple[list[int], int | None]]()
    start_ms = clock()
    clock.advance(hours=30)
    for number in range(400):
        visitor, uses = f"v{number:03}", draw.choice([BOTH, BOTH, ["analytics"]])
        looks = [start_ms + draw.randrange(30 * HOUR_MS) for _ in range(draw.randrange(6))]
        seats = draw.choice([None, None, *range(9)])
        site.ingest([send.event(visitor, "look", at=at, uses=uses) for at in sorted(looks)])
        if seats is not None:
            seen = Observation(visitor=visitor, observed_ms=start_ms, values={"seats": seats})
            site.observe([seen])
        known += bool(looks) or seats is not None
        past.append((looks, seats) if uses == BOTH and looks else ([], None))

    def inside(looks: int, hours: int, seats: int) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {"segments.often": set(), "segments.big": set()}
        for number, (times, held) in enumerate(past):
            recent = [at for at in times if at > clock() - hours * HOUR_MS]
            if len(recent) >= looks:
                found["segments.often"].add(number)
            if held is not None and held >= seats:
                found["segments.big"].add(number)
        found["experiments.welcome"] = found["segments.often"] - found["segments.big"]
        return found

    planned = plan(editor, shop(1, 14, 3), audience=True)["audience"]

    before, after = inside(2, 24, 5), inside(1, 14, 3)
    assert planned["is_whole"]
    assert planned["judged"] == known
    assert {each["place"]: each for each in planned["changes"]} == {
        place: {
            "place": place,
            "now": len(before[place]),
            "entering": len(after[place] - before[place]),
            "leaving": len(before[place] - after[place]),
            "why_not": None,
        }
        for place in before
    }
    assert all(len(after[p] - before[p]) >= 10 for p in before)


def test_few_are_not_told_and_what_the_server_cannot_judge_is_said(
    site: Service, editor: TestClient, send: Sender
) -> None:
    site.ingest([send.event("ann", "look"), send.event("ann", "look")])
    wanted = shop(1, 24, 5)
    wanted["segments"]["customers"] = {"when": {"attribute": "is_customer", "equals": False}}

    audience = plan(editor, wanted, audience=True)["audience"]
    unasked = plan(editor, wanted)["audience"]

    told = {each["place"]: each for each in audience["changes"]}
    assert unasked is None
    assert audience["judged"] is None
    assert told["segments.often"]["now"] is None
    assert "only the site knows" in told["segments.customers"]["why_not"]
    assert told.keys() == {"experiments.welcome", "segments.customers", "segments.often"}


def test_what_appears_is_for_nobody_before_and_what_goes_for_nobody_after(
    site: Service, editor: TestClient, send: Sender
) -> None:
    for number in range(12):
        site.ingest([send.event(f"v{number}", "look") for _ in range(2)])
    wanted = shop(2, 24, 5, experiments={})
    wanted["segments"]["once"] = {"when": {"event": "look"}}
    del wanted["segments"]["often"]

    told = plan(editor, wanted, audience=True)["audience"]["changes"]

    assert [(c["place"], c["now"], c["entering"], c["leaving"]) for c in told] == [
        ("experiments.welcome", 12, 0, 12),
        ("segments.often", 12, 0, 12),
        ("segments.once", 0, 12, 0),
    ]


def test_an_experiment_for_everybody_counts_those_who_agreed_to_both(
    site: Service, editor: TestClient, send: Sender
) -> None:
    for number in range(20):
        site.ingest([send.event(f"v{number}", "look", uses=BOTH[: 1 + number % 2])])
    wanted = shop(2, 24, 5, experiments=DEFINITIONS["experiments"])

    told = plan(editor, wanted, audience=True)["audience"]["changes"]

    assert [(c["place"], c["entering"]) for c in told] == [("experiments.welcome", 10)]


def test_a_plan_says_what_becomes_of_each_object(editor: TestClient) -> None:
    wanted = shop(2, 24, 5, holdout=0.1)
    wanted["segments"]["new"] = {"when": {"event": "look"}}
    del wanted["goals"]["orders"]
    wanted["experiments"]["welcome"] |= {"goals": {"primary": "signup"}, "traffic": 0.5}

    planned = plan(editor, wanted)

    told = {each["place"]: (each["change"], each["ends_run"]) for each in planned["objects"]}
    assert told["segments.new"] == ("added", False)
    assert told["goals.orders"] == ("removed", False)
    assert told["experiments.welcome"] == ("changed", True)
    assert told["site"] == ("changed", False)
    assert told["segments.often"] == ("claimed", False)
    assert planned["version"] == "1.1"


def test_files_leave_alone_what_the_console_manages(site: Service, editor: TestClient) -> None:
    made = shop(2, 24, 5)
    made["segments"]["mine"] = {"when": {"event": "look"}}
    made["segments"]["often"]["title"] = "Often"
    site.publish(read(Definitions, made), reason="x", author="mia", claim=CONSOLE)
    pushed = shop(3, 24, 9)

    planned = plan(editor, pushed)
    body = {"definitions": pushed, "reason": "push", "managed": "files", "revision": "abc"}
    answer = editor.post("/v1/definitions", json=body, headers={"If-Match": "*"}).json()

    assert [each["path"] for each in planned["left"]] == [
        ["segments", "mine"],
        ["segments", "often"],
    ]
    assert "segments.often" not in {each["place"] for each in planned["objects"]}
    assert answer["definitions"]["segments"]["often"]["title"] == "Often"
    assert answer["definitions"]["segments"]["big"]["when"]["at_least"] == 9
    assert answer["managed"]["segments.mine"] == answer["managed"]["segments.often"] == "console"
    assert answer["managed"]["segments.big"] == answer["managed"]["site"] == "files"
    assert plan(editor, pushed)["objects"] == []


def test_objects_change_hands_when_a_push_says_so(site: Service, editor: TestClient) -> None:
    made = shop(3, 24, 5)
    site.publish(read(Definitions, made), reason="x", author="mia", claim=CONSOLE)
    pushed = shop(4, 24, 9)

    taken = plan(editor, pushed, take=["segments.often"], leave=["segments.big"])
    site.publish(
        read(Definitions, pushed),
        reason="x",
        author="ci",
        claim=Claim(by=Manager.FILES, take=("all",), leave=("segments.big",)),
    )

    told = {each["place"]: each for each in taken["objects"]}
    definitions = editor.get("/v1/definitions").json()
    assert (told["segments.often"]["change"], told["segments.often"]["managed"]) == (
        "changed",
        "files",
    )
    assert (told["segments.big"]["change"], told["segments.big"]["managed"]) == (
        "claimed",
        "console",
    )
    assert definitions["definitions"]["segments"]["often"]["when"]["count"] == {"at_least": 4}
    assert definitions["definitions"]["segments"]["big"]["when"]["at_least"] == 5
    for odd in ("segments.none", "often"):
        body = {"definitions": pushed, "managed": "files", "take": [odd], "reason": "x"}
        refused = editor.post("/v1/definitions", json=body, headers={"If-Match": "*"})
        del body["reason"]
        assert refused.status_code == 422
        assert odd in refused.json()["detail"]
        assert editor.post("/v1/definitions/plan", json=body).status_code == 422


def test_what_files_manage_is_refused_everywhere_else(site: Service, editor: TestClient) -> None:
    definitions = read(Definitions, shop(2, 24, 5))
    site.publish(definitions, reason="x", author="ci", claim=FILES)
    own = shop(2, 24, 5)
    own["segments"]["mine"] = {"when": {"event": "look"}}
    changed = shop(9, 24, 5)
    match = {"If-Match": "*"}

    def post(wanted: Any) -> Any:
        body = {"definitions": wanted, "reason": "x"}
        return editor.post("/v1/definitions", json=body, headers=match)

    added, refused = post(own), post(changed)
    planned = editor.post("/v1/definitions/plan", json={"definitions": changed})
    draft = editor.put("/v1/drafts/x", json={"definitions": {"segments": changed["segments"]}})
    same = editor.put("/v1/drafts/x", json={"definitions": {"segments": {"mine": {}}}})

    assert added.status_code == 200
    assert added.json()["managed"]["segments.mine"] == "console"
    assert [each.status_code for each in (refused, planned, draft)] == [409, 409, 409]
    for each in (refused, planned, draft):
        assert "managed from files: segments.often" in each.json()["detail"]
    assert same.status_code == 200
    with pytest.raises(ManagedError, match="byleave push"):
        site.library.put_draft("x", {"segments": {"often": {}}}, base=1, author="mia")


def test_what_is_undone_in_a_hurry_shows_as_drift(site: Service, editor: TestClient) -> None:
    site.publish(read(Definitions, shop(9, 24, 5)), reason="x", author="ci", claim=FILES)
    clean = editor.get("/v1/definitions").json()["drift"]
    match = {"If-Match": "*"}

    editor.post("/v1/definitions/versions/1.1/restore", json={"reason": "worse"}, headers=match)

    found = editor.get("/v1/definitions").json()
    assert clean == []
    assert found["drift"] == ["segments.often"]
    assert found["managed"]["segments.often"] == "files"
    assert plan(editor, shop(9, 24, 5))["drift"] == ["segments.often"]
    assert "repository has it otherwise:" in editor.get("/console").text
