"""Who may do what: every route of the API and the console, tried by nine principals."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server.access import READERS, Principal
from byleave.server.app import create_app
from byleave.server.console.pages import PAGES
from byleave.server.keys import Role
from byleave.server.people import PEOPLES_ROLES, People
from byleave.server.routes import ROUTES
from byleave.server.service import Service
from byleave.server.sites import Site

from .conftest import DEFINITIONS, Clock

PASSWORD = "correct horse battery"  # noqa: S105 (nobody's)
COOKIE = "byleave_session"
#: Pages below also open by a signed link, so that they check by themselves who asks.
BY_LINK = "/results/{key}"
KEYS = {"public key": Role.PUBLIC, "server key": Role.SERVER}
PRINCIPALS = ("nobody", *KEYS, "expired key", *PEOPLES_ROLES, "another site's admin")
GUARDED: list[Any] = [*ROUTES, *PAGES]


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Service]:
    """A site with somebody of each role, in a store that has another site, too."""
    store: Path = tmp_path_factory.mktemp("permissions") / "byleave.db"
    other = Service(store, site="other", clock=clock)
    other.people.put("root@example.com", Role.ADMIN, PASSWORD, author="tests")
    other.close()
    service = Service(store, site="shop", clock=clock)
    service.publish(read(Definitions, DEFINITIONS), reason="first", author="tests")
    for role in PEOPLES_ROLES:
        service.people.put(f"{role}@example.com", role, PASSWORD, author="tests")
    yield service
    service.close()


@pytest.fixture(scope="module")
def others_session(service: Service) -> str:
    """A session of somebody who may do everything at the other site, and nothing here."""
    other = People(
        service.storage,
        Site("other", is_simulated=False, secret=bytes(32)),
        clock=service.clock,
    )
    return other.sign_in("root@example.com", PASSWORD, source="tests") or ""


@pytest.fixture(scope="module")
def bring(service: Service, others_session: str, clock: Clock) -> Any:
    """Returns the headers by which each principal is known."""
    headers: dict[str, dict[str, str]] = {"nobody": {}}
    for name, role in KEYS.items():
        headers[name] = {"Authorization": f"Bearer {service.create_key(role)}"}
    over = service.keys.create(Role.ADMIN, expires_ms=clock(), author="tests")
    headers["expired key"] = {"Authorization": f"Bearer {over}"}
    headers["another site's admin"] = {"Cookie": f"{COOKIE}={others_session}"}

    def of(principal: str) -> dict[str, str]:
        cookie = headers.get(principal, {}).get("Cookie", "").removeprefix(f"{COOKIE}=")
        if principal in PEOPLES_ROLES and service.people.of_session(cookie) is None:
            signed_in = service.people.sign_in(f"{principal}@example.com", PASSWORD, source="tests")
            headers[principal] = {"Cookie": f"{COOKIE}={signed_in}"}
        return headers[principal]

    return of


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(
        create_app(service), raise_server_exceptions=False, follow_redirects=False
    ) as client:
        yield client


@pytest.mark.parametrize("principal", PRINCIPALS)
@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_opens_to_those_it_declares_and_to_nobody_else(
    client: TestClient, bring: Any, route: Any, principal: str
) -> None:
    role = KEYS.get(principal) or next((r for r in PEOPLES_ROLES if r == principal), None)
    roles = READERS if route.path.startswith(BY_LINK) else route.roles
    headers = dict(bring(principal))
    if principal in PEOPLES_ROLES:
        headers["X-Byleave-Token"] = token_of(headers["Cookie"].partition("=")[2])

    answer = client.request(route.method, path_of(route), headers=headers)

    if roles is None or role in roles:
        assert answer.status_code < 500 or answer.status_code == 503
        assert refusal(answer, route) is None
    elif principal == "another site's admin" and not route.path.startswith(BY_LINK):
        assert refusal(answer, route) == 404
    elif role is None and route in ROUTES:
        assert refusal(answer, route) == 401
    elif principal == "nobody" and route.method == "GET" and not route.path.startswith(BY_LINK):
        assert refusal(answer, route) == 303
    else:
        assert refusal(answer, route) == 403


NAMES = {
    "draft": "welcome",
    "segment": "customers",
    "arm": "bold",
    "version": "1.1",
    "email": "zoe@example.com",
    "name": "public_0",
    "image": f"{'0' * 64}.png",
}


def path_of(route: Any) -> str:
    names = {"key": "welcome", "visitor": "ann", "webhook": "crm", "file": "arms.csv"}
    names |= {"other": "1.1"}
    path: str = route.path.format_map(names | NAMES)
    return path


def refusal(answer: Any, route: Any) -> int | None:
    """Return by which status a caller was turned away; None for one who was let in."""
    status: int = answer.status_code
    if status == 303:
        is_sent = answer.headers["location"].startswith("/console/sign-in?next=")
        return status if is_sent else None
    if status == 404:
        is_generic = "There is no such page" in answer.text or (
            route in ROUTES
            and "Not Found" in (answer.json().get("detail"), answer.json().get("errorDetails"))
        )
        return status if is_generic else None
    return status if status in (401, 403) else None


def token_of(session: str) -> str:
    return Principal(site="shop", role=Role.ADMIN, name="", session=session).token


STATE_CHANGES = [
    route for route in GUARDED if route.method != "GET" and Role.ADMIN in (route.roles or ())
]
FORGERIES = {
    "a form of another site": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    "a form of a neighbouring host": {"Sec-Fetch-Site": "same-site"},
    "an old browser": {"Origin": "https://evil.example"},
    "a sandboxed frame": {"Origin": "null"},
    "no token": {},
    "another session's token": {"X-Byleave-Token": token_of("another")},
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("route", STATE_CHANGES, ids=lambda route: f"{route.method} {route.path}")
def test_a_browser_cannot_be_made_to_change_anything(
    client: TestClient, bring: Any, route: Any, forgery: str
) -> None:
    cookie = bring(Role.ADMIN)["Cookie"]
    token = {"X-Byleave-Token": token_of(cookie.partition("=")[2])}
    known = {} if "token" in forgery else token

    answer = client.request(
        route.method, path_of(route), headers={"Cookie": cookie, **known, **FORGERIES[forgery]}
    )

    assert answer.status_code == 403
    assert bring(Role.ADMIN)["Cookie"] == cookie  # the session was not ended either
