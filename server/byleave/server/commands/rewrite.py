"""`byleave rewrite`: what would become of a page."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from byleave.server.commands.exits import refuse


def rewrite(
    page: Annotated[Path, typer.Argument(help="The HTML file; - for standard input.")],
    slots: Annotated[
        Path,
        typer.Option(
            help='JSON: new content by slot, as text or as {"selector": "#id", "html": "..."}.'
        ),
    ],
    chunk: Annotated[
        int | None, typer.Option(min=1, help="Feed the page in pieces of so many bytes.")
    ] = None,
) -> None:
    """Replace the content of a page's slots and write the page to standard output.

    Every byte outside the slots stays as it is. What was found, and what was left alone out of
    doubt, is told on standard error. Exits with 0 also where the page has no slot.
    """
    from byleave.sdk.rewriter import Rewriter
    from byleave.sdk.rewriter.selectors import SelectorError

    content, selectors = _read_slots(slots)
    try:
        html = sys.stdin.buffer.read() if str(page) == "-" else page.read_bytes()
        rewriter = Rewriter(content, selectors=selectors)
    except (OSError, SelectorError) as error:
        refuse(str(error))
    size = chunk or max(len(html), 1)
    for start in range(0, len(html), size):
        sys.stdout.buffer.write(rewriter.feed(html[start : start + size]))
    sys.stdout.buffer.write(rewriter.close())
    for slot in content:
        sighting = rewriter.seen.get(slot)
        typer.echo(f"{slot}: {sighting.outcome if sighting else 'not on this page'}", err=True)


def _read_slots(file: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return new content and selectors by slot; end the command where the file is not such."""
    try:
        data: Any = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise TypeError
        content, selectors = {}, {}
        for slot, given in data.items():
            if isinstance(given, dict):
                selectors[slot] = str(given["selector"])
                given = given["html"]
            content[slot] = given.encode()
    except OSError as error:
        refuse(str(error))
    except (ValueError, TypeError, KeyError, AttributeError):
        refuse(f'{file}: expected JSON such as {{"hero": "<h1>Hello</h1>"}}')
    return content, selectors
