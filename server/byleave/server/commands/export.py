"""`byleave export`: what was learned, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from byleave.server.commands.exits import refuse
from byleave.server.commands.settings_options import Config, Database, settle


def export(
    site: Annotated[str, typer.Argument(help="The key of the site.")],
    folder: Annotated[Path, typer.Argument(help="The folder to write to.")],
    kind: Annotated[
        Literal["parquet", "csv"], typer.Option("--format", help="How tables are written.")
    ] = "parquet",
    database: Database = None,
    config: Config = None,
) -> None:
    """Write enrolments, outcomes, decisions and what they were drawn by, one file for each.

    The store may be in use. Visitors are keyed hashes; the erased are sums.
    """
    settings = settle(config, database=database)
    from byleave.server.errors import ServerError
    from byleave.server.exporting import Format, write_tables
    from byleave.server.sites import find_site
    from byleave.server.storage import looking

    try:
        with looking(settings.database) as connection:
            found = find_site(connection, site)
            counts = write_tables(connection, found, folder, Format(kind))
    except ServerError as error:
        refuse(str(error))
    for name, count in counts.items():
        typer.echo(f"{folder / name}.{kind}: {count:,} rows", err=True)
