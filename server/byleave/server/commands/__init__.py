"""The command line: `byleave COMMAND`."""

from byleave.server.commands.program import run

__all__ = ["run"]
