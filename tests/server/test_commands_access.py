"""The commands that say who may open a server."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from byleave.server.commands.program import program
from byleave.server.keys import Role
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


def test_while_the_server_has_the_store_the_console_is_named(run: Any, open_service: Any) -> None:
    open_service()

    added = run("users", "add", "shop", "ann@example.com", "--role", "admin")
    made = run("keys", "create", "shop")

    assert (added.exit_code, made.exit_code) == (2, 2)
    assert "an admin does it at /console/people" in added.output
    assert "an admin does it at /console/keys" in made.output
