"""`byleave validate`: check a folder of definitions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from byleave.server.commands.exits import FOUND, refuse

if TYPE_CHECKING:  # loaded when a command runs, so that `byleave --help` does not wait
    from byleave.experiments import Definitions
    from byleave.segments import DefinitionError, Fault, Purpose

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
    notes: Annotated[
        bool, typer.Option("--notes", help="Say too whom audiences leave out.")
    ] = False,
    granted: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PURPOSE=SHARE",
            help="The share of page views on which a purpose was agreed to, such as "
            "personalisation=61%; notes then say what an audience costs.",
        ),
    ] = None,
) -> None:
    """Check definitions: every fault at once, each with its line and what to do.

    Without a fault, advice follows on what can never work (an error) or hardly be meant.

    Exits with 0 where the set can be published, 1 where it has faults or errors, 2 where there
    is none.
    """
    shares = _shares(granted or [])
    definitions = load(folder, style)
    advice = _advice(definitions, folder, notes=notes, granted=shares)
    if style is Style.JSON:
        typer.echo(json.dumps({"faults": [], "advice": advice}))
    for each in advice:
        _show(each, style)
    counts = Counter(each["severity"] for each in advice)
    if style is not Style.JSON:
        said = [counted(counts[word], word) for word in ("error", "warning") if counts[word]]
        segments = counted(len(definitions.segments), "segment")
        experiments = counted(len(definitions.experiments), "experiment")
        summary = ", ".join([segments, experiments, "no fault", *said])
        typer.echo(f"{definitions.site}: {summary}", err=True)
    if counts["error"]:
        raise typer.Exit(FOUND)


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
        _show(fault, style)
    typer.echo(counted(len(faults), word), err=True)


def _shares(granted: list[str]) -> dict[Purpose, float]:
    from byleave.segments import Purpose, Share

    try:
        pairs = (each.partition("=") for each in granted)
        return {Purpose(purpose): Share.parse(share) for purpose, _, share in pairs}
    except ValueError as error:
        refuse(f"--granted: expected PURPOSE=SHARE such as personalisation=61%: {error}")


def _advice(
    definitions: Definitions, folder: Path, *, notes: bool, granted: Mapping[Purpose, float]
) -> list[dict[str, Any]]:
    """Return what authors should know of definitions without faults, the worst first."""
    from byleave.experiments.advising import advise
    from byleave.sdk.folder import locate
    from byleave.segments.advice import Severity

    advice = advise(definitions, granted=granted)
    return [
        {"severity": str(severity), **_as_data(fault, folder)}
        for severity in Severity
        if notes or severity is not Severity.NOTE
        for fault in locate(folder, (each for each in advice if each.severity is severity))
    ]


def _show(fault: Mapping[str, Any], style: Style) -> None:
    """Print one fault or piece of advice, except as JSON."""
    place, severity = f"{fault['file']}:{fault['line']}:{fault['column']}", fault.get("severity")
    if style is Style.TEXT:
        said = f"{severity}: " if severity else ""
        typer.echo(f"{place}: {said}{fault['message']}", err=True)
    elif style is Style.GITHUB:
        level = {"warning": "warning", "note": "notice"}.get(str(severity), "error")
        where = f"file={_escaped(fault['file'], ':,')},line={fault['line']}"
        message = _escaped(fault["message"])
        typer.echo(f"::{level} {where},col={fault['column']}::{message}")


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
