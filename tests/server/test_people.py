"""People: passwords, sessions that end, and guesses that become ever slower."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from byleave.server import schema
from byleave.server.app import create_app
from byleave.server.errors import ForbiddenError, ThrottledError, UnknownNameError
from byleave.server.keys import Role
from byleave.server.people import IDLE_MS, LONGEST_MS
from byleave.server.service import Service

PASSWORD = "correct horse battery"  # noqa: S105 (nobody's)
ANN = "ann@example.com"
HOUR_MS = 3_600_000


@pytest.fixture
def people(service: Service) -> Any:
    service.people.put(ANN, Role.ADMIN, PASSWORD, author="tests")
    return service.people


def sign_in(people: Any, password: str = PASSWORD, source: str = "192.0.2.1") -> str | None:
    session: str | None = people.sign_in(ANN, password, source=source)
    return session


def test_somebody_with_the_password_gets_a_session(people: Any) -> None:
    session = sign_in(people) or ""

    assert people.of_session(session).email == ANN
    assert people.of_session(session).role is Role.ADMIN
    assert people.of_session(session + "0") is None


def test_an_address_is_the_same_in_whatever_case(people: Any) -> None:
    assert people.sign_in(" Ann@Example.COM ", PASSWORD, source="x") is not None


def test_another_role_keeps_the_password_and_ends_the_sessions(
    service: Service, people: Any
) -> None:
    people.put("bob@example.com", Role.ADMIN, PASSWORD, author="tests")
    session = sign_in(people) or ""

    people.assign(" Ann@example.com", Role.VIEWER, author="bob@example.com")

    assert people.of_session(session) is None
    assert people.of_session(sign_in(people) or "").role is Role.VIEWER
    entry = service.library.audit()[0]
    assert (entry.author, entry.action, entry.subject, entry.reason) == (
        "bob@example.com",
        "person.put",
        ANN,
        "viewer",
    )


@pytest.mark.parametrize(
    ("email", "role", "refused"),
    [
        (ANN, Role.VIEWER, ForbiddenError),
        (ANN, Role.SERVER, ForbiddenError),
        ("bob@example.com", Role.ADMIN, UnknownNameError),
    ],
)
def test_a_role_is_not_changed_where_it_cannot_be(
    email: str, role: Role, refused: type[Exception], people: Any
) -> None:
    with pytest.raises(refused):
        people.assign(email, role, author="tests")

    assert [(each.email, each.role) for each in people.all()] == [(ANN, Role.ADMIN)]


def test_a_wrong_password_and_an_unknown_address_get_none(people: Any) -> None:
    assert sign_in(people, "wrong horse battery") is None
    assert people.sign_in("bob@example.com", PASSWORD, source="x") is None
    assert sign_in(people, "a" * 100_000) is None


def test_whoever_has_no_password_signs_in_by_none(service: Service, people: Any) -> None:
    people.put("bob@example.com", Role.ANALYST, None, author="tests")

    assert [people.sign_in("bob@example.com", typed, source="x") for typed in ("", PASSWORD)] == [
        None,
        None,
    ]
    assert {each.email: each.has_password for each in people.all()} == {
        ANN: True,
        "bob@example.com": False,
    }
    assert people.of_session(people.admit("bob@example.com")).role is Role.ANALYST

    people.put(ANN, Role.ADMIN, None, author="tests")

    assert sign_in(people) is None


def test_the_store_holds_neither_passwords_nor_sessions(service: Service, people: Any) -> None:
    session = sign_in(people) or ""

    with service.storage.reading() as connection:
        [person] = connection.execute(select(schema.people)).all()
        kept = str(connection.execute(select(schema.sessions)).all())

    assert person.password_hash.startswith("$argon2id$v=19$m=65536,")
    assert session not in kept
    assert PASSWORD not in str(person)


def test_a_session_ends_when_nobody_uses_it(people: Any, clock: Any) -> None:
    session = sign_in(people)

    clock.now_ms += IDLE_MS - 1
    assert people.of_session(session) is not None
    clock.now_ms += IDLE_MS - 1
    assert people.of_session(session) is not None
    clock.now_ms += IDLE_MS
    assert people.of_session(session) is None


def test_a_session_ends_however_much_it_is_used(people: Any, clock: Any) -> None:
    session, start_ms = sign_in(people), clock.now_ms

    while clock.now_ms < start_ms + LONGEST_MS - HOUR_MS:
        clock.now_ms += HOUR_MS
        assert people.of_session(session) is not None
    clock.now_ms += HOUR_MS

    assert people.of_session(session) is None


def test_signing_out_ends_one_session(people: Any) -> None:
    one, other = sign_in(people), sign_in(people)

    people.sign_out(one)

    assert people.of_session(one) is None
    assert people.of_session(other) is not None


@pytest.mark.parametrize("change", ["password", "removal"])
def test_a_change_of_the_person_ends_their_sessions(people: Any, change: str) -> None:
    session = sign_in(people)
    people.put("bob@example.com", Role.ADMIN, PASSWORD, author=ANN)

    if change == "password":
        people.put(ANN, Role.VIEWER, "another horse battery", author="bob@example.com")
    else:
        people.remove(ANN, author="bob@example.com")

    assert people.of_session(session) is None


@pytest.mark.parametrize(
    ("email", "role", "password"),
    [
        ("ann", Role.ADMIN, PASSWORD),
        ("ann@example.com extra", Role.ADMIN, PASSWORD),
        (ANN, Role.SERVER, PASSWORD),
        (ANN, Role.PUBLIC, PASSWORD),
        (ANN, Role.ADMIN, "short"),
        (ANN, Role.ADMIN, "long" * 100),
    ],
)
def test_what_is_no_person_is_refused(
    service: Service, email: str, role: Role, password: str
) -> None:
    with pytest.raises(ForbiddenError):
        service.people.put(email, role, password, author="tests")


def test_a_site_keeps_its_last_admin(people: Any) -> None:
    with pytest.raises(ForbiddenError, match="last admin"):
        people.remove(ANN, author="tests")
    with pytest.raises(ForbiddenError, match="last admin"):
        people.put(ANN, Role.VIEWER, PASSWORD, author="tests")
    with pytest.raises(UnknownNameError):
        people.remove("bob@example.com", author="tests")
    assert [person.role for person in people.all()] == [Role.ADMIN]


def test_guesses_become_slower_and_others_are_not_locked_out(people: Any, clock: Any) -> None:
    for _ in range(5):
        assert sign_in(people, "wrong horse battery") is None
    with pytest.raises(ThrottledError) as told:
        sign_in(people)  # even the right one, now

    assert told.value.after_s == 1
    assert sign_in(people, source="192.0.2.2") is not None
    clock.now_ms += 1_000
    assert sign_in(people, "wrong horse battery") is None
    with pytest.raises(ThrottledError) as told:
        sign_in(people)
    assert told.value.after_s == 2
    clock.now_ms += 2_000
    assert sign_in(people) is not None
    assert sign_in(people) is not None  # success forgets the failures


@pytest.mark.parametrize("hours", [0.01, 9_000])
def test_failures_on_a_machine_whose_clock_is_ahead_lock_nobody_out(
    people: Any, clock: Any, hours: float
) -> None:
    clock.advance(hours=hours)
    for number in range(5):
        sign_in(people, "wrong horse battery", source=f"192.0.2.{number}")
    clock.advance(hours=-hours)

    assert sign_in(people) is not None


def test_guesses_that_come_at_once_are_no_more_guesses(people: Any) -> None:
    def guess(_: int) -> bool:
        try:
            return sign_in(people, "wrong horse battery") is None
        except ThrottledError:
            return False

    with ThreadPoolExecutor(12) as pool:
        looked_at = sum(pool.map(guess, range(12)))

    assert 5 <= looked_at <= 6  # two are looked at together


def test_a_password_that_was_changed_meanwhile_begins_no_session(people: Any, clock: Any) -> None:
    """The person is read before anything is compared, which takes a while."""
    changes = iter([lambda: people.put(ANN, Role.ADMIN, "another horse battery", author="tests")])

    def changing() -> int:
        next(changes, lambda: None)()
        return int(clock())

    late = type(people)(people._storage, people._site, clock=changing)

    assert sign_in(late) is None
    assert sign_in(people, "another horse battery") is not None


def test_failures_are_counted_together_by_every_process(
    open_service: Callable[..., Service], people: Any
) -> None:
    for _ in range(5):
        sign_in(people, "wrong horse battery")
    again = type(people)(people._storage, people._site, clock=people._clock)

    with pytest.raises(ThrottledError):
        sign_in(again)


@pytest.fixture
def browser(service: Service, people: Any) -> Any:
    with TestClient(create_app(service), base_url="https://shop.example") as client:
        yield client


def test_a_person_signs_in_by_the_form_and_out_again(browser: TestClient) -> None:
    form = {"email": ANN, "password": PASSWORD, "next": "/console/experiments/welcome"}

    entered = browser.post("/console/sign-in", data=form)
    cookie = browser.cookies["__Host-byleave"]
    token = entered.text.partition('name="token" value="')[2].partition('"')[0]
    left = browser.post("/console/sign-out", data={"token": token})

    assert entered.status_code == 200
    assert entered.url.path == "/console/experiments/welcome"
    assert "HttpOnly" in entered.history[0].headers["set-cookie"]
    assert "Secure" in entered.history[0].headers["set-cookie"]
    assert left.url.path == "/console/sign-in"
    assert "__Host-byleave" not in browser.cookies
    again = browser.get(
        "/console/experiments/welcome", headers={"Cookie": f"__Host-byleave={cookie}"}
    )
    assert again.url.path == "/console/sign-in"


def test_a_wrong_password_is_told_on_the_form(browser: TestClient) -> None:
    answers = [
        browser.post("/console/sign-in", data={"email": ANN, "password": "wrong"}) for _ in range(6)
    ]

    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert "do not belong together" in answers[0].text
    assert ANN in answers[0].text
    assert answers[5].headers["retry-after"] == "1"
    assert 'after so many seconds:</a> <span translate="no">1</span>' in answers[5].text


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_signing_in_leads_nowhere_else(browser: TestClient, target: str) -> None:
    form = {"email": ANN, "password": PASSWORD, "next": target}

    answer = browser.post("/console/sign-in", data=form, follow_redirects=False)

    assert answer.headers["location"] == "/console"
