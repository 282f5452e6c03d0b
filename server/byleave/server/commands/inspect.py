"""`byleave config` and `byleave doctor`: what a server is run with, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from byleave.server.commands.exits import FOUND
from byleave.server.commands.settings_options import Config, Database, settle, settle_all


def config(
    file: Annotated[
        Path | None, typer.Argument(help="The file of settings; byleave.toml if it is there.")
    ] = None,
) -> None:
    """Print each setting, and where its value comes from."""
    _, settings = settle_all(file)
    width = max(len(each.name) for each in settings)
    for each in settings:
        value = ", ".join(each.value) if isinstance(each.value, tuple) else each.value
        typer.echo(f"{each.name:{width}} = {value}  ({each.origin})")


def doctor(database: Database = None, config: Config = None) -> None:
    """Look for what is wrong with a store and its settings, also while a server uses it.

    Ends with 1 when there is a fault; what is only unwise does not count.
    """
    settings = settle(config, database=database)
    from byleave.server.doctor import Weight, examine
    from byleave.server.errors import ServerError

    has_fault = False
    try:
        for finding in examine(settings):
            typer.echo(f"{finding.weight:7} {finding.text}")
            has_fault = has_fault or finding.weight is Weight.FAULT
    except ServerError as error:
        typer.echo(f"{Weight.FAULT:7} {error}")
        has_fault = True
    raise typer.Exit(FOUND if has_fault else 0)
