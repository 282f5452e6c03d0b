"""`byleave replay`: what was decided and published in a period, derived again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from byleave.server.commands.documents import print_json
from byleave.server.commands.exits import FOUND, refuse
from byleave.server.commands.settings_options import Config, Database, settle

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]
Moment = datetime | None


def replay(
    site: Annotated[str, typer.Argument(help="The key of the site.")],
    experiment: Annotated[
        str | None, typer.Option(help="One experiment; all of them without it.")
    ] = None,
    since: Annotated[
        Moment, typer.Option(formats=_FORMATS, help="Begin of the period, UTC.")
    ] = None,
    until: Annotated[
        Moment, typer.Option(formats=_FORMATS, help="End of the period, UTC; now without it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    database: Database = None,
    config: Config = None,
) -> None:
    """Derive every assignment and every published weight of a period again.

    Says where what was kept does not follow, and then ends with 1. The store may be in use.
    """
    settings = settle(config, database=database)
    from byleave.sdk.middleware import system_clock
    from byleave.segments.vocabulary import THIRTEEN_MONTHS
    from byleave.server.errors import ServerError
    from byleave.server.replaying import replay_site
    from byleave.server.sites import find_site
    from byleave.server.storage import looking

    now_ms = system_clock()
    kept_since_ms = now_ms - THIRTEEN_MONTHS
    next_ms = now_ms + 1  # what was published this very moment is of the period
    until_ms = min(_ms(until, next_ms), next_ms)
    since_ms = max(_ms(since, kept_since_ms), kept_since_ms)
    if until_ms <= since_ms:
        refuse("expected a period that ends after it begins, within the thirteen months of the log")
    try:
        with looking(settings.database) as connection:
            runs = replay_site(
                connection,
                find_site(connection, site),
                since_ms=since_ms,
                until_ms=until_ms,
                experiment=experiment,
            )
    except ServerError as error:
        refuse(str(error))
    differ = sum(len(run.differences) for run in runs.values())
    if as_json:
        from dataclasses import asdict

        told = [{"run": name, **asdict(run)} for name, run in runs.items()]
        print_json({"site": site, "since_ms": since_ms, "until_ms": until_ms, "runs": told})
    else:
        for name, run in runs.items():
            for difference in run.differences:
                typer.echo(f"{name}: {difference.place}: {difference.words}")
        derived = sum(run.allocations for run in runs.values())
        assigned = sum(run.assignments for run in runs.values())
        left = sum(run.not_derived for run in runs.values())
        typer.echo(
            f"{derived} allocation rows and {assigned} assignments of {len(runs)} runs derived "
            f"again, {left} assignments that cannot be, {differ} differences",
            err=True,
        )
    if differ:
        raise typer.Exit(FOUND)


def _ms(moment: datetime | None, otherwise_ms: int) -> int:
    if moment is None:
        return otherwise_ms
    return round(moment.replace(tzinfo=UTC).timestamp() * 1000)
