"""Signed comment marks around a slot's default content.

    <!--byleave:hero:0123456789abcdef01234567-->default<!--/byleave:hero-->

The middle part is a truncated keyed hash of the slot's name, so that a comment which a visitor
manages to place on a page cannot open a slot.
"""

import hmac
import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

_NAME: Final = "[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?"
_SIGNATURE_BYTES: Final = 12  # 96 bits: guessing would take one request per guess

OPENING: Final = b"<!--byleave:"
CLOSING: Final = b"<!--/byleave:"
_WORD: Final = b"byleave"
_NAMING: Final = b"data-byleave-slot"
_SHOUTED: Final = b"DATA-BYLEAVE-SLOT"
_ANY: Final = re.compile(rb"<!--/?+byleave:")
LONGEST: Final = 128
"""More bytes than the longest mark has."""

MARK: Final = re.compile(
    rf"<!--(?:/byleave:(?P<closes>{_NAME})|byleave:(?P<opens>{_NAME}):(?P<signature>[0-9a-f]{{24}}))-->".encode(
        "ascii"
    )
)


def mark(name: str, key: bytes) -> tuple[str, str]:
    """Return the comments to put before and after a slot's default content.

    Args:
        name: the slot's name.
        key: the site's key for slot marks.

    Raises:
        ValueError: the name is not one that a slot can have.

    >>> mark("hero", b"a key of 16 byte")
    ('<!--byleave:hero:42db06f0d647bc7706716cbd-->', '<!--/byleave:hero-->')
    """
    if re.fullmatch(_NAME, name) is None:
        raise ValueError(f"a slot's name matches {_NAME}, got {name!r}")
    signature = sign(name.encode("ascii"), key).decode("ascii")
    return f"<!--byleave:{name}:{signature}-->", f"<!--/byleave:{name}-->"


@lru_cache(maxsize=1024)  # a site has few slots, and a hash costs more than the rest of a mark
def sign(name: bytes, key: bytes) -> bytes:
    """Return the signature of a slot's name: 24 hexadecimal digits of HMAC-SHA-256."""
    digest = hmac.digest(key, b"byleave slot mark:" + name, "sha256")
    return digest[:_SIGNATURE_BYTES].hex().encode("ascii")


def is_signed(name: bytes, signature: bytes, keys: Sequence[bytes]) -> bool:
    """Return whether one of the keys made the signature."""
    return any(hmac.compare_digest(sign(name, key), signature) for key in keys)


def signed_slots(page: bytes, keys: Sequence[bytes]) -> list[str]:
    """Return the slots whose signed opening marks are in a page, wherever they stand.

    In the output of a `Rewriter` that looked at more than marks, they are those that stand where
    a mark is not a comment, for example in a script, or that were met and left alone.
    """
    return [
        match["opens"].decode("ascii")
        for match in MARK.finditer(page)
        if match["opens"] and is_signed(match["opens"], match["signature"], keys)
    ]


def mark_starts(page: bytes) -> tuple[list[int], bool]:
    """Return where marks may stand in a whole page, and whether an element may name a slot.

    One search finds both, because each has the word in it.
    """
    found: list[int] = []
    is_named = False
    word = page.find(_WORD)
    while word >= 0:
        if page.startswith(OPENING, word - 4):
            found.append(word - 4)
        elif page.startswith(CLOSING, word - 5):
            found.append(word - 5)
        elif page.startswith(_NAMING, word - 5):
            is_named = True
        word = page.find(_WORD, word + len(_WORD))
    # Some write elements in capitals, and then all of them; templates write no capitals.
    return found, is_named or (not found and _SHOUTED in page)


def next_start(starts: Sequence[int], buffer: bytes, position: int, *, only_openings: bool) -> int:
    """Return the next of these places; the buffer's length if there is none, as `find` does."""
    for start in starts[bisect_left(starts, position) :]:
        if not only_openings or buffer.startswith(OPENING, start):
            return start
    return len(buffer)


def find(buffer: bytes, position: int, *, only_openings: bool) -> int:
    """Return where the next mark may stand, cut off by the buffer's end or not.

    That is the buffer's length if there is none. Opening marks alone are found faster.
    """
    if only_openings:
        start = buffer.find(OPENING, position)
    else:
        match = _ANY.search(buffer, position)
        start = match.start() if match else -1
    if start >= 0:
        return start
    start = buffer.rfind(b"<", max(position, len(buffer) - len(CLOSING)))
    if start >= 0 and any(prefix.startswith(buffer[start:]) for prefix in (OPENING, CLOSING)):
        return start
    return len(buffer)
