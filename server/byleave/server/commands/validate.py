"""`byleave validate`: check a folder of definitions."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from byleave.server.commands.exits import FOUND, refuse

if TYPE_CHECKING:  # loaded when a command runs, so that `byleave --help` does not wait
    from byleave.experiments import Definitions
    from byleave.segments import DefinitionError, Fault

Folder = Annotated[Path, typer.Argument(help="The folder that holds byleave.yaml.")]
DEFAULT_FOLDER = Path("byleave")


class Style(StrEnum):
    """How faults are printed: for people, for programs, or as annotations of a review."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def validate(
    folder: Folder = DEFAULT_FOLDER,
    style: Annotated[Style, typer.Option("--format", help="How faults are printed.")] = Style.TEXT,
) -> None:
    """Check definitions: every fault at once, each with its line and what to do.

    Exits with 0 where the set can be published, 1 where it has faults, 2 where there is none.
    """
    definitions = load(folder, style)
    if style is Style.JSON:
        typer.echo(json.dumps({"faults": []}))
    else:
        segments = counted(len(definitions.segments), "segment")
        experiments = counted(len(definitions.experiments), "experiment")
        typer.echo(f"{definitions.site}: {segments}, {experiments}, no fault", err=True)


def load(folder: Path, style: Style = Style.TEXT) -> Definitions:
    """Return the definitions of a folder; print what is wrong and end the command otherwise."""
    from byleave.sdk.folder import load_folder
    from byleave.segments import DefinitionError

    try:
        return load_folder(folder)
    except DefinitionError as error:
        report(error, folder=folder, style=style)
        raise typer.Exit(FOUND) from None
    except (OSError, ModuleNotFoundError) as error:
        refuse(str(error))


def report(
    error: DefinitionError,
    *,
    folder: Path = Path(),
    style: Style = Style.TEXT,
    word: str = "fault",
) -> None:
    """Print everything that is wrong, with files as seen from where the command was started.

    Args:
        error: What is wrong.
        folder: The folder that its places are relative to.
        style: How to print it.
        word: What the last line counts.
    """
    faults = [_as_data(fault, folder) for fault in error.faults]
    if style is Style.JSON:
        typer.echo(json.dumps({"faults": faults}))
    for fault in faults:
        place = f"{fault['file']}:{fault['line']}:{fault['column']}"
        if style is Style.TEXT:
            typer.echo(f"{place}: {fault['message']}", err=True)
        elif style is Style.GITHUB:
            where = f"file={_escaped(fault['file'], ':,')},line={fault['line']}"
            message = _escaped(fault["message"])
            typer.echo(f"::error {where},col={fault['column']}::{message}")
    typer.echo(counted(len(faults), word), err=True)


def _as_data(fault: Fault, folder: Path) -> dict[str, Any]:
    """Return a fault as data."""
    from byleave.sdk.folder import LocatedFault

    assert isinstance(fault, LocatedFault)  # noqa: S101 — what `load_folder` promises
    return {
        "file": (folder / fault.place.file).as_posix(),
        "line": fault.place.line,
        "column": fault.place.column,
        "path": list(fault.path),
        "message": fault.message,
    }


def _escaped(text: str, also: str = "") -> str:
    """Return text as GitHub's workflow commands want it, where `%` begins an escape."""
    for character in f"%\r\n{also}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def counted(count: int, word: str) -> str:
    """Return a number and a word, in the plural where that is right."""
    return f"{count} {word}{'' if count == 1 else 's'}"
