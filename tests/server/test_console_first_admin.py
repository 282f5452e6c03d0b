"""Somebody has to be first: the link that the server prints makes one admin, once."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from byleave.server.app import create_app
from byleave.server.errors import ForbiddenError
from byleave.server.keys import Role
from byleave.server.links import first_admin_link, results_link
from byleave.server.service import Service

from .conftest import Clock

HOUR_MS = 3_600_000
PATH = "/console/first-admin"
PHRASE = "correct horse battery"


@pytest.fixture
def send(service: Service, clock: Clock) -> Callable[..., tuple[int, str]]:
    """Sends the form with the link of an hour, and tells the status and the page."""
    browser = TestClient(create_app(service), follow_redirects=False)
    link = first_admin_link(service.site, expires_ms=clock() + HOUR_MS)

    def post(**changed: str) -> tuple[int, str]:
        sent = {"email": "ann@example.com", "password": PHRASE, "again": PHRASE}
        leave = {"leave": link.partition("leave=")[2]}
        answer = browser.post(PATH, data={**sent, **leave, **changed})
        return answer.status_code, answer.text

    return post


def test_the_link_makes_one_admin_and_only_one(
    service: Service, clock: Clock, send: Callable[..., tuple[int, str]]
) -> None:
    link = first_admin_link(service.site, expires_ms=clock() + HOUR_MS)
    browser = TestClient(create_app(service))
    shown = browser.get(link)

    first, second = send()[0], send(email="bob@example.com")[0]

    assert shown.status_code == 200
    assert "Make the first admin" in shown.text
    assert (first, second) == (303, 410)
    assert browser.get(link).status_code == 410
    assert [(p.email, p.role) for p in service.people.all()] == [("ann@example.com", Role.ADMIN)]
    assert service.people.sign_in("ann@example.com", PHRASE, source="tests") is not None
    with pytest.raises(ForbiddenError, match="first admin already"):
        service.people.put("eve@example.com", Role.ADMIN, PHRASE, author="x", is_first=True)


def test_whoever_made_the_first_admin_is_told_so(service: Service, clock: Clock) -> None:
    link = first_admin_link(service.site, expires_ms=clock() + HOUR_MS)
    browser = TestClient(create_app(service))
    sent = {"email": "ann@example.com", "password": PHRASE, "again": PHRASE}

    told = browser.post(PATH, data=sent | {"leave": link.partition("leave=")[2]})
    later = browser.get("/console/sign-in")

    assert (told.status_code, told.url.path) == (200, "/console/sign-in")
    assert "The first admin is made." in told.text
    assert "The first admin is made." not in later.text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"email": "ann"}, "Expected an address"),
        ({"password": "short", "again": "short"}, "12 to 256 characters"),
        ({"again": "correct horse"}, "The two passwords differ"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(
    changed: dict[str, str], said: str, service: Service, send: Callable[..., tuple[int, str]]
) -> None:
    status, page = send(**changed)

    assert status == 422
    assert said in page
    assert PHRASE not in page
    assert service.people.all() == []


def test_a_link_that_is_over_or_another_one_opens_nothing(
    service: Service, clock: Clock, send: Callable[..., tuple[int, str]]
) -> None:
    other = results_link(service.site, "welcome", expires_ms=clock() + HOUR_MS)

    assert send(leave=other.partition("leave=")[2])[0] == 410
    assert send(leave="")[0] == 410
    clock.advance(hours=1)
    assert send()[0] == 410
    assert service.people.all() == []
