"""The commands that say who may open a server."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvicorn
from typer.testing import CliRunner

from byleave.server.app import create_app
from byleave.server.commands.program import program
from byleave.server.keys import Role
from byleave.server.listening import listen, url_of
from byleave.server.service import Service

PHRASE = "correct horse battery"


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


def test_while_the_server_has_the_store_the_way_to_it_is_told(run: Any, open_service: Any) -> None:
    open_service()

    added = run("users", "add", "shop", "ann@example.com", "--role", "admin")
    made = run("keys", "create", "shop")

    assert (added.exit_code, made.exit_code) == (2, 2)
    assert "Name a running server by --server" in added.output
    assert "Name a running server by --server" in made.output


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
    unable = run("keys", "create", "shop", "--server", url, "--key", made.output.strip())

    assert (added.exit_code, made.exit_code) == (0, 0)
    assert service.people.sign_in("ann+1@example.com", PHRASE, source="tests") is not None
    found = service.keys.find(made.output.strip(), "shop")
    assert found is not None
    assert found.role is Role.PUBLIC
    assert (foreign.exit_code, unable.exit_code) == (2, 2)
    assert "expected the site 'other' there, found 'shop'" in foreign.output
    assert "403" in unable.output
