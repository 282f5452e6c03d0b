"""A body's encodings: the charset its text is in, and gzip around it."""

import re
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from byleave.sdk.headers import Headers, first

_META: Final = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_HEADER: Final = re.compile(r"charset\s*=\s*\"?([\w.:-]{1,40})", re.IGNORECASE)
#: Browsers look for the charset in the first kilobyte; so do we.
_PRESCAN: Final = 1_024
#: Encodings in which an ASCII byte need not be an ASCII character; we leave such pages alone.
_UNSAFE: Final = re.compile(r"utf-?(16|32|7)|ucs-?[24]|iso-?2022|hz-gb|ebcdic|cp037|cp500", re.I)
#: Web pages that claim these mean their supersets (WHATWG Encoding Standard, section 4.2).
_SUPERSETS: Final = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "iso-8859-9": "cp1254",
}
#: A page that unpacks to more than this is left alone.
_MOST_UNPACKED: Final = 64 * 1_048_576
#: The largest window that browsers accept of Zstandard (RFC 9659).
_MOST_WINDOW: Final = 8 * 1_048_576


def charset(headers: Headers, start: bytes) -> str | None:
    """Return the Python codec for a page's text; None where its bytes are not safe to scan.

    A byte order mark decides, then the header, then `<meta>`; otherwise UTF-8 (WHATWG HTML,
    13.2.3.2).

    Args:
        headers: The response's.
        start: The body's first bytes.
    """
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    if start.startswith(b"\xef\xbb\xbf"):
        return "utf-8"
    named = _HEADER.search(first(headers, b"content-type"))
    name = named[1].lower() if named else ""
    if not name:
        meta = _META.search(start[:_PRESCAN])
        name = meta[1].decode().lower() if meta else ""
    if _UNSAFE.match(name):
        return None
    try:
        "".encode(codec := _SUPERSETS.get(name, name or "utf-8"))
    except LookupError:
        return "ascii"  # everything beyond it becomes a character reference
    return codec


def encoded(text: str, codec: str) -> bytes:
    """Return text in a page's charset; what it cannot write becomes a character reference."""
    return text.encode(codec, "xmlcharrefreplace")


class Plain:
    """A body without a content encoding."""

    def unpack(self, data: bytes) -> bytes:
        """Return the body's own bytes."""
        return data

    def pack(self, data: bytes, *, is_last: bool) -> bytes:
        """Return what goes out."""
        return data


class Gzip:
    """A gzip body, unpacked and packed again piece by piece.

    Raises:
        ValueError: `unpack` was given what is not gzip, or too much.
    """

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(wbits=31)
        self._packer = zlib.compressobj(level=6, wbits=31)
        self._left = _MOST_UNPACKED

    def unpack(self, data: bytes) -> bytes:
        """Return the text that these bytes complete."""
        try:
            text = self._unpacker.decompress(data, self._left)
        except zlib.error:
            raise ValueError("expected gzip") from None
        self._left -= len(text)
        if self._left <= 0 or self._unpacker.unused_data:
            raise ValueError(f"expected one gzip stream of at most {_MOST_UNPACKED} bytes")
        return text

    def pack(self, data: bytes, *, is_last: bool) -> bytes:
        """Return gzip that a browser can show at once, so that streaming stays streaming."""
        packed = self._packer.compress(data)
        return packed + self._packer.flush(zlib.Z_FINISH if is_last else zlib.Z_SYNC_FLUSH)


class Packed:
    """A body in an encoding whose library a site has installed, unpacked and packed again.

    Args:
        unpacker: Returns the text that some bytes complete, of at most so many bytes.
        packer: Returns what some text becomes.
        flush: Returns what makes all of it readable so far.
        finish: Returns the end.
    """

    def __init__(
        self,
        unpacker: Callable[[bytes], bytes],
        packer: Callable[[bytes], bytes],
        flush: Callable[[], bytes],
        finish: Callable[[], bytes],
    ) -> None:
        self._unpacker = unpacker
        self._packer = packer
        self._flush = flush
        self._finish = finish
        self._left = _MOST_UNPACKED

    def unpack(self, data: bytes) -> bytes:
        """Return the text that these bytes complete.

        Raises:
            ValueError: It is not what it claims to be, or too much.
        """
        try:
            text = self._unpacker(data) if data else b""
        except Exception:
            raise ValueError("expected another encoding") from None
        self._left -= len(text)
        if self._left <= 0:
            raise ValueError(f"expected at most {_MOST_UNPACKED} bytes")
        return text

    def pack(self, data: bytes, *, is_last: bool) -> bytes:
        """Return what a browser can show at once, so that streaming stays streaming."""
        return self._packer(data) + (self._finish() if is_last else self._flush())


def _brotli() -> Packed:
    import brotli

    unpacker, packer = brotli.Decompressor(), brotli.Compressor(quality=4)
    return Packed(
        lambda data: _whole(unpacker.process(data, output_buffer_limit=_MOST_UNPACKED)),
        packer.process,
        packer.flush,
        packer.finish,
    )


def _zstandard() -> Packed:
    import zstandard

    unpacker = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW).decompressobj()
    packer = zstandard.ZstdCompressor(level=3).compressobj()
    return Packed(
        unpacker.decompress,
        packer.compress,
        lambda: packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK),
        lambda: packer.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH),
    )


def _whole(text: bytes) -> bytes:
    if len(text) >= _MOST_UNPACKED:
        raise ValueError("too much")
    return text


Coding = Plain | Gzip | Packed
_CODINGS: Final[Mapping[str, Callable[[], Coding]]] = {
    "": Plain,
    "identity": Plain,
    "gzip": Gzip,
    "x-gzip": Gzip,
    "br": _brotli,
    "zstd": _zstandard,
}


def coding(headers: Headers) -> Coding | None:
    """Return how to unpack a body, or None for an encoding that we do not know.

    Brotli and Zstandard are known where `byleave[compression]` is installed.
    """
    make = _CODINGS.get(first(headers, b"content-encoding").strip().lower())
    try:
        return None if make is None else make()
    except ModuleNotFoundError:
        return None
