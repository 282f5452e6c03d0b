"""`byleave users` and `byleave keys`: who may open a site's server.

They write to the store, or, where a server is named, ask it to: a SQLite store belongs to the
process that serves it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from byleave.server.commands.exits import refuse
from byleave.server.commands.remote import Remote
from byleave.server.commands.settings_options import Config, Database, settle

if TYPE_CHECKING:
    from byleave.server.keys import Role as KeyRole
    from byleave.server.service import Service

SiteKey = Annotated[str, typer.Argument(help="The site's key.")]
Running = Annotated[
    str | None,
    typer.Option("--server", help="The URL of the running server, which is to do it."),
]
AdminKey = Annotated[
    str,
    typer.Option("--key", envvar="BYLEAVE_KEY", help="With --server: an admin's key of the site."),
]
_AUTHOR = "command line"


def add_user(
    site: SiteKey,
    email: Annotated[str, typer.Argument(help="Their address.")],
    role: Annotated[str, typer.Option(help="viewer, analyst, marketer or admin.")] = "viewer",
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)
    ] = "",
    server: Running = None,
    key: AdminKey = "",
    database: Database = None,
    config: Config = None,
) -> None:
    """Let a person sign in, or give one another role and password.

    While a server uses a SQLite store, name it by --server; with PostgreSQL both ways work.
    """
    wanted = _role(role)
    if server is not None:
        person = {"role": wanted, "password": password}
        _site_at(server, key, site).ask("PUT", f"/v1/people/{quote(email, safe='@')}", person)
    else:
        _add_to_store(_opened(site, database, config), email, wanted, password)
    typer.echo(f"{email} may sign in to {site} as {role}", err=True)


def create_key(
    site: SiteKey,
    role: Annotated[str, typer.Option(help="public, server, or a role of people.")] = "server",
    server: Running = None,
    key: AdminKey = "",
    database: Database = None,
    config: Config = None,
) -> None:
    """Print a new key; it is shown this once.

    While a server uses a SQLite store, name it by --server; with PostgreSQL both ways work.
    """
    wanted = _role(role)
    if server is not None:
        made = _site_at(server, key, site).ask("POST", "/v1/keys", {"role": wanted})["key"]
    else:
        service = _opened(site, database, config)
        try:
            made = service.keys.create(wanted, author=_AUTHOR)
        finally:
            service.close()
    typer.echo(made)


def _role(text: str) -> KeyRole:
    from byleave.server.keys import Role

    try:
        return Role(text)
    except ValueError:
        refuse(f"--role: expected one of {', '.join(Role)}, got {text!r}")


def _add_to_store(service: Service, email: str, role: KeyRole, password: str) -> None:
    from byleave.server.errors import ForbiddenError

    try:
        service.people.put(email, role, password, author=_AUTHOR)
    except (ForbiddenError, ValueError) as error:
        refuse(str(error))
    finally:
        service.close()


def _site_at(url: str, key: str, site: str) -> Remote:
    """Return the site at a URL; end the command where another site is served there."""
    remote = Remote.at(url, key)
    served = remote.ask("GET", "/v1/people")["site"]
    if served != site:
        refuse(f"{url}: expected the site {site!r} there, found {served!r}")
    return remote


def _opened(site: str, database: str | None, config: Config) -> Service:
    settings = settle(config, database=database)
    from byleave.sdk.middleware import system_clock
    from byleave.server.errors import ServerError
    from byleave.server.service import Service

    try:
        return Service(settings.database, site=site, clock=system_clock)
    except ServerError as error:
        refuse(f"{error}. Name a running server by --server, with an admin's key by --key")
