"""People, keys, sites and the history, as the console shows and changes them."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from byleave.experiments import Definitions
from byleave.server.app import create_app
from byleave.server.keys import Role
from byleave.server.service import Service
from byleave.server.times import LAST_MS

PASSWORD = "correct horse battery"  # noqa: S105 (nobody's)
PEOPLE, KEYS, HISTORY = "/console/people", "/console/keys", "/console/history"


@pytest.fixture
def admin(service: Service) -> TestClient:
    """A browser in which an admin is signed in by a password."""
    service.people.put("root@example.com", Role.ADMIN, PASSWORD, author="tests")
    client = TestClient(create_app(service))
    client.post("/console/sign-in", data={"email": "root@example.com", "password": PASSWORD})
    return client


@pytest.fixture
def send(admin: TestClient) -> Callable[..., str]:
    """Sends a form as the browser does, with the token of a page."""

    def post(path: str, *, status: int = 200, **values: str) -> str:
        page = admin.get("/console").text
        [token] = set(re.findall(r'name="token" value="(\w+)"', page))
        answer = admin.post(path, data={"token": token, **values})
        assert answer.status_code == status
        return answer.text

    return post


def test_a_person_is_added_and_taken_away_once_that_is_confirmed(
    send: Callable[..., str], service: Service
) -> None:
    added = send(PEOPLE, email="Ann@example.com", role="viewer", password=PASSWORD)
    asked = send(f"{PEOPLE}/remove", remove="ann@example.com")
    still = [person.email for person in service.people.all()]
    gone = send(f"{PEOPLE}/remove", remove="ann@example.com", sure="yes")

    assert "ann@example.com" in added
    assert "their sessions end at once" in asked
    assert "ann@example.com" in still
    assert "ann@example.com" not in gone


def test_a_page_of_an_earlier_session_is_told_as_one(admin: TestClient) -> None:
    [token] = set(re.findall(r'name="token" value="(\w+)"', admin.get("/console").text))
    admin.post("/console/sign-in", data={"email": "root@example.com", "password": PASSWORD})
    answer = admin.post(PEOPLE, data={"token": token, "email": "ann@example.com"})

    assert answer.status_code == 403
    assert "This page is of an earlier session" in answer.text


@pytest.mark.parametrize("is_signed_in", [True, False])
def test_what_was_typed_is_told_where_the_session_ended_meanwhile(
    admin: TestClient, is_signed_in: bool
) -> None:
    typed = {
        "token": "f" * 32,
        "title": "An <b>hour</b>\nof work",
        "password": PASSWORD,
        "do": "save",
    }
    if not is_signed_in:
        admin.cookies.clear()

    answer = admin.post(PEOPLE, data=typed)
    foreign = admin.post(PEOPLE, data=typed, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == foreign.status_code == 403
    assert "An &lt;b&gt;hour&lt;/b&gt;\nof work</td>" in answer.text
    assert ('href="/console/sign-in"' in answer.text) == (not is_signed_in)
    assert answer.text.count('<th scope="row"') == 1
    assert PASSWORD not in answer.text
    assert typed["token"] not in answer.text
    assert "of work" not in foreign.text


def test_who_is_signed_out_is_told_so_whatever_they_send(admin: TestClient) -> None:
    admin.cookies.clear()

    answer = admin.post("/console/images", files={"file": ("large.png", b"0" * 500_000)})

    assert answer.status_code == 403
    assert "You are signed out" in answer.text
    assert "What you typed" not in answer.text


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"email": "nobody"}, "Expected an address"),
        ({"email": "root@example.com"}, "one admin has to stay"),
        ({"role": "server"}, "Choose one of the roles."),
        ({"password": "short"}, "Expected 12 to 256 characters"),
    ],
)
def test_a_person_who_cannot_be_kept_is_told_of_beside_the_field(
    changed: dict[str, str], fault: str, send: Callable[..., str]
) -> None:
    sound = {"email": "ann@example.com", "role": "viewer", "password": PASSWORD}

    assert fault in send(PEOPLE, status=422, **sound | changed)


def test_another_role_needs_no_password_but_a_new_person_does(
    send: Callable[..., str], service: Service
) -> None:
    service.people.put("ann@example.com", Role.VIEWER, PASSWORD, author="tests")

    send(PEOPLE, email="Ann@example.com", role="analyst", password="")
    nobody = send(PEOPLE, status=422, email="bob@example.com", role="analyst", password="")

    assert [(each.email, each.role) for each in service.people.all()] == [
        ("ann@example.com", Role.ANALYST),
        ("root@example.com", Role.ADMIN),
    ]
    assert service.people.sign_in("ann@example.com", PASSWORD, source="tests") is not None
    assert "Expected 12 to 256 characters" in nobody


@pytest.mark.parametrize("email", ["root@example.com", "nobody@example.com"])
def test_the_last_admin_stays_and_nobody_else_can_be_removed(
    email: str, send: Callable[..., str], service: Service
) -> None:
    send(f"{PEOPLE}/remove", status=422, remove=email, sure="yes")

    assert [person.email for person in service.people.all()] == ["root@example.com"]


def test_a_key_is_shown_once_ends_and_is_taken_away(
    send: Callable[..., str], admin: TestClient, service: Service
) -> None:
    made = send(KEYS, role="server", days="30")
    [key] = re.findall(r"byleave_server_\w+", made)
    [stored] = service.keys.of("shop")
    ending = send(f"{KEYS}/end", name=stored.name, when="tomorrow")
    asked = send(f"{KEYS}/end", name=stored.name, when="now")
    [ends] = service.keys.of("shop")
    send(f"{KEYS}/end", name=stored.name, sure="yes")

    assert service.keys.find(key, "shop") is None
    assert key not in ending + admin.get(KEYS).text
    assert "is refused from the next request on" in asked
    assert ends.expires_ms == service.clock() + 86_400_000
    assert service.keys.of("shop") == []
    assert "no such key any more" in send(f"{KEYS}/end", status=422, name="x", when="tomorrow")


def test_the_key_of_receipts_is_rotated_and_never_shown(
    send: Callable[..., str], admin: TestClient, service: Service
) -> None:
    before = admin.get(KEYS).text
    rotated = send(f"{KEYS}/receipts")

    keys = service.published.snapshot.receipt_keys
    assert "accepted until" not in before
    assert "accepted until" in rotated
    assert len(keys) == 2
    assert all(key.key not in rotated for key in keys)


def test_a_stolen_key_of_receipts_is_revoked_once_that_is_sure(
    send: Callable[..., str], service: Service
) -> None:
    [stolen] = service.published.snapshot.receipt_keys
    asked = send(f"{KEYS}/receipts", when="now")
    [kept] = service.published.snapshot.receipt_keys
    revoked = send(f"{KEYS}/receipts", sure="yes")
    [left] = service.published.snapshot.receipt_keys

    assert "what was signed before counts no more" in asked
    assert kept == stolen
    assert left.key != stolen.key
    assert "accepted until" not in revoked


def test_a_key_of_no_role_is_not_made(send: Callable[..., str], service: Service) -> None:
    send(KEYS, status=422, role="king", days="")
    send(KEYS, status=422, role="server", days="7000")

    assert service.keys.of("shop") == []


def test_the_history_shows_what_changed_and_brings_it_back(
    send: Callable[..., str], admin: TestClient, service: Service, definitions: Definitions
) -> None:
    service.publish(replace(definitions, experiments={}), reason="clear", author="tests")
    changed = admin.get(f"{HISTORY}/1.2").text
    old = admin.get(f"{HISTORY}/1.1").text
    restored = send(f"{HISTORY}/1.1/restore", expected="1.2", reason="it was better")

    assert "welcome" in changed
    assert "Bring this version back" not in changed
    assert "Bring this version back" in old
    assert "back to 1.1: it was better" in restored
    assert service.published.snapshot.definitions == definitions
    assert admin.get(f"{HISTORY}/7.7").status_code == 404


def test_bringing_back_needs_a_reason_and_nobody_who_was_faster(
    send: Callable[..., str], service: Service, definitions: Definitions
) -> None:
    service.publish(replace(definitions, experiments={}), reason="clear", author="tests")

    send(f"{HISTORY}/1.1/restore", status=422, expected="1.2", reason="")
    assert "Somebody published meanwhile" in send(
        f"{HISTORY}/1.1/restore", status=409, expected="1.1", reason="late"
    )


def test_the_site_says_what_is_in_force_and_who_else_is_in_the_store(
    admin: TestClient, service: Service, open_service: Callable[..., Service]
) -> None:
    page = admin.get("/console/site").text

    assert "1.1" in page
    assert "shop" in page
    assert "not published from files" in page


def test_the_navigation_leads_only_to_what_opens(service: Service, admin: TestClient) -> None:
    viewer = TestClient(create_app(service))
    viewer.headers["Authorization"] = f"Bearer {service.create_key(Role.VIEWER)}"

    assert f'href="{PEOPLE}"' in admin.get("/console").text
    assert f'href="{PEOPLE}"' not in viewer.get("/console").text


@pytest.mark.parametrize("expires_ms", [LAST_MS, LAST_MS + 1])
def test_a_key_ends_in_no_year_that_no_calendar_has(
    expires_ms: int, service: Service, admin: TestClient
) -> None:
    headers = {"Authorization": f"Bearer {service.create_key(Role.ADMIN)}"}
    client = TestClient(create_app(service), headers=headers)
    admin.cookies.set("byleave_display", "zone=Pacific/Kiritimati")

    made = client.post("/v1/keys", json={"role": "public", "expires_ms": expires_ms})

    assert made.status_code == (201 if expires_ms == LAST_MS else 422)
    shown = admin.get(KEYS)
    assert shown.status_code == 200
    assert ("9999" in shown.text) is (expires_ms == LAST_MS)  # it is tomorrow in Kiribati
