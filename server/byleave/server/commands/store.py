"""`byleave migrate`, `backup`, `restore`, `retain`, `rebuild`: the care of a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from byleave.server.commands.exits import refuse
from byleave.server.commands.settings_options import Config, Database, settle

if TYPE_CHECKING:
    from byleave.server.service import Service
    from byleave.server.settings import Settings


def migrate(database: Database = None, config: Config = None) -> None:
    """Bring the tables of a store up to date; `serve` does so by itself.

    A store of a newer version is refused, and left as it is.
    """
    settings = settle(config, database=database)
    from byleave.server.errors import ServerError
    from byleave.server.storage import Storage, shown

    try:
        storage = Storage(settings.database)
    except ServerError as error:
        refuse(str(error))
    storage.close()
    typer.echo(f"{shown(settings.database)}: up to date", err=True)


def backup(
    target: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")],
    database: Database = None,
    config: Config = None,
) -> None:
    """Write all that a store holds now to one file, also while a server uses it."""
    settings = settle(config, database=database)
    from byleave.server.backup import back_up, check_backup
    from byleave.server.errors import ServerError

    try:
        back_up(settings.database, target)
        check_backup(target)
    except ServerError as error:
        refuse(str(error))
    typer.echo(f"{target}: {target.stat().st_size:,} bytes, whole", err=True)


def restore(
    source: Annotated[Path, typer.Argument(help="The backup.")],
    database: Database = None,
    config: Config = None,
) -> None:
    """Fill an empty store from a backup, of SQLite or PostgreSQL whichever it was.

    What the restored store publishes counts as newer than all that was ever published before.
    """
    settings = settle(config, database=database)
    from byleave.sdk.middleware import system_clock
    from byleave.server.backup import restore as fill
    from byleave.server.errors import ServerError
    from byleave.server.storage import shown

    try:
        sites = fill(source, settings.database, now_ms=system_clock())
    except ServerError as error:
        refuse(str(error))
    typer.echo(f"{shown(settings.database)}: restored {', '.join(sites)}", err=True)


def retain(
    site: Annotated[str, typer.Argument(help="The key of the site.")],
    database: Database = None,
    config: Config = None,
) -> None:
    """Delete what has been kept for as long as its ttl allows; a server does so every hour."""
    with opened(site, settle(config, database=database)) as service:
        gone = service.retain()
    typer.echo(
        f"{gone.events} events and {gone.attributes} attributes deleted, "
        f"{gone.emptied} events emptied, {gone.enrolments} enrolments deleted",
        err=True,
    )


def rebuild(
    site: Annotated[str, typer.Argument(help="The key of the site.")],
    repair: Annotated[
        bool, typer.Option("--repair", help="Keep what the recount came to, where it differs.")
    ] = False,
    database: Database = None,
    config: Config = None,
) -> None:
    """Recount what was learned from the log, and say where the books differ from it.

    Strata that are sealed are checked by their checksums. Ends with 1 where anything differs.
    """
    with opened(site, settle(config, database=database)) as service:
        rebuilt = service.books.rebuild(is_repairing=repair)
    for difference in rebuilt.differences:
        typer.echo(f"{difference.place}: {difference.words}")
    typer.echo(
        f"{rebuilt.units} units in {rebuilt.open_strata} open strata recounted, "
        f"{rebuilt.sealed_strata} seals checked, {len(rebuilt.differences)} differences",
        err=True,
    )
    if rebuilt.differences:
        raise typer.Exit(1)


@contextmanager
def opened(site: str, settings: Settings) -> Iterator[Service]:
    """Give the service of a site that the store has; what it refuses ends the command."""
    from byleave.sdk.middleware import system_clock
    from byleave.server.errors import ServerError
    from byleave.server.service import Service
    from byleave.server.sites import find_site
    from byleave.server.storage import looking

    try:
        with looking(settings.database) as connection:
            find_site(connection, site)
        with closing(Service(settings.database, site=site, clock=system_clock)) as service:
            yield service
    except ServerError as error:
        refuse(str(error))
