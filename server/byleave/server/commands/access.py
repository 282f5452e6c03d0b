"""`byleave users` and `byleave keys`: who may open a site's server, while it is not running."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from byleave.server.commands.exits import refuse
from byleave.server.commands.settings_options import Config, Database, settle

if TYPE_CHECKING:
    from byleave.server.service import Service

SiteKey = Annotated[str, typer.Argument(help="The site's key.")]
_AUTHOR = "command line"


def add_user(
    site: SiteKey,
    email: Annotated[str, typer.Argument(help="Their address.")],
    role: Annotated[str, typer.Option(help="viewer, analyst, marketer or admin.")] = "viewer",
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)
    ] = "",
    database: Database = None,
    config: Config = None,
) -> None:
    """Let a person sign in, or give one another role and password.

    With SQLite stop the server first; with PostgreSQL it may run.
    """
    service = _opened(site, database, config, "people")
    from byleave.server.errors import ForbiddenError
    from byleave.server.keys import Role

    try:
        service.people.put(email, Role(role), password, author=_AUTHOR)
    except (ForbiddenError, ValueError) as error:
        refuse(str(error))
    finally:
        service.close()
    typer.echo(f"{email} may sign in to {site} as {role}", err=True)


def create_key(
    site: SiteKey,
    role: Annotated[str, typer.Option(help="public, server, or a role of people.")] = "server",
    database: Database = None,
    config: Config = None,
) -> None:
    """Print a new key; it is shown this once."""
    service = _opened(site, database, config, "keys")
    from byleave.server.keys import Role

    try:
        typer.echo(service.keys.create(Role(role), author=_AUTHOR))
    except ValueError as error:
        refuse(str(error))
    finally:
        service.close()


def _opened(site: str, database: str | None, config: Config, page: str) -> Service:
    settings = settle(config, database=database)
    from byleave.sdk.middleware import system_clock
    from byleave.server.errors import ServerError
    from byleave.server.service import Service

    try:
        return Service(settings.database, site=site, clock=system_clock)
    except ServerError as error:
        refuse(f"{error}. While the server runs, an admin does it at /console/{page}")
