"""`byleave proxy`: personalisation in front of a site that is not written in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from byleave.server.commands.exits import FOUND, refuse
from byleave.server.commands.validate import DEFAULT_FOLDER, Folder


def proxy(
    to: Annotated[str, typer.Option(help="The site's address, such as http://127.0.0.1:3000.")],
    folder: Folder = DEFAULT_FOLDER,
    server: Annotated[
        str | None, typer.Option(help="A decision server, in place of the folder.")
    ] = None,
    key: Annotated[str, typer.Option(envvar="BYLEAVE_KEY", help="The site's server key.")] = "",
    secret: Annotated[
        list[str] | None,
        typer.Option(envvar="BYLEAVE_SECRETS", help="Signs cookies; the last one given signs."),
    ] = None,
    slot: Annotated[
        list[str] | None,
        typer.Option(help="A slot and the selector of its element, such as hero=#hero."),
    ] = None,
    templates: Annotated[
        Path | None, typer.Option(help="A folder of Jinja templates for variants.")
    ] = None,
    country_header: Annotated[
        str | None, typer.Option(help="The header in which a proxy names the country.")
    ] = None,
    country_file: Annotated[
        Path | None, typer.Option(help="A MaxMind DB file to find the country in.")
    ] = None,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show on each page how it was decided; not for visitors."),
    ] = False,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8402,
) -> None:
    """Stand in front of any site and personalise its pages.

    Everything else that the site answers is passed on as it is. WebSockets are refused. A fault
    in the definitions, a wrong option and a port in use end the command before anything starts.
    """
    import uvicorn

    from byleave.sdk import Personalise
    from byleave.segments import DefinitionError
    from byleave.server.commands.validate import load
    from byleave.server.deadlines import PassingProtocol
    from byleave.server.errors import ServerError
    from byleave.server.listening import listen, url_of
    from byleave.server.proxy import Proxy
    from byleave.server.serving import DRAIN_S, IDLE_S

    if server is not None and not key:
        refuse("no key: give --key, or BYLEAVE_KEY in the environment")
    options: dict[str, Any] = {"server": server, "key": key}
    if server is None:
        options = {"definitions": load(folder)}
    try:
        app = Personalise(
            Proxy(to),
            **options,
            secrets=secret or (),
            selectors=dict(_pair(given) for given in slot or ()),
            templates=_environment(templates),
            country_header=country_header,
            country_file=country_file,
            debug=debug,
        )
        listener = listen(port, host=host)
    except (ValueError, OSError, ModuleNotFoundError, DefinitionError) as error:
        refuse(str(error))
    except ServerError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(FOUND) from None
    typer.echo(f"open {url_of(listener)}, in front of {to}")
    config = uvicorn.Config(
        app,
        http=PassingProtocol,
        access_log=False,
        server_header=False,  # the site has said both
        date_header=False,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=DRAIN_S,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _pair(text: str) -> tuple[str, str]:
    slot, equals, selector = text.partition("=")
    if not slot or not equals or not selector:
        raise ValueError(f"expected a slot and a selector, such as hero=#hero, got {text!r}")
    return slot, selector


def _environment(folder: Path | None) -> Any:
    if folder is None:
        return None
    from jinja2 import Environment, FileSystemLoader

    if not folder.is_dir():
        raise ValueError(f"{folder}: expected a folder of templates")
    return Environment(loader=FileSystemLoader(folder), autoescape=True)
