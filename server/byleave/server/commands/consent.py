"""`byleave consent decode`: what consent strings say."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, BinaryIO, Final

import typer

#: How much of a line is read at once; no decoder takes even 4,097 characters.
LONGEST_LINE: Final = 8_192


class StringFormat(StrEnum):
    """The specification that a consent string follows."""

    TC = "tc"
    GPP = "gpp"
    USP = "usp"


def decode(
    specification: Annotated[
        StringFormat,
        typer.Option(
            "--format",
            help="tc: Transparency and Consent; gpp: Global Privacy Platform; usp: US Privacy.",
        ),
    ],
) -> None:
    """Decode consent strings, one on each line of standard input.

    Prints one JSON object for each line: {"ok": true, "decoded": ...} or
    {"ok": false, "error": ...}. Exits with 0, whatever the lines hold.
    """
    from byleave.segments.consent.lines import decode_line

    too_long = {"ok": False, "error": f"expected a line of less than {LONGEST_LINE} bytes"}
    for line in _lines(sys.stdin.buffer):
        # Every answer is flushed, so that another program can ask line by line.
        typer.echo(json.dumps(too_long if line is None else decode_line(specification.value, line)))


def _lines(source: BinaryIO) -> Iterator[str | None]:
    """Yield each line without its end; None for one that is too long to be kept in memory."""
    while line := source.readline(LONGEST_LINE):
        part = line
        while len(part) == LONGEST_LINE and not part.endswith(b"\n"):
            part = source.readline(LONGEST_LINE)
        # Any byte becomes a character, and every decoder refuses those beyond ASCII.
        text = line.removesuffix(b"\n").removesuffix(b"\r").decode("latin-1")
        yield text if part is line else None
