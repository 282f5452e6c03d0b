"""How a command ends: 0 all is well, 1 something was found, 2 nothing could be done."""

from typing import Final, NoReturn

import typer

#: The command did its work and found faults.
FOUND: Final = 1

#: The command was used wrongly, or what it was asked about is not there.
UNUSABLE: Final = 2


def stop(message: str) -> NoReturn:
    """End the command because of what it found; the message says what to do about it."""
    typer.echo(message, err=True)
    raise typer.Exit(FOUND) from None


def refuse(message: str) -> NoReturn:
    """End the command because it cannot do what it was asked; the message says why."""
    typer.echo(message, err=True)
    raise typer.Exit(UNUSABLE) from None
