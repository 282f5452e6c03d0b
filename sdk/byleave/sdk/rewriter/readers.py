"""Readers of what cannot be taken whole: each goes on where the last chunk ended.

A reader is asked again and again with the buffer and a position; it answers how far it came and
whether it is done. What it has passed is never read again, so it holds back only the few bytes
that may be the beginning of what it looks for.
"""

import re
from functools import cache
from typing import Final, NamedTuple, Protocol

from byleave.sdk.rewriter import tokens


class Progress(NamedTuple):
    """How far a reader came, and whether its construct ends there."""

    position: int
    is_done: bool


class Reader(Protocol):
    """What reads one construct to its end."""

    def read(self, buffer: bytes, position: int) -> Progress:
        """Read on from a position."""
        ...


class Until:
    """Reads up to and with the next match of a pattern, for example to the end of a comment.

    Args:
        end: what to look for.
        reach: the length of the longest beginning of a match that is not yet one, in bytes.
        stop_before: whether the match itself is left for others to read.
    """

    __slots__ = ("_end", "_reach", "_stop_before")

    def __init__(self, end: re.Pattern[bytes], reach: int, *, stop_before: bool = False) -> None:
        self._end = end
        self._reach = reach
        self._stop_before = stop_before

    def read(self, buffer: bytes, position: int) -> Progress:
        """Read on from a position."""
        match = self._end.search(buffer, position)
        if match is None:
            return Progress(max(position, len(buffer) - self._reach), False)
        return Progress(match.start() if self._stop_before else match.end(), True)


@cache
def raw_text(name: bytes) -> Until:
    """Return the reader of the text in an element like `style`, up to its end tag."""
    return Until(tokens.raw_text_end(name), len(b"</" + name), stop_before=True)


COMMENT: Final = Until(tokens.COMMENT_END, 3)
CDATA: Final = Until(tokens.CDATA_END, 2)
DECLARATION: Final = Until(tokens.DECLARATION_END, 0)


class Script:
    """Reads a script up to the end tag that ends it.

    After `<!--`, a `<script` hides the next `</script` until `-->` (the standard's "script data
    double escaped state").
    """

    __slots__ = ("_depth",)

    _REACH: Final = len(b"</script")

    def __init__(self) -> None:
        self._depth = 0  # 0: plain; 1: after `<!--`; 2: in a script that was opened there

    def read(self, buffer: bytes, position: int) -> Progress:
        """Read on from a position."""
        while True:
            pattern = tokens.HIDDEN_SCRIPT if self._depth else tokens.SCRIPT
            match = pattern.search(buffer, position)
            if match is None:
                return Progress(max(position, len(buffer) - self._REACH), False)
            position = match.end()
            if match[0] == b"<!--":
                self._depth = 1
                position -= 2  # its dashes may be those of `-->`
            elif match[0] == b"-->":
                self._depth = 0
            elif match[0][1:2] != b"/":
                self._depth = 2
            elif self._depth == 2:
                self._depth = 1
            else:
                return Progress(match.start(), True)


class Rest:
    """Passes everything to the end of the page."""

    __slots__ = ()

    def read(self, buffer: bytes, position: int) -> Progress:
        """Read on from a position."""
        return Progress(max(position, len(buffer)), False)


REST: Final = Rest()
