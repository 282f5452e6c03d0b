"""`byleave explain`: what segments and slots make of a persona, and why."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from byleave.server.commands.exits import FOUND, refuse
from byleave.server.commands.validate import Folder, load, report

if TYPE_CHECKING:  # loaded when the command runs, so that `byleave --help` does not wait
    from byleave.experiments import Definitions
    from byleave.server.commands.personas import Persona


def explain(
    folder: Folder,
    file: Annotated[Path, typer.Option("--persona", help="A YAML file that holds one persona.")],
    segment: Annotated[str | None, typer.Option(help="Explain this segment only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Explain segments and slots for a persona: each verdict with the conditions behind it.

    No server is asked: the arms are drawn with the weights that a site without one has.
    """
    definitions = load(folder)

    from byleave.segments import unknown_name
    from byleave.server.commands.explanations import as_text, explanation
    from byleave.server.commands.personas import standing

    if segment is not None and segment not in definitions.segments:
        refuse(unknown_name("segment", segment, definitions.segments, ()).message)
    explained = explanation(
        standing(_persona(file, definitions), definitions, now_ms=time.time_ns() // 1_000_000),
        segments=[segment] if segment else definitions.segments,
        journeys=[] if segment else definitions.vocabulary.journeys,
        slots=[] if segment else definitions.slots,
    )
    if as_json:
        typer.echo(json.dumps(explained))
    else:
        typer.echo("\n".join(as_text(explained)))


def _persona(file: Path, definitions: Definitions) -> Persona:
    """Return the persona of a file; print what is wrong and end the command otherwise."""
    from byleave.segments import DefinitionError
    from byleave.server.commands.personas import Persona
    from byleave.server.yaml_documents import read_documents

    try:
        documents = read_documents(file, name=str(file))
        if len(documents) != 1:
            refuse(f"{file}: expected one persona, found {len(documents)} documents")
        persona = documents[0].read(Persona)
        if faults := documents[0].located(persona.faults(definitions)):
            raise DefinitionError(faults)
    except DefinitionError as error:
        report(error)
        raise typer.Exit(FOUND) from None
    except OSError as error:
        refuse(f"{file}: {error.strerror}")
    return persona
