"""`byleave init`: a first set of definitions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from byleave.server.commands.exits import refuse
from byleave.server.commands.validate import DEFAULT_FOLDER

_FIRST: Final = """\
# What is known about visitors of this site, what counts, and what may change.
site: "{site}"
regions: {{default: opt-in}}     # what silence means: no
events:
  sign_up: {{purposes: [personalisation, analytics], ttl: 400d}}
goals:
  signup: {{event: sign_up, kind: conversion, within: 7d}}
slots:
  hero: {{kind: content}}
"""


def init(
    folder: Annotated[
        Path, typer.Argument(help="The folder to write byleave.yaml to.")
    ] = DEFAULT_FOLDER,
    site: Annotated[str, typer.Option(help="The name of the site.")] = "my-site",
) -> None:
    """Write a first byleave.yaml: one event, one goal, one slot. Nothing is overwritten."""
    from byleave.experiments.naming import NAME_RULE, is_name

    if not is_name(site):
        refuse(f"--site: {NAME_RULE}, got {site!r}")
    file = folder / "byleave.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as written:
            written.write(_FIRST.format(site=site))
    except FileExistsError:
        refuse(f"{file} is there already; nothing was changed")
    except OSError as error:
        refuse(f"{file}: {error.strerror}")
    typer.echo(f"{file}: written; next, `byleave validate {folder}`", err=True)
