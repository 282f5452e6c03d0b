"""`byleave keys`: the keys by which a site's machines are known, and the one of receipts."""

from __future__ import annotations

from typing import Annotated

import typer

from byleave.segments import Duration
from byleave.server.commands.access import AdminKey, Running, SiteKey, access, role_of
from byleave.server.commands.exits import refuse
from byleave.server.commands.moments import Instant
from byleave.server.commands.settings_options import Config, Database
from byleave.server.commands.tables import lines

Name = Annotated[str, typer.Argument(help="The name of the key, as `byleave keys list` shows it.")]
Expires = Annotated[
    str | None,
    typer.Option(
        "--expires", help="When it ends: after a time such as 90d, or at 2026-12-01T00:00Z. [never]"
    ),
]


def create_key(
    site: SiteKey,
    role: Annotated[str, typer.Option(help="public, server, or a role of people.")] = "server",
    expires: Expires = None,
    server: Running = None,
    key: AdminKey = "",
    database: Database = None,
    config: Config = None,
) -> None:
    """Print a new key; it is shown this once.

    While a server uses a SQLite store, name it by --server; with PostgreSQL both ways work.
    """
    wanted, expires_ms = role_of(role), _end_of(expires)
    with access(site, server, key, database, config, may_begin=True) as held:
        made = held.create_key(wanted, expires_ms)
    typer.echo(made)


def list_keys(
    site: SiteKey,
    server: Running = None,
    key: AdminKey = "",
    database: Database = None,
    config: Config = None,
) -> None:
    """Print the keys, a line each, the oldest first: name, role, since when, until when."""
    with access(site, server, key, database, config) as held:
        found = held.list_keys()
    rows = [
        (
            each["name"],
            each["role"],
            str(Instant(each["created_ms"])),
            "never" if each["expires_ms"] is None else str(Instant(each["expires_ms"])),
        )
        for each in found
    ]
    for line in lines(("name", "role", "since", "ends"), rows):
        typer.echo(line)


def rotate_key(
    site: SiteKey,
    name: Name,
    keep: Annotated[
        str, typer.Option(help="How long the old one is still good, such as 24h.")
    ] = "24h",
    expires: Annotated[
        str | None,
        typer.Option(
            help="When the new one ends, as for `create`. [after as long as the old one was for]"
        ),
    ] = None,
    server: Running = None,
    key: AdminKey = "",
    database: Database = None,
    config: Config = None,
) -> None:
    """Print the successor of a key, of the same role, and let the old one end.

    Both are good in between: give the new one to all who hold the old one.
    """
    until_ms, expires_ms = _moment("--keep", keep), _end_of(expires)
    with access(site, server, key, database, config) as held:
        old = next((each for each in held.list_keys() if each["name"] == name), None)
        if old is None:
            refuse(f"the site has no key {name!r}; `byleave keys list {site}` shows those it has")
        if old["expires_ms"] is not None:
            until_ms = min(until_ms, old["expires_ms"])
            if expires_ms is None:
                expires_ms = _later(old["expires_ms"] - old["created_ms"])
        # It is shown before anything ends: whatever fails then, nobody is left without a key.
        typer.echo(held.create_key(role_of(old["role"]), expires_ms))
        held.end_key(name, until_ms)
    typer.echo(f"{name} ends at {Instant(until_ms)}", err=True)
    ends = "never ends" if expires_ms is None else f"ends at {Instant(expires_ms)}"
    typer.echo(f"the new one {ends}", err=True)


def end_key(
    site: SiteKey,
    name: Name,
    at: Annotated[
        str | None,
        typer.Option(help="After a time such as 24h, or at 2026-12-01T00:00Z. [now]"),
    ] = None,
    server: Running = None,
    key: AdminKey = "",
    database: Database = None,
    config: Config = None,
) -> None:
    """Let a key expire: it stays in the list, and opens nothing from then on.

    One that expires earlier stays as it is.
    """
    at_ms = _now_ms() if at is None else _moment("--at", at)
    with access(site, server, key, database, config) as held:
        held.end_key(name, at_ms)
    typer.echo(f"{name} ends at {Instant(at_ms)}, or earlier if it was to", err=True)


def remove_key(
    site: SiteKey,
    name: Name,
    server: Running = None,
    key: AdminKey = "",
    database: Database = None,
    config: Config = None,
) -> None:
    """Take a key away, at once."""
    with access(site, server, key, database, config) as held:
        held.remove_key(name)
    typer.echo(f"{name} opens nothing any more", err=True)


def rotate_receipts(
    site: SiteKey,
    revoke: Annotated[
        bool,
        typer.Option(
            "--revoke", help="Accept none of those before it any more, as after one was stolen."
        ),
    ] = False,
    server: Running = None,
    key: AdminKey = "",
    database: Database = None,
    config: Config = None,
) -> None:
    """Make a new key for receipts; those before it are accepted for 48 hours."""
    with access(site, server, key, database, config) as held:
        held.rotate_receipts(revoke=revoke)
    if revoke:
        told = "a new key signs receipts; what those before it signed counts for nothing"
    else:
        told = "a new key signs receipts in a minute; those before it are accepted for 48 hours"
    typer.echo(told, err=True)


def _end_of(expires: str | None) -> int | None:
    if expires is None:
        return None
    end_ms = _moment("--expires", expires)
    if end_ms < _later(0):
        refuse(f"--expires: expected a moment to come, got {expires!r}")
    return end_ms


def _moment(option: str, text: str) -> int:
    """Return the moment that an option names, or end the command."""
    try:
        return _later(int(Duration.parse(text)))
    except ValueError as error:
        expected = error
    try:
        return int(Instant.parse(text))
    except ValueError as error:
        refuse(f"{option}: expected {expected}, or {error}, got {text!r}")


def _later(after_ms: int) -> int:
    """Return the moment that is so long from now, or the last that can be stored."""
    from byleave.server.times import LAST_MS

    return min(_now_ms() + after_ms, LAST_MS)


def _now_ms() -> int:
    from byleave.sdk.middleware import system_clock

    return system_clock()
