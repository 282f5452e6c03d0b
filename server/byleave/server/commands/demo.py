"""`byleave demo`: weeks of a real site with simulated visitors, in about a minute."""

import json
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from byleave.server.commands.exits import FOUND

if TYPE_CHECKING:  # loading the server takes a second that `--help` does not need
    from byleave.server.demo.stage import Stage


def demo(
    once: Annotated[bool, typer.Option("--once", help="Print the result and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON.")] = False,
    seed: Annotated[int, typer.Option(help="All chance follows from it.")] = 1,
    visitors: Annotated[
        int | None,
        typer.Option(min=1, help="How many people come: 13,000 with --once, 5,000 without."),
    ] = None,
    site_port: Annotated[int, typer.Option(help="Where the shop listens.")] = 8400,
    server_port: Annotated[int, typer.Option(help="Where the server listens.")] = 8401,
) -> None:
    """Watch a bookshop adapt: simulated visitors, a server that learns, and the lift it proves.

    Everything stays on this machine. With --once the visitors come by calls inside the process,
    and the same seed gives the same result; without it they come over HTTP, and shop and results
    stay open until you press Ctrl+C.
    """
    from byleave.segments import DefinitionError
    from byleave.server.errors import ServerError

    try:
        with tempfile.TemporaryDirectory(prefix="byleave-demo-") as folder:
            database = Path(folder) / "demo.db"
            if once:
                _once(database, seed=seed, visitors=visitors or 13_000, as_json=as_json)
            else:
                _open(
                    database, seed=seed, visitors=visitors or 5_000, ports=(site_port, server_port)
                )
    except (DefinitionError, ServerError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(FOUND) from None
    except KeyboardInterrupt:
        typer.echo("\nstopped", err=True)


def _once(database: Path, *, seed: int, visitors: int, as_json: bool) -> None:
    from byleave.server.demo.clock import SteppedClock
    from byleave.server.demo.simulation import START_MS, simulate
    from byleave.server.demo.stage import SITE, Stage
    from byleave.server.demo.summary import as_text, summary
    from byleave.server.demo.transports import AsgiTransport

    stage = Stage.set_up(database, clock=SteppedClock(START_MS), seed=seed)
    transport = AsgiTransport(stage.shop, f"{SITE}.example")
    came = simulate(stage, transport, seed=seed, count=visitors, progress=_progress(as_json))
    if as_json:
        typer.echo(json.dumps(summary(stage, came)))
    else:
        _print(as_text(stage, came))
    transport.close()
    stage.close()


def _open(database: Path, *, seed: int, visitors: int, ports: tuple[int, int]) -> None:
    from byleave.server.demo.clock import SteppedClock
    from byleave.server.demo.serving import serving
    from byleave.server.demo.simulation import START_MS, simulate
    from byleave.server.demo.stage import Stage
    from byleave.server.demo.summary import as_text
    from byleave.server.demo.transports import HttpTransport
    from byleave.server.listening import listen, url_of

    site_listener, server_listener = map(listen, ports)
    site_url, server_url = url_of(site_listener), url_of(server_listener)
    stage = Stage.set_up(database, clock=SteppedClock(START_MS), seed=seed, server_url=server_url)
    with ExitStack() as stack:
        stack.callback(stage.close)
        stack.enter_context(serving(stage.server, server_listener))
        stack.enter_context(serving(stage.shop, site_listener))
        transport = HttpTransport(site_url)
        came = simulate(stage, transport, seed=seed, count=visitors, progress=_progress(False))
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        _print(as_text(stage, came))
        _print(_links(stage, site_url, server_url))
        stage.clock.let_go()
        while not stopped.wait(1):
            stage.catch_up()


def _links(stage: "Stage", site_url: str, server_url: str) -> Iterator[str]:
    yield ""
    yield f"The shop:     {site_url}/"
    for key in stage.service.published.snapshot.definitions.experiments:
        yield f"The results:  {server_url}{stage.service.results_link(key, lasts_ms=86_400_000)}"
    yield "Visitors are simulated; yours are not. Ctrl+C stops everything."


def _progress(is_quiet: bool) -> Callable[[str], None]:
    def tell(line: str) -> None:
        if not is_quiet:
            typer.echo(line, err=True)

    return tell


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        typer.echo(line)
