"""`byleave fmt`: lay out YAML files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from byleave.server.commands.exits import FOUND, refuse
from byleave.server.commands.validate import DEFAULT_FOLDER, counted


def fmt(
    folder: Annotated[
        Path, typer.Argument(help="A folder of YAML files, or one file.")
    ] = DEFAULT_FOLDER,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit with 1 where fmt would.")
    ] = False,
) -> None:
    """Lay out YAML files in one way, keeping comments, blank lines, quotes and order.

    A file that cannot be laid out without losing something is left as it is, and said.
    """
    try:
        from byleave.server.layout import UnformattableError, formatted
        from byleave.server.yaml_documents import yaml_files
    except ModuleNotFoundError as error:
        refuse(f"laying out YAML needs {error.name}: pip install 'byleave[server]'")

    files = yaml_files(folder)
    if not files:
        refuse(f"no YAML file in {folder}")
    changed = faults = 0
    for file in files:
        try:
            text = file.read_bytes().decode()
            result = formatted(text)
            if result != text:
                changed += 1
                typer.echo(f"{file}: {'would change' if check else 'laid out'}", err=True)
                if not check:
                    file.write_bytes(result.encode())
        except UnformattableError as error:
            faults += 1
            typer.echo(f"{file}:{error.line}: {error}", err=True)
        except UnicodeDecodeError:
            faults += 1
            typer.echo(f"{file}:1: expected UTF-8", err=True)
        except OSError as error:
            refuse(f"{file}: {error.strerror}")
    done = f"{changed} {'would change' if check else 'laid out'}"
    typer.echo(f"{counted(len(files), 'file')}, {done}", err=True)
    if faults or (check and changed):
        raise typer.Exit(FOUND)
