"""The program that gathers the commands.

Each command lives in a module of its own and imports what it needs when it runs, so that
`byleave --help` and `byleave validate` do not wait for NumPy.
"""

import typer

from byleave.server.commands.consent import decode
from byleave.server.commands.validate import validate


def _group(about: str) -> typer.Typer:
    return typer.Typer(
        help=about, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
    )


program = _group("Website personalisation that asks first.")
program.command("validate")(validate)

consent = _group("What consent strings say.")
consent.command("decode")(decode)
program.add_typer(consent, name="consent")


def run() -> None:
    """Run the command that the arguments name."""
    program()
