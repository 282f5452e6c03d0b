"""A request is answered the same whether or not a router stands between."""

from contextlib import ExitStack
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from byleave.server.app import create_app
from byleave.server.deciding import DecideRequest
from byleave.server.keys import Role
from byleave.server.service import Service

ASKED = [
    ("POST", "/v1/decide", b'{"slots": ["hero"]}'),
    ("POST", "/v1/decide", b'{"slots": []}'),
    ("POST", "/v1/decide", b'{"slots": 1'),
    ("POST", "/v1/decide", b" " * 65_537),
    ("GET", "/v1/decide", b""),
    ("GET", "/v1/snapshot", b""),
    ("HEAD", "/v1/snapshot", b""),
    ("GET", "/livez", b""),
]


@pytest.mark.parametrize("role", [None, Role.PUBLIC, Role.SERVER])
@pytest.mark.parametrize(("method", "path", "body"), ASKED)
def test_a_router_in_between_changes_no_answer(
    service: Service, method: str, path: str, body: bytes, role: Role | None
) -> None:
    app = create_app(service)
    headers = {} if role is None else {"Authorization": f"Bearer {service.create_key(role)}"}
    direct = TestClient(app, headers=headers)
    routed = TestClient(Starlette(routes=[Mount("/inside", app)]), headers=headers)

    given = direct.request(method, path, content=body)
    found = routed.request(method, f"/inside{path}", content=body)

    assert (given.status_code, given.headers) == (found.status_code, found.headers)
    if given.status_code != 200 or path != "/v1/decide":
        assert given.content == found.content


def test_what_nobody_expected_is_told_and_goes_on_to_the_log(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_service: Service, _request: DecideRequest) -> Any:
        raise LookupError("nobody expected this")

    monkeypatch.setattr(Service, "decide", fail)
    headers = {"Authorization": f"Bearer {service.create_key(Role.SERVER)}"}
    app = create_app(service)

    with pytest.raises(LookupError):
        TestClient(app, headers=headers).post("/v1/decide", json={"slots": ["hero"]})
    told = TestClient(app, headers=headers, raise_server_exceptions=False).post(
        "/v1/decide", json={"slots": ["hero"]}
    )

    assert told.status_code == 500
    assert told.headers["content-type"] == "application/problem+json"
    assert "nobody expected" not in told.text
    assert b'route="POST /v1/decide",status="500"' in app.state.metrics.text()


def test_a_store_that_too_many_read_is_one_that_cannot_be_used_now(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"Authorization": f"Bearer {service.create_key(Role.SERVER)}"}
    client = TestClient(create_app(service), headers=headers)
    monkeypatch.setattr(service.storage._readers.pool, "_timeout", 0.01)
    with ExitStack() as others:
        for _ in range(5):
            others.enter_context(service.storage.reading())
        refused = client.get("/v1/visitors/ann")

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "5"
    assert client.get("/v1/visitors/ann").status_code == 200
