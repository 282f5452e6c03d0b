"""The commands that say who may open a server."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvicorn
from typer.testing import CliRunner

from byleave.experiments import Definitions
from byleave.sdk.middleware import system_clock
from byleave.server.app import create_app
from byleave.server.commands.moments import Instant
from byleave.server.commands.program import program
from byleave.server.keys import Role, StoredKey
from byleave.server.listening import listen, url_of
from byleave.server.service import Service

PHRASE = "correct horse battery"
HOUR_MS = 3_600_000


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command in a folder of its own, with a password for whoever asks."""
    monkeypatch.chdir(tmp_path)
    typed = f"{PHRASE}\n{PHRASE}\n"
    return lambda *arguments: CliRunner().invoke(program, list(arguments), input=typed)


def test_the_first_admin_and_a_key_are_made_before_the_server_runs(
    run: Any, open_service: Any
) -> None:
    added = run("users", "add", "shop", "ann@example.com", "--role", "admin")
    made = run("keys", "create", "shop", "--role", "public")

    service: Service = open_service()
    found = service.keys.find(made.output.strip(), "shop")
    assert (added.exit_code, made.exit_code) == (0, 0)
    assert PHRASE not in added.output
    assert service.people.sign_in("ann@example.com", PHRASE, source="tests") is not None
    assert found is not None
    assert found.role is Role.PUBLIC


def test_a_role_that_is_none_is_refused(run: Any, open_service: Any) -> None:
    assert run("users", "add", "shop", "ann@example.com", "--role", "king").exit_code == 2
    assert run("users", "add", "shop", "ann@example.com", "--role", "server").exit_code == 2
    assert run("keys", "create", "shop", "--role", "king").exit_code == 2
    assert open_service().people.all() == []


@pytest.mark.parametrize(
    ("site", "told"),
    [("shpo", "the store has no site 'shpo'. Known: shop"), ("My Shop", "names are lower-case")],
)
def test_a_misspelt_site_is_no_new_one(run: Any, open_service: Any, site: str, told: str) -> None:
    open_service().close()

    added = run("users", "add", site, "ann@example.com")
    made = run("keys", "create", site)

    assert (added.exit_code, made.exit_code) == (2, 2)
    assert told in added.output
    assert told in made.output


def test_a_key_that_is_over_before_it_begins_is_not_made(run: Any, open_service: Any) -> None:
    made = run("keys", "create", "shop", "--expires", "2020-01-01T00:00Z")

    assert made.exit_code == 2
    assert "--expires: expected a moment to come, got '2020-01-01T00:00Z'" in made.output
    assert open_service().keys.of("shop") == []


def test_while_the_server_has_the_store_the_way_to_it_is_told(run: Any, open_service: Any) -> None:
    open_service()

    added = run("users", "add", "shop", "ann@example.com", "--role", "admin")
    made = run("keys", "create", "shop")

    assert (added.exit_code, made.exit_code) == (2, 2)
    assert "Name a running server by --server" in added.output
    assert "Name a running server by --server" in made.output


COMMANDS: dict[str, tuple[str, ...]] = {
    "keys list": (),
    "keys rotate": ("server_0",),
    "keys end": ("server_0",),
    "keys remove": ("server_0",),
    "keys rotate-receipts": (),
    "users list": (),
    "users change": ("ann@example.com", "--role", "viewer"),
    "users remove": ("ann@example.com",),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_makes_a_site_by_a_slip_or_takes_a_store_that_is_served(
    command: str, run: Any, open_service: Any
) -> None:
    words, rest = command.split(), COMMANDS[command]
    nowhere = run(*words, "shop", *rest)
    service: Service = open_service()
    slipped = run(*words, "shpo", *rest)
    served = run(*words, "shop", *rest)

    assert [nowhere.exit_code, slipped.exit_code, served.exit_code] == [2, 2, 2]
    assert "there is no store" in nowhere.output
    assert "no site 'shpo'. Known: shop" in slipped.output
    assert "Name a running server by --server" in served.output
    assert service.keys.of("shop") == []


@pytest.fixture(params=["store", "server"])
def held(request: pytest.FixtureRequest, open_service: Any, monkeypatch: Any) -> Any:
    """Where people and keys are looked after: the options that say so, and a look at them."""
    if request.param == "store":
        open_service().close()

        def look(see: Any) -> Any:
            with closing(open_service()) as service:
                return see(service)

        return (), look
    service, url = request.getfixturevalue("serving")
    monkeypatch.setenv("BYLEAVE_KEY", service.create_key(Role.ADMIN))
    return ("--server", url), lambda see: see(service)


def is_made(key: StoredKey) -> bool:
    """Whether a key was made by a command, and is not the one that commands ask with."""
    return key.role is Role.SERVER


def name_of(made: Any) -> str:
    """Return the name of the key that a command printed."""
    key: str = made.stdout.strip()
    return key.removeprefix("byleave_").rpartition("_")[0]


def test_keys_are_listed_rotated_ended_and_removed(run: Any, held: Any) -> None:
    options, look = held
    began_ms = system_clock()

    def key(command: str, *arguments: str) -> Any:
        return run("keys", command, "shop", *arguments, *options)

    name = name_of(key("create", "--expires", "90d"))
    rotated = key("rotate", name, "--keep", "2h", "--expires", "2044-11-01T00:00Z")
    successor = name_of(rotated)
    listed = key("list").output.splitlines()
    ended = key("end", successor, "--at", "2044-10-01T02:00+02:00")
    ends = look(lambda service: {each.name: each.expires_ms for each in service.keys.of("shop")})
    at_once = key("end", successor)
    removed = key("remove", name)
    [over] = look(lambda service: [each for each in service.keys.of("shop") if is_made(each)])
    now_ms = system_clock()

    assert listed[0].split() == ["name", "role", "since", "ends"]
    assert {line.split()[0] for line in listed} >= {name, successor}
    assert any(line.endswith("2044-11-01 00:00 UTC") for line in listed)
    assert [each.exit_code for each in (rotated, ended, at_once, removed)] == [0] * 4
    assert began_ms + 2 * HOUR_MS <= ends[name] <= now_ms + 2 * HOUR_MS
    assert ends[successor] == 2_358_892_800_000  # midnight, UTC
    assert over.name == successor
    assert over.is_over(now_ms)
    assert "no such key" in key("remove", name).output
    assert "has no key" in key("rotate", name).output
    assert "--at: expected a duration such as" in key("end", successor, "--at", "soon").output


@pytest.mark.parametrize(
    ("old", "said", "days", "kept_days"),
    [
        (("--expires", "30d"), (), 30, 30),
        (("--expires", "30d"), ("--expires", "7d"), 7, 30),
        ((), (), None, 90),
        ((), ("--expires", "7d"), 7, 90),
    ],
)
def test_a_successor_lives_as_long_as_the_old_key_and_both_ends_are_told(
    run: Any,
    held: Any,
    clock: Any,
    old: tuple[str, ...],
    said: tuple[str, ...],
    days: int | None,
    kept_days: int,
) -> None:
    options, look = held
    clock.now_ms = began_ms = system_clock()  # a server goes by its own
    name = name_of(run("keys", "create", "shop", *old, *options))
    rotated = run("keys", "rotate", "shop", name, "--keep", "90d", *said, *options)
    ends = look(lambda service: {each.name: each.expires_ms for each in service.keys.of("shop")})
    now_ms = system_clock()

    def is_after(days: int, end_ms: int) -> bool:
        return began_ms <= end_ms - days * 24 * HOUR_MS <= 2 * now_ms - began_ms

    successor = ends[name_of(rotated)]
    assert is_after(kept_days, ends[name])
    assert successor is None if days is None else is_after(days, successor)
    assert rotated.stderr.splitlines() == [
        f"{name} ends at {Instant(ends[name])}",
        f"the new one {'never ends' if successor is None else f'ends at {Instant(successor)}'}",
    ]


def test_a_rotation_that_fails_half_way_has_shown_the_new_key(run: Any, held: Any) -> None:
    options, look = held
    name = name_of(run("keys", "create", "shop", *options))

    def refuse_changes(service: Service) -> None:
        with service.storage.writing() as connection:
            connection.exec_driver_sql(
                "CREATE TRIGGER no BEFORE UPDATE ON api_keys BEGIN SELECT RAISE(ABORT, 'no'); END"
            )

    look(refuse_changes)
    rotated = run("keys", "rotate", "shop", name, *options)
    keys = look(lambda service: {each.name: each.expires_ms for each in service.keys.of("shop")})

    assert rotated.exit_code != 0
    assert keys[name] is None
    assert keys[name_of(rotated)] is None


def test_people_are_listed_changed_and_removed(run: Any, held: Any) -> None:
    options, look = held

    def user(command: str, *arguments: str) -> Any:
        return run("users", command, "shop", *arguments, *options)

    for email in ("ann@example.com", "bob+1@example.com"):
        user("add", email, "--role", "admin")
    changed = user("change", "bob+1@example.com", "--role", "analyst")
    listed = user("list").output.splitlines()
    still = look(
        lambda service: service.people.sign_in("bob+1@example.com", PHRASE, source="tests")
    )
    last = user("change", "ann@example.com", "--role", "viewer")
    server = user("change", "ann@example.com", "--role", "server")
    removed = user("remove", "bob+1@example.com")
    again = user("remove", "bob+1@example.com")
    nobody = user("change", "bob+1@example.com", "--role", "admin")

    assert [line.split()[:2] for line in listed] == [
        ["address", "role"],
        ["ann@example.com", "admin"],
        ["bob+1@example.com", "analyst"],
    ]
    assert still is not None
    assert [changed.exit_code, removed.exit_code] == [0, 0]
    assert [each.exit_code for each in (last, server, again, nobody)] == [2] * 4
    assert "the last admin stays one" in last.output
    assert "no such person" in again.output
    assert "no such person" in nobody.output
    assert look(lambda service: [person.email for person in service.people.all()]) == [
        "ann@example.com"
    ]


def test_people_without_a_password_are_added_by_a_command(run: Any, held: Any) -> None:
    options, look = held
    ann, bob = "ann@example.com", "bob@example.com"

    run("users", "add", "shop", ann, "--role", "admin", *options)
    added = run("users", "add", "shop", bob, "--no-password", *options)
    both = run("users", "add", "shop", bob, "--no-password", "--password", PHRASE, *options)
    listed = run("users", "list", "shop", *options).output.splitlines()

    assert (added.exit_code, both.exit_code) == (0, 2)
    assert "one of --password and --no-password" in both.output
    assert [line.split("UTC")[-1].strip() for line in listed[1:]] == ["password", "provider alone"]
    assert look(lambda service: service.people.sign_in(bob, PHRASE, source="tests")) is None


def test_the_key_of_receipts_is_rotated_by_a_command(
    run: Any, held: Any, definitions: Definitions
) -> None:
    options, look = held
    look(lambda service: service.publish(definitions, reason="first", author="tests"))

    rotated = run("keys", "rotate-receipts", "shop", *options)

    assert rotated.exit_code == 0
    assert "accepted for 48 hours" in rotated.output
    assert look(lambda service: len(service.published.snapshot.receipt_keys)) == 2
    assert look(lambda service: service.library.audit()[0].action) == "receipt-key.created"

    revoked = run("keys", "rotate-receipts", "shop", "--revoke", *options)

    assert revoked.exit_code == 0
    assert "counts for nothing" in revoked.output
    assert look(lambda service: len(service.published.snapshot.receipt_keys)) == 1


@pytest.fixture
def serving(open_service: Any) -> Iterator[tuple[Service, str]]:
    """A service whose store is in use, and where it listens."""
    service: Service = open_service()
    with listen(0) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(service), log_config=None))
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        yield service, url_of(listener)
        server.should_exit = True
        thread.join()


def test_a_running_server_adds_people_and_keys_for_an_admin(
    run: Any, serving: tuple[Service, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    service, url = serving
    monkeypatch.setenv("BYLEAVE_KEY", service.create_key(Role.ADMIN))

    added = run("users", "add", "shop", "ann+1@example.com", "--role", "analyst", "--server", url)
    made = run("keys", "create", "shop", "--role", "public", "--server", url)
    foreign = run("keys", "create", "other", "--server", url)
    unable = run("keys", "create", "shop", "--server", url, "--key", made.output)
    shortened = run("keys", "create", "shop", "--server", url, "--key", "byleave_admin_1c5d…")

    assert (added.exit_code, made.exit_code) == (0, 0)
    assert service.people.sign_in("ann+1@example.com", PHRASE, source="tests") is not None
    found = service.keys.find(made.output.strip(), "shop")
    assert found is not None
    assert found.role is Role.PUBLIC
    assert (foreign.exit_code, unable.exit_code) == (2, 2)
    assert "expected the site 'other' there, found 'shop'" in foreign.output
    assert "403" in unable.output
    assert "401: expected a key of this site" in shortened.output
    assert "`byleave keys create SITE --role admin` makes a key that may" in unable.output
