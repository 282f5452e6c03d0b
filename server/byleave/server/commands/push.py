"""`byleave plan` and `byleave push`: from a folder of definitions to a running server."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from shutil import which
from typing import Annotated, Any, Final

import typer

from byleave.server.commands.exits import FOUND, UNUSABLE, stop
from byleave.server.commands.plan_words import told
from byleave.server.commands.remote import DEFAULT_SERVER, Key, Remote, Server
from byleave.server.commands.validate import DEFAULT_FOLDER, Folder, load

Take = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PLACE",
        help="What files take over from the console, such as segments.buyers; all for all of it.",
    ),
]
Leave = Annotated[
    list[str] | None,
    typer.Option(metavar="PLACE", help="What files leave to the console from now on."),
]
_PATH: Final = "/v1/definitions"


def plan(
    folder: Folder = DEFAULT_FOLDER,
    server: Server = DEFAULT_SERVER,
    key: Key = "",
    take: Take = None,
    leave: Leave = None,
    without_audience: Annotated[
        bool,
        typer.Option(
            "--without-audience",
            help="Leave out whom audiences win and lose.",
        ),
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 1 where something would change.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the server's answer.")] = False,
) -> None:
    """Say what `push` would change on a running server, and change nothing.

    Exits with 0 where it can be said, with --exit-code only where nothing would change and with 1
    where something would; with 2 where it cannot be said, also for definitions with faults.
    """
    wanted = _wanted(folder, take, leave)
    asked = {**wanted, "audience": not without_audience}
    found = Remote.at(server, key).ask("POST", f"{_PATH}/plan", asked)
    typer.echo(json.dumps(found) if as_json else told(found))
    if exit_code and found["objects"]:
        raise typer.Exit(FOUND)


def push(
    reason: Annotated[str, typer.Option(help="Why; it stands in the history.")],
    folder: Folder = DEFAULT_FOLDER,
    server: Server = DEFAULT_SERVER,
    key: Key = "",
    take: Take = None,
    leave: Leave = None,
    expected: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Publish only upon this version, as plan told it."),
    ] = None,
    revision: Annotated[
        str | None,
        typer.Option(help="The revision of the files; that of their git checkout, if they have."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Undo what was changed on the server meanwhile.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Publish a folder of definitions on a running server, and leave the console its own.

    It tells what changes and asks first. Where somebody published since, or undid on the server
    what files say, nothing happens.
    """
    wanted = _wanted(folder, take, leave)
    remote = Remote.at(server, key)
    found = remote.ask("POST", f"{_PATH}/plan", wanted)
    typer.echo(told(found))
    if not found["objects"]:
        return
    lost = {each["place"] for each in found["objects"]}.intersection(found["drift"])
    if lost and not overwrite:
        stop(
            f"changed on the server since files were published: {', '.join(sorted(lost))}; "
            "`byleave pull` fetches that, --overwrite undoes it"
        )
    if not yes:
        typer.confirm("Publish this?", abort=True)
    version = found["version"] if expected is None else expected
    body = {**wanted, "reason": reason, "revision": revision or _revision(folder)}
    done = remote.ask("POST", _PATH, body, if_match=f'"{version}"')
    at = f" from {done['revision']}" if done["revision"] else ""
    typer.echo(f"published as {done['version']}{at}", err=True)


def _wanted(folder: Path, take: list[str] | None, leave: list[str] | None) -> dict[str, Any]:
    from byleave.segments import plain

    try:
        definitions = load(folder)
    except typer.Exit:
        raise typer.Exit(UNUSABLE) from None  # 1 would say that something changes
    return {
        "definitions": plain(definitions),
        "managed": "files",
        "take": take or [],
        "leave": leave or [],
    }


def _revision(folder: Path) -> str | None:
    """Return the commit that a folder is checked out at, marked where it was changed since."""
    git = which("git")
    if git is None:
        return None
    commit = _said(git, "-C", str(folder), "rev-parse", "HEAD")
    changed = _said(git, "-C", str(folder), "status", "--porcelain", "--", ".")
    return f"{commit} with changes" if commit and changed else commit


def _said(*command: str) -> str | None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - git, by its path
    return done.stdout.strip() or None if done.returncode == 0 else None
