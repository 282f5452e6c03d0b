"""`byleave serve` and `byleave worker`: the decision server of one site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from byleave.server.commands.exits import FOUND
from byleave.server.commands.settings_options import DAY_MS, Config, Database, settle
from byleave.server.commands.store import opened
from byleave.server.commands.validate import load

if TYPE_CHECKING:  # loaded when the command runs
    from byleave.experiments import Definitions
    from byleave.server.service import Service

#: Who publishes at a start.
_AUTHOR: Final = "command line"
#: How long the link works that makes the first admin.
_FIRST_MS: Final = 3_600_000


def serve(
    folder: Annotated[
        Path | None, typer.Argument(help="The folder of definitions. [byleave]")
    ] = None,
    database: Database = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on. [127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on. [8401]")] = None,
    config: Config = None,
) -> None:
    """Publish a folder of definitions and serve them: snapshots, decisions, events, results.

    Where somebody else published since, a push, the console or a guard, the folder is not
    published; `byleave push` does that. Nor is it where machines share a store, and another one
    published a newer folder since.

    The first start prints the key that the site needs; it is shown once. Definitions with a
    fault, a port in use, and a store that another process has, end the command before anything
    starts.
    """
    settings = settle(config, definitions=folder, database=database, host=host, port=port)
    definitions = load(settings.definitions)
    from byleave.sdk.middleware import system_clock
    from byleave.server import logs, serving
    from byleave.server.app import create_app
    from byleave.server.errors import ServerError
    from byleave.server.keys import Role
    from byleave.server.links import first_admin_link
    from byleave.server.listening import listen, url_of
    from byleave.server.oidc import Provider
    from byleave.server.outbound import Outbound
    from byleave.server.service import Service

    logs.configure(settings.log, settings.log_level)
    try:
        listener = listen(settings.port, host=settings.host)
        service = Service(
            settings.database,
            site=definitions.site,
            clock=system_clock,
            goals_per_network=settings.goals_per_network,
        )
        outbound = Outbound(allow=settings.outbound_allow)
        provider = Provider.of(settings, outbound, service.site, clock=system_clock)
    except ServerError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(FOUND) from None
    if in_force := _published(service, definitions):
        typer.echo(
            f"version {in_force} stays in force; "
            f"`byleave plan {settings.definitions}` says what the folder would change",
            err=True,
        )
    if not service.keys.of(definitions.site):
        _tell_of_others(service)
        typer.echo(f"server key, shown once: {service.create_key(Role.SERVER)}")
    typer.echo(f"{definitions.site} at {url_of(listener)}")
    for key in definitions.experiments:
        typer.echo(f"  results: {url_of(listener)}{service.results_link(key, lasts_ms=DAY_MS)}")
    typer.echo(f"  console: {url_of(listener)}/console")
    if not service.people.is_anybody():
        link = first_admin_link(service.site, expires_ms=system_clock() + _FIRST_MS)
        typer.echo(f"  first admin, once and for an hour: {url_of(listener)}{link}")
    serving.serve(
        create_app(service, background=True, outbound=outbound, provider=provider),
        service,
        listener,
        most_connections=settings.connections,
        trusted_proxies=settings.trusted_proxies,
    )


def _tell_of_others(service: Service) -> None:
    """Say beside which sites one begins: a changed key looks as if all of the old were lost."""
    from byleave.server.sites import site_keys

    site = service.site.key
    with service.storage.reading() as connection:
        others = [key for key in site_keys(connection) if key != site]
    if others:
        typer.echo(
            f"{site} is a new site of the store, beside {', '.join(others)}; where it is to be one "
            "of these, give it that key in `site`",
            err=True,
        )


def _published(service: Service, definitions: Definitions) -> str:
    """Publish a folder's definitions, unless a later version is in force; return that one.

    What others published since, a guard or the console among them, is not undone. Nor is what
    another machine published since from a newer folder, where machines share a store.
    """
    from byleave.server.errors import ConflictError

    newest = next(iter(service.library.versions()), None)
    name = "" if newest is None else newest.version
    if newest is not None and newest.author != _AUTHOR:
        return f"{name} by {newest.author}"
    earlier = service.library.newest_of(definitions) if service.storage.is_shared else ""
    if earlier not in ("", name):
        return f"{name}, which came after {earlier} with these definitions,"
    try:
        service.publish(definitions, reason="byleave serve", author=_AUTHOR, expected=name)
    except ConflictError:  # another machine was faster
        return service.library.newest()
    return ""


def worker(
    site: Annotated[str, typer.Argument(help="The key of the site.")],
    database: Database = None,
    config: Config = None,
) -> None:
    """Do a site's background work without serving it: weights, webhooks, segments, retention.

    For PostgreSQL, whose work any number of processes may share; a SQLite store belongs to the
    one process that serves it.
    """
    settings = settle(config, database=database)
    import asyncio

    from byleave.server import logs
    from byleave.server.background import work_until_stopped
    from byleave.server.outbound import Outbound

    logs.configure(settings.log, settings.log_level)
    with opened(site, settings) as service:
        typer.echo(f"working for {site}")
        asyncio.run(work_until_stopped(service, Outbound(allow=settings.outbound_allow)))
