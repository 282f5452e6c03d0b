"""What a sign-in by a provider leaves behind, and who needs no other: failures, and one session."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.server.identity import (
    ANN,
    BEGIN,
    PASSWORD,
    SIGN_IN,
    Identity,
    begin,
    is_signed_in,
    open_console,
)

from byleave.server.keys import Role
from byleave.server.service import Service


@pytest.fixture
def colleague(service: Service, known: Identity) -> Iterator[TestClient]:
    """Another browser, at the same address of the network."""
    with open_console(service, known) as client:
        yield client


def test_whoever_brings_made_up_codes_has_to_wait(browser: TestClient, known: Identity) -> None:
    known.answers = {"code": "made-up"}
    statuses = [browser.get(begin(browser)).status_code for _ in range(7)]

    assert statuses[:5] == [403] * 5
    assert statuses[-1] == 429


def test_a_page_elsewhere_makes_nobody_wait(
    browser: TestClient, colleague: TestClient, service: Service
) -> None:
    """An image there may lead a browser to where answers of the provider are taken."""
    begin(browser)
    statuses = {browser.get(f"{BEGIN}/back?code=1&state=2").status_code for _ in range(35)}

    assert statuses == {403}
    assert service.people.sign_in(ANN, PASSWORD, source="testclient") is not None
    assert colleague.get(begin(colleague)).status_code == 303


@pytest.mark.parametrize(
    "answers", [{"code": "", "error": "access_denied"}, {"iss": "https://other.example"}], ids=str
)
def test_whoever_gives_up_does_not_wait(
    browser: TestClient, colleague: TestClient, known: Identity, answers: dict[str, str]
) -> None:
    known.answers = answers
    statuses = {browser.get(begin(browser)).status_code for _ in range(7)}
    known.answers = {}

    assert statuses == {403}
    assert colleague.get(begin(colleague)).status_code == 303


@pytest.mark.parametrize(
    "person",
    [
        {"sub": "8", "email": "bob@example.com", "email_verified": True},
        {"sub": "7", "email": ANN, "email_verified": False},
    ],
    ids=["not added", "not verified"],
)
def test_nobody_waits_for_somebody_else_whom_the_provider_knows(
    browser: TestClient, colleague: TestClient, known: Identity, person: dict[str, Any]
) -> None:
    ann, known.person = known.person, person
    statuses = {browser.get(begin(browser)).status_code for _ in range(7)}
    known.person = ann

    assert statuses == {403}
    assert colleague.get(begin(colleague)).status_code == 303


def test_a_sign_in_forgets_the_failures_before_it(
    browser: TestClient, colleague: TestClient, known: Identity
) -> None:
    statuses = []
    for _ in range(3):
        known.answers = {"code": "made-up"}
        statuses += [browser.get(begin(browser)).status_code for _ in range(4)]
        known.answers = {}
        statuses.append(colleague.get(begin(colleague)).status_code)

    assert statuses == [403, 403, 403, 403, 303] * 3


@pytest.mark.parametrize("way", ["password", "provider"])
def test_a_new_sign_in_ends_the_session_before_it(
    browser: TestClient, service: Service, way: str
) -> None:
    browser.get(begin(browser))
    before = browser.cookies["__Host-byleave"]
    answer = (
        browser.post(SIGN_IN, data={"email": ANN, "password": PASSWORD})
        if way == "password"
        else browser.get(begin(browser))
    )

    assert answer.status_code == 303
    assert browser.cookies["__Host-byleave"] != before
    assert is_signed_in(browser)
    assert service.people.of_session(before) is None


def test_whoever_is_added_without_a_password_signs_in_by_the_provider_alone(
    browser: TestClient, service: Service
) -> None:
    service.people.put("root@example.com", Role.ADMIN, PASSWORD, author="tests")
    service.people.remove(ANN, author="tests")
    browser.post(SIGN_IN, data={"email": "root@example.com", "password": PASSWORD})
    page = browser.get("/console/people").text
    token = re.findall(r'name="token" value="(\w+)"', page)[0]

    browser.post("/console/people", data={"token": token, "email": ANN, "role": "admin"})

    assert [(each.email, each.has_password) for each in service.people.all()] == [
        (ANN, False),
        ("root@example.com", True),
    ]
    shown = browser.get("/console/people").text
    assert "<td>password, or 127.0.0.1</td>" in shown
    assert "<td>127.0.0.1</td>" in shown
    browser.cookies.clear()
    browser.get(begin(browser))
    assert is_signed_in(browser)
