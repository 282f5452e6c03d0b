"""The commands that look after a store."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from byleave.server import schema
from byleave.server.commands.program import program
from byleave.server.consents import StatedChoice
from byleave.server.service import Service


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(program, list(arguments))


def test_a_store_is_made_backed_up_and_restored(run: Any, service: Service) -> None:
    backup = run("backup", "copy.db")
    again = run("backup", "copy.db")
    in_use = run("restore", "copy.db")
    restored = run("restore", "copy.db", "--database", "other.db")
    migrated = run("migrate", "--database", "other.db")
    retained = run("retain", "shop", "--database", "other.db")

    assert (backup.exit_code, restored.exit_code, migrated.exit_code) == (0, 0, 0)
    assert "whole" in backup.output
    assert "restored shop" in restored.output
    assert again.exit_code == in_use.exit_code == 2
    assert "there already" in again.output
    assert "in use" in in_use.output
    assert retained.exit_code == 0
    assert "0 events" in retained.output


def test_what_belongs_to_a_running_server_is_left_to_it(run: Any, service: Service) -> None:
    for arguments in (["migrate"], ["retain", "shop"]):
        result = run(*arguments)

        assert result.exit_code == 2
        assert "in use" in result.output


def test_retaining_what_was_never_published_says_so(
    run: Any, open_service: Callable[..., Service]
) -> None:
    open_service("new.db").close()
    result = run("retain", "shop", "--database", "new.db")

    assert result.exit_code == 2
    assert "no definitions" in result.output


@pytest.mark.parametrize("command", ["retain", "rebuild", "purge", "thaw", "worker"])
def test_a_misspelt_site_or_store_is_not_made(
    run: Any, service: Service, tmp_path: Path, command: str
) -> None:
    service.close()
    (tmp_path / "ids.txt").touch()
    more = {"purge": ["ids.txt"], "thaw": ["welcome"]}.get(command, [])
    site = run(command, "shpo", *more)
    store = run(command, "shop", *more, "--database", "bileave.db")

    assert (site.exit_code, store.exit_code) == (2, 2)
    assert "the store has no site 'shpo'. Known: shop" in site.output
    assert "there is no store bileave.db" in store.output
    assert not (tmp_path / "bileave.db").exists()


def test_the_doctor_finds_a_whole_store_well_while_it_is_used(run: Any, service: Service) -> None:
    result = run("doctor")

    assert result.exit_code == 0
    assert "fine    byleave.db is whole" in result.output
    assert "consent records are whole" in result.output
    assert "other users" not in result.output
    assert "fault" not in result.output


def test_the_doctor_finds_what_is_wrong(
    run: Any, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.record_consent("ann", StatedChoice(choices={}, source="banner", at=1))
    with service.storage.writing() as connection:
        connection.execute(update(schema.consents).values(received_ms=1, number=7))
    service.close()
    (tmp_path / "byleave.db").chmod(0o644)
    monkeypatch.setenv("BYLEAVE_HOST", "0.0.0.0")  # noqa: S104  # that is what is found
    monkeypatch.setenv("BYLEAVE_OUTBOUND_ALLOW", "10.0.0.0/8")

    result = run("doctor")
    torn = tmp_path / "torn.db"
    torn.write_bytes((tmp_path / "byleave.db").read_bytes()[:20_000])
    damaged = run("doctor", "--database", "torn.db")
    absent = run("doctor", "--database", "absent.db")
    (tmp_path / "byleave.db-wal").unlink(missing_ok=True)
    (tmp_path / "byleave.db-wal").mkdir()
    unreadable = run("doctor")

    assert result.exit_code == 1
    assert "fault   shop: consent records of 1 visitors" in result.output
    for warning in ("without TLS", "webhooks may reach 10.0.0.0/8", "other users"):
        assert warning in result.output
    assert damaged.exit_code == 1
    assert "fault   torn.db is damaged" in damaged.output
    assert unreadable.exit_code == 1
    assert "fault   cannot read the database byleave.db" in unreadable.output
    assert "damaged" not in unreadable.output
    assert absent.exit_code == 0
    assert "serve makes it" in absent.output
