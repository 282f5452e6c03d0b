"""A body in the encodings that its readers take: packed once, and kept."""

import gzip
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final


def _zstd(body: bytes) -> bytes:
    import zstandard  # only with byleave[compression]

    return zstandard.ZstdCompressor(level=9).compress(body)


#: The best first. No time of day goes into the bytes: they follow from the body alone.
_PACKERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "zstd": _zstd,
    "gzip": lambda body: gzip.compress(body, mtime=0),
}
#: The name of a body that is not packed.
IDENTITY: Final = "identity"


class Packable:
    """A body that never changes, with a strong entity tag for each encoding of it."""

    def __init__(self, body: bytes, tag: str) -> None:
        """Take a body, and what names its content."""
        self._tag = tag
        self._packed = {IDENTITY: body}

    def etag(self, coding: str) -> str:
        """Return the strong entity tag of an encoding: other bytes, another tag."""
        return f'"{self._tag}"' if coding == IDENTITY else f'"{self._tag}-{coding}"'

    def best(self, accept_encoding: str) -> tuple[str, bytes]:
        """Return the encoding that a reader likes best of those that can be made, and the body."""
        for coding in _wanted(accept_encoding):
            with suppress(ModuleNotFoundError):
                if coding not in self._packed:
                    self._packed[coding] = _PACKERS[coding](self._packed[IDENTITY])
                return coding, self._packed[coding]
        return IDENTITY, self._packed[IDENTITY]


def _wanted(accept_encoding: str) -> list[str]:
    """Return the encodings that a reader takes and we may know, what it likes best first."""
    quality: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        name, _, parameter = part.strip().partition(";")
        try:
            quality[name.strip()] = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
    liked = {coding: quality.get(coding, quality.get("*", 0.0)) for coding in _PACKERS}
    return sorted((coding for coding in liked if liked[coding] > 0), key=lambda c: -liked[c])
