"""What the commands of the server take, and how they come to their settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from byleave.server.commands.exits import refuse

if TYPE_CHECKING:
    from byleave.server.settings import Setting, Settings

Config = Annotated[
    Path | None,
    typer.Option("--config", help="The file of settings; byleave.toml if it is there."),
]
Database = Annotated[
    str | None, typer.Option(help="The SQLite file, or a postgresql:// address. [byleave.db]")
]

#: How long a link that a command prints may be opened.
DAY_MS: Final = 86_400_000


def settle(config: Path | None, **options: object) -> Settings:
    """Return the settings, or end the command with what is wrong with them."""
    return settle_all(config, **options)[0]


def settle_all(config: Path | None, **options: object) -> tuple[Settings, list[Setting]]:
    """Return the settings and the origin of each, or end the command."""
    from byleave.server.settings import SettingError, read_settings

    try:
        return read_settings(options, file=config)
    except SettingError as error:
        refuse(str(error))
