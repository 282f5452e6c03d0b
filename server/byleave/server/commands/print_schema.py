"""`byleave schema`: the JSON Schema of definitions."""

from __future__ import annotations

import json

import typer


def print_schema() -> None:
    """Print the JSON Schema of definitions, by which editors complete and check them."""
    from byleave.server.commands.json_schema import schema

    typer.echo(json.dumps(schema(), indent=2))
