"""`byleave serve`: the decision server of one site."""

from typing import Annotated

import typer

from byleave.server.commands.exits import FOUND
from byleave.server.commands.validate import DEFAULT_FOLDER, Folder, load


def serve(
    folder: Folder = DEFAULT_FOLDER,
    database: Annotated[
        str, typer.Option(help="The SQLite file, made if absent, or a postgresql:// address.")
    ] = "byleave.db",
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8401,
) -> None:
    """Publish a folder of definitions and serve them: snapshots, decisions, events, results.

    The first start prints the key that the site needs; it is shown once. Definitions with a
    fault, a port in use, and a store that another process has, end the command before anything
    starts.
    """
    definitions = load(folder)
    import uvicorn

    from byleave.sdk.middleware import system_clock
    from byleave.server.app import create_app
    from byleave.server.errors import ServerError
    from byleave.server.keys import Role
    from byleave.server.listening import listen, url_of
    from byleave.server.service import Service

    try:
        listener = listen(port, host=host)
        service = Service(database, site=definitions.site, clock=system_clock)
    except ServerError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(FOUND) from None
    service.publish(definitions, reason="byleave serve", author="command line")
    if not service.keys:
        typer.echo(f"server key, shown once: {service.create_key(Role.SERVER)}")
    typer.echo(f"{definitions.site} at {url_of(listener)}")
    for key in definitions.experiments:
        typer.echo(f"  results: {url_of(listener)}{service.results_link(key, lasts_ms=_DAY_MS)}")
    config = uvicorn.Config(
        create_app(service, background=True), access_log=False, timeout_graceful_shutdown=10
    )
    uvicorn.Server(config).run(sockets=[listener])


_DAY_MS = 86_400_000
