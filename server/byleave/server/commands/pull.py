"""`byleave pull`: from a running server to a folder of definitions."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from byleave.server.commands.exits import stop
from byleave.server.commands.remote import DEFAULT_SERVER, Key, Remote, Server
from byleave.server.commands.validate import DEFAULT_FOLDER, Folder, counted, load


def pull(
    folder: Folder = DEFAULT_FOLDER,
    server: Server = DEFAULT_SERVER,
    key: Key = "",
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Change and remove, too, what the folder has and the server not."
        ),
    ] = False,
) -> None:
    """Write to a folder what is published on a running server.

    Objects that the folder lacks get a file each, with the comments that were written to them in
    the console. Where it has another object than the server, or one that the server lacks,
    nothing is written at all, unless --overwrite says that the server is right. Files of objects
    that do not change stay as they are, comments and all.
    """
    from byleave.segments import plain
    from byleave.server.managing import objects

    found = Remote.at(server, key).ask("GET", "/v1/definitions")
    local = plain(load(folder)) if (folder / "byleave.yaml").exists() else {}
    before, after = objects(local) if local else {}, objects(found["definitions"])
    places = sorted(
        (place for place in before.keys() | after.keys() if before.get(place) != after.get(place)),
        key=lambda place: (place != "site", place),
    )
    clashing = [place for place in places if place in before]
    if clashing and not overwrite:
        for place in clashing:
            how = "not on the server" if place not in after else "another on the server"
            typer.echo(f"{place}: {how}", err=True)
        stop(f"{folder}: nothing is written; --overwrite makes it as it is on the server")
    changed = _write(folder, places, before, after, found) if places else []
    for file in changed:
        typer.echo(f"{folder / file}: {'written' if (folder / file).exists() else 'removed'}")
    typer.echo(
        f"{folder} is as {found['version']}, {counted(len(changed), 'file')} changed", err=True
    )


def _write(
    folder: Path,
    places: Iterable[str],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    found: Mapping[str, Any],
) -> list[Path]:
    """Write what changes, once it is known to say what the server says."""
    from byleave.sdk.folder import load_folder
    from byleave.segments import DefinitionError, plain
    from byleave.server.commands.definition_files import DefinitionFiles

    files = DefinitionFiles(folder)
    written = found.get("texts", {})  # older servers do not tell
    for place in places:
        files.put(place, before.get(place), after.get(place), written.get(place, ""))
    texts = files.texts()
    with TemporaryDirectory() as scratch:
        tried = Path(scratch, "definitions")
        if folder.is_dir():
            shutil.copytree(folder, tried)
        _put(tried, texts)
        try:
            is_same = plain(load_folder(tried)) == found["definitions"]
        except DefinitionError:
            is_same = False
    if not is_same:
        stop(f"{folder}: cannot be changed into what the server has; pull into an empty folder")
    _put(folder, texts)
    return [*texts]


def _put(folder: Path, texts: Mapping[Path, str]) -> None:
    for file, text in texts.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if text:
            path.write_text(text, encoding="utf-8")
        else:
            path.unlink(missing_ok=True)
