"""`byleave purge` and `byleave thaw`: after somebody made rewards up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from byleave.server.commands.exits import refuse
from byleave.server.commands.settings_options import Config, Database, settle
from byleave.server.commands.store import opened


def purge(
    site: Annotated[str, typer.Argument(help="The key of the site.")],
    ids: Annotated[
        Path,
        typer.Argument(
            help="A file of the ids of visitors or page views, one a line.",
            exists=True,
            dir_okay=False,
        ),
    ],
    database: Database = None,
    config: Config = None,
) -> None:
    """Take visitors and page views that were made up out of the log and the books.

    It is as if they had never been, but in strata that are sealed; nothing of theirs is taken in
    again. The next weights follow what is left.
    """
    try:
        made_up = ids.read_text(encoding="utf-8-sig").split()
    except UnicodeDecodeError:
        refuse(f"{ids}: expected UTF-8, one id a line")
    with opened(site, settle(config, database=database)) as service:
        gone = service.purge(made_up, author="command line")
    typer.echo(
        f"{len(made_up)} ids: {gone.enrolments} enrolments and {gone.events} events taken out, "
        f"{gone.sealed} enrolments are sealed and stay",
        err=True,
    )


def thaw(
    site: Annotated[str, typer.Argument(help="The key of the site.")],
    experiment: Annotated[str, typer.Argument(help="The experiment's key.")],
    database: Database = None,
    config: Config = None,
) -> None:
    """Let an experiment's weights follow what is learned again, after they were frozen."""
    with opened(site, settle(config, database=database)) as service:
        service.thaw(experiment, author="command line")
    typer.echo(f"{experiment}: its weights go on", err=True)
