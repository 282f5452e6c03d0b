"""`byleave users`: who may sign in to a site's console, and as what."""

from __future__ import annotations

from typing import Annotated

import typer

from byleave.server.commands.access import AdminKey, Running, SiteKey, access, role_of
from byleave.server.commands.exits import refuse
from byleave.server.commands.moments import Instant
from byleave.server.commands.settings_options import Config, Database
from byleave.server.commands.tables import lines

Address = Annotated[str, typer.Argument(help="Their address.")]
PersonsRole = Annotated[str, typer.Option("--role", help="viewer, analyst, marketer or admin.")]


def add_user(
    site: SiteKey,
    email: Address,
    role: PersonsRole = "viewer",
    password: Annotated[
        str | None, typer.Option(help="Their password; asked for without it.", show_default=False)
    ] = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="They sign in by your provider alone.")
    ] = False,
    server: Running = None,
    key: AdminKey = "",
    database: Database = None,
    config: Config = None,
) -> None:
    """Let a person sign in, or give one another role and password.

    While a server uses a SQLite store, name it by --server; with PostgreSQL both ways work.
    """
    wanted = role_of(role)
    if no_password and password is not None:
        refuse("expected one of --password and --no-password")
    if not no_password and password is None:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    with access(site, server, key, database, config, may_begin=True) as held:
        held.put_person(email, wanted, password)
    typer.echo(f"{email} may sign in to {site} as {role}", err=True)


def list_users(
    site: SiteKey,
    server: Running = None,
    key: AdminKey = "",
    database: Database = None,
    config: Config = None,
) -> None:
    """Print everybody who may sign in, a line each: address, role, since when, and by what."""
    with access(site, server, key, database, config) as held:
        people = held.list_people()
    rows = [
        (
            each["email"],
            each["role"],
            str(Instant(each["created_ms"])),
            "password" if each["has_password"] else "provider alone",
        )
        for each in people
    ]
    for line in lines(("address", "role", "since", "signs in by"), rows):
        typer.echo(line)


def change_user(
    site: SiteKey,
    email: Address,
    role: PersonsRole,
    server: Running = None,
    key: AdminKey = "",
    database: Database = None,
    config: Config = None,
) -> None:
    """Give a person another role, who keeps their password; their sessions end."""
    wanted = role_of(role)
    with access(site, server, key, database, config) as held:
        held.change_person(email, wanted)
    typer.echo(f"{email} may sign in to {site} as {role}", err=True)


def remove_user(
    site: SiteKey,
    email: Address,
    server: Running = None,
    key: AdminKey = "",
    database: Database = None,
    config: Config = None,
) -> None:
    """Take a person away; their sessions end at once. The last admin stays."""
    with access(site, server, key, database, config) as held:
        held.remove_person(email)
    typer.echo(f"{email} may not sign in to {site} any more", err=True)
