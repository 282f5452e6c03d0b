"""Publishing over HTTP: with a reason, against the version that was seen, and back again."""

import asyncio
import copy
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from starlette.testclient import TestClient

from byleave.segments import read
from byleave.server.app import create_app
from byleave.server.keys import Role
from byleave.server.routes import definitions as routes
from byleave.server.service import Service

from .conftest import DEFINITIONS

PATH = "/v1/definitions"


@pytest.fixture
def editor(service: Service) -> Iterator[TestClient]:
    headers = {"Authorization": f"Bearer {service.create_key(Role.MARKETER)}"}
    with TestClient(create_app(service), headers=headers) as client:
        yield client


def with_holdout(share: float) -> dict[str, Any]:
    return copy.deepcopy(DEFINITIONS) | {"holdout": share}


def publish(editor: TestClient, definitions: Any, *, seen: str = "*", **more: Any) -> Any:
    body = {"definitions": definitions, "reason": "because", **more}
    return editor.post(PATH, json=body, headers={"If-Match": seen})


def test_a_set_is_published_against_the_version_that_was_seen(
    editor: TestClient, service: Service
) -> None:
    seen = editor.get(PATH).headers["etag"]

    first = publish(editor, with_holdout(0.1), seen=seen, revision="abc123")
    second = publish(editor, with_holdout(0.2), seen=seen)

    assert first.status_code == 200
    assert first.json()["revision"] == "abc123"
    assert first.json()["author"].startswith("marketer_")
    assert second.status_code == 412
    assert first.headers["etag"] == editor.get(PATH).headers["etag"] != seen
    assert service.published.snapshot.definitions.holdout == 0.1


def test_a_set_without_a_version_a_reason_or_sense_is_refused(editor: TestClient) -> None:
    blind = editor.post(PATH, json={"definitions": DEFINITIONS, "reason": "because"})
    silent = publish(editor, DEFINITIONS, reason="")
    faulty = publish(editor, with_holdout(7))
    foreign = publish(editor, DEFINITIONS | {"site": "other"})

    assert [a.status_code for a in (blind, silent, faulty, foreign)] == [428, 422, 422, 422]
    assert faulty.json()["faults"][0]["path"] == ["holdout"]
    assert foreign.json()["faults"][0]["path"] == ["site"]


def test_an_old_version_comes_back_as_a_new_one(editor: TestClient, service: Service) -> None:
    old = editor.get(PATH).json()["version"]
    publish(editor, with_holdout(0.1))

    back = editor.post(
        f"{PATH}/versions/{old}/restore", json={"reason": "worse"}, headers={"If-Match": "*"}
    )

    assert back.json()["reason"] == f"back to {old}: worse"
    assert back.json()["version"] != old
    assert back.json()["definitions"] == editor.get(f"{PATH}/versions/{old}").json()["definitions"]
    assert len(editor.get(f"{PATH}/versions").json()["versions"]) == 3
    assert service.published.snapshot.definitions.holdout == 0.05


def test_any_two_versions_are_compared(editor: TestClient) -> None:
    for share in (0.1, 0.2):
        publish(editor, with_holdout(share))
    first, _, last = reversed(editor.get(f"{PATH}/versions").json()["versions"])
    names = (first["version"], last["version"])

    forth, back, none = (
        editor.get(f"{PATH}/versions/{a}/diff/{b}").json()["changes"]
        for a, b in (names, names[::-1], (names[0], names[0]))
    )

    assert forth == [{"path": ["holdout"], "before": "5%", "after": "20%"}]
    assert back == [{"path": ["holdout"], "before": "20%", "after": "5%"}]
    assert none == []
    for a, b in ((names[0], "9.9"), ("9.9", names[0]), ("x", names[0])):
        assert editor.get(f"{PATH}/versions/{a}/diff/{b}").status_code == 404


def test_a_plan_tells_what_would_change_and_changes_nothing(editor: TestClient) -> None:
    wanted = with_holdout(0.1)
    wanted["experiments"]["welcome"]["variants"]["new"] = {"template": "new.html"}
    before = editor.get(PATH).json()

    changes = editor.post(f"{PATH}/plan", json={"definitions": wanted}).json()["changes"]
    nothing = editor.post(f"{PATH}/plan", json={"definitions": DEFINITIONS}).json()["changes"]

    assert [each["path"] for each in changes] == [
        ["experiments", "welcome", "variants", "new"],
        ["holdout"],
    ]
    assert (changes[1]["before"], changes[1]["after"]) == ("5%", "10%")
    assert nothing == []
    assert editor.get(PATH).json() == before


def test_drafts_are_kept_faults_and_all(editor: TestClient) -> None:
    wrong = {"site": "shop", "nonsense": 1}

    for definitions in ({}, wrong):
        body = {"definitions": definitions}
        kept = editor.put("/v1/drafts/spring", json=body, headers={"If-Match": "*"})
        assert kept.status_code == 200
    [draft] = editor.get("/v1/drafts").json()["drafts"]
    gone, again = (editor.delete("/v1/drafts/spring") for _ in range(2))

    assert draft["definitions"] == wrong
    assert (gone.status_code, again.status_code) == (204, 404)
    assert editor.put(f"/v1/drafts/{'x' * 101}", json={"definitions": {}}).status_code == 422


def test_a_draft_that_was_written_meanwhile_is_neither_replaced_nor_thrown_away(
    editor: TestClient,
) -> None:
    path = "/v1/drafts/spring"

    def put(holdout: float, **headers: str) -> Any:
        return editor.put(path, json={"definitions": {"holdout": holdout}}, headers=headers)

    def kept() -> Any:
        [draft] = editor.get("/v1/drafts").json()["drafts"]
        return draft

    first, second = put(0.1), put(0.2)
    seen = {"If-Match": first.headers["ETag"]}
    hers, mine = put(0.3, **seen), put(0.4, **seen)
    thrown = editor.delete(path, headers=seen)
    left = kept()

    assert [each.status_code for each in (first, second, hers, mine, thrown)] == [
        200,
        428,
        200,
        412,
        412,
    ]
    assert left["definitions"] == {"holdout": 0.3}
    assert hers.headers["ETag"] == f'"{left["state"]}"'
    assert put(0.5, **{"If-Match": left["state"]}).status_code == 200
    assert editor.delete(path, headers={"If-Match": kept()["state"]}).status_code == 204
    assert put(0.6, **seen).status_code == 412


def test_who_changed_what_is_told_page_by_page(editor: TestClient, service: Service) -> None:
    publish(editor, with_holdout(0.1))
    editor.put("/v1/drafts/spring", json={"definitions": {}})

    newest, *_ = entries = editor.get("/v1/audit").json()["entries"]
    older = editor.get("/v1/audit", params={"before": newest["number"]}).json()["entries"]

    assert newest["action"] == "draft.put"
    assert older == entries[1:]
    assert older[0]["action"] == "definitions.published"
    assert older[0]["reason"] == "because"
    assert editor.get("/v1/audit", params={"before": "x"}).status_code == 422


def test_versions_that_are_none_are_not_there(editor: TestClient) -> None:
    for version in ("1", "1.99", "x.y", "1.2.3", "9" * 40 + ".1", "\N{ARABIC-INDIC DIGIT ONE}.1"):
        assert editor.get(f"{PATH}/versions/{version}").status_code == 404
        restore = editor.post(f"{PATH}/versions/{version}/restore", json={"reason": "x"})
        assert restore.status_code == 404


def test_people_and_keys_are_looked_after_over_http(service: Service) -> None:
    headers = {"Authorization": f"Bearer {service.create_key(Role.ADMIN)}"}
    person = {"role": "admin", "password": "correct horse battery"}
    with TestClient(create_app(service), headers=headers) as admin:
        put = admin.put("/v1/people/ann@example.com", json=person)
        odd = admin.put("/v1/people/ann", json=person)
        changed = admin.patch("/v1/people/ann@example.com", json={"role": "admin"})
        fewer = admin.patch("/v1/people/ann@example.com", json={"role": "viewer"})
        nobody = admin.patch("/v1/people/bob@example.com", json={"role": "viewer"})
        kept = admin.delete("/v1/people/ann@example.com")
        unknown = admin.delete("/v1/people/bob@example.com")
        made = admin.post("/v1/keys", json={"role": "public", "expires_ms": service.clock() + 1})
        name = made.json()["name"]
        listed = admin.get("/v1/keys").json()["keys"][-1]["name"]
        ended = admin.post(f"/v1/keys/{name}/end", json={"at_ms": service.clock()})
        dropped, again = (admin.delete(f"/v1/keys/{name}") for _ in range(2))

        assert [put.status_code, odd.status_code] == [200, 422]
        assert [each.status_code for each in (changed, fewer, nobody)] == [200, 409, 404]
        assert [kept.status_code, unknown.status_code] == [409, 404]
        assert made.status_code == 201
        assert name == listed
        assert service.keys.find(made.json()["key"], "shop") is None
        assert [ended.status_code, dropped.status_code, again.status_code] == [200, 204, 404]
        assert [p["email"] for p in admin.get("/v1/people").json()["people"]] == ["ann@example.com"]
        told = admin.get("/v1/people").text
        assert "correct horse" not in told
        assert "argon2" not in told


@pytest.mark.parametrize("path", [PATH, f"{PATH}/plan"])
def test_no_decision_waits_while_a_set_is_read(
    editor: TestClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """A set of two megabytes takes most of a second."""
    held_up = []

    def noted(kind: type[Any], data: Any) -> Any:
        with suppress(RuntimeError):  # there is no loop in this thread
            held_up.append(asyncio.get_running_loop())
        return read(kind, data)

    monkeypatch.setattr(routes, "read", noted)
    body: dict[str, Any] = {"definitions": with_holdout(0.1)}
    body |= {"reason": "because"} if path == PATH else {}

    answer = editor.post(path, json=body, headers={"If-Match": "*"})

    assert answer.status_code == 200
    assert held_up == []
