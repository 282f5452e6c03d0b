"""What an image is, by its bytes alone, and its bytes without what may tell of a person.

Of each kind only those parts are kept that pictures are made of: no Exif with its places and
devices, no comments, no thumbnails of what was cut off, nothing after the end. Of Exif alone
which way up a picture is stays. The pictures themselves stay as they are to the bit: nothing is
decoded, so that there is nothing to overwhelm.

Formats: PNG (ISO/IEC 15948), JPEG (ITU-T T.81), GIF89a, WebP (RFC 9649), AVIF (AV1 Image File
Format 1.1 on ISO/IEC 14496-12), and Exif 2.32 in the first, the second and the fourth.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from struct import error as StructError
from struct import pack, unpack_from
from typing import Final, NamedTuple
from zlib import crc32

from byleave.server.errors import ServerError

#: The widest and highest that is taken, and how many pixels in all.
MOST_SIDE: Final = 8_192
MOST_PIXELS: Final = 25_000_000


class Flaw(StrEnum):
    """Why an image is not taken."""

    KIND = "kind"  # none of the kinds that there are
    BROKEN = "broken"  # its parts do not fit together
    NOTES = "notes"  # it tells of a person in a place that cannot be left out
    PIXELS = "pixels"  # too many to decode
    BYTES = "bytes"  # too long
    FULL = "full"  # the site holds as many as it may


class ImageError(ServerError):
    """An image that is not taken.

    Attributes:
        flaw: Why.
    """

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(f"this image is not taken: {flaw}")
        self.flaw = flaw


class Picture(NamedTuple):
    """An image that is taken: its kind, as names end, its size in pixels, and its bytes."""

    kind: str
    width: int
    height: int
    data: bytes


def cleaned(data: bytes) -> Picture:
    """Return an image without what may tell of a person.

    Raises:
        ImageError: It is of no kind that is taken, broken, or too large to decode.
    """
    try:
        picture = _read(data)
    except (IndexError, StructError) as error:
        raise ImageError(Flaw.BROKEN) from error
    if not picture.width or not picture.height:
        raise ImageError(Flaw.BROKEN)
    if max(picture[1:3]) > MOST_SIDE or picture.width * picture.height > MOST_PIXELS:
        raise ImageError(Flaw.PIXELS)
    return picture


def _read(data: bytes) -> Picture:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return _gif(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data)
    if data[4:8] == b"ftyp":
        return _avif(data)
    raise ImageError(Flaw.KIND)


_PNG_KEPT: Final = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA sRGB iCCP cICP sBIT bKGD pHYs acTL fcTL fdAT".split()
)


def _png(data: bytes) -> Picture:
    kept, at, kind, turned = [data[:8]], 8, b"", 1
    if data[12:16] != b"IHDR":
        raise ImageError(Flaw.BROKEN)
    width, height = unpack_from(">II", data, 16)
    while kind != b"IEND":
        (length,), kind = unpack_from(">I", data, at), data[at + 4 : at + 8]
        end = at + 12 + length
        (checksum,) = unpack_from(">I", data, end - 4)
        if crc32(data[at + 4 : end - 4]) != checksum:
            raise ImageError(Flaw.BROKEN)
        if kind in _PNG_KEPT:
            kept.append(data[at:end])
        if kind == b"eXIf":
            turned = _orientation(data[at + 8 : end - 4])
        at = end
    if turned > 1:
        chunk = b"eXIf" + _tiff(turned)
        kept.insert(2, pack(">I", len(chunk) - 4) + chunk + pack(">I", crc32(chunk)))
    return Picture("png", *_upright(width, height, turned), b"".join(kept))


_SCAN, _APP0, _APP1, _APP2, _APP14 = 0xDA, 0xE0, 0xE1, 0xE2, 0xEE
_END: Final = b"\xff\xd9"
#: Frames of each process, and the tables that they need.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_KEPT: Final = _FRAMES | {0xC4, 0xCC, _SCAN, 0xDB, 0xDC, 0xDD}
#: What ends a scan: a marker that is neither a stuffed byte, a restart nor a filler.
_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)


def _jpeg(data: bytes) -> Picture:
    kept, at, width, height, turned = [], 2, 0, 0, 1
    while data[at : at + 2] != _END:
        marker = data[at + 1]
        if marker == data[at] == 0xFF:  # a filler
            at += 1
            continue
        if data[at] != 0xFF or marker < 0xC0 or (marker in _FRAMES and width):
            raise ImageError(Flaw.BROKEN)
        (length,) = unpack_from(">H", data, at + 2)
        segment, at = data[at : at + 2 + length], at + 2 + length
        if length < 2 or at > len(data):
            raise ImageError(Flaw.BROKEN)
        if marker in _FRAMES:
            height, width = unpack_from(">HH", segment, 5)
        if marker == _APP1 and segment[4:10] == b"Exif\0\0":
            turned = _orientation(segment[10:])
        kept.append(_kept_segment(marker, segment))
        if marker == _SCAN:
            found = _NEXT_MARKER.search(data, at)
            if found is None:
                raise ImageError(Flaw.BROKEN)
            kept.append(data[at : found.start()])
            at = found.start()
    if turned > 1:
        exif = b"Exif\0\0" + _tiff(turned)
        kept.insert(0, b"\xff\xe1" + pack(">H", 2 + len(exif)) + exif)
    whole = b"".join([data[:2], *kept, _END])
    return Picture("jpg", *_upright(width, height, turned), whole)


def _kept_segment(marker: int, segment: bytes) -> bytes:
    """Return what is kept of a segment: all, nothing, or the head of JFIF without a thumbnail."""
    if marker == _APP0 and segment[4:9] == b"JFIF\0":
        return segment[:2] + b"\0\x10" + segment[4:16].ljust(12, b"\0") + b"\0\0"
    is_colour = marker == _APP2 and segment[4:16] == b"ICC_PROFILE\0"
    is_adobe = marker == _APP14 and segment[4:9] == b"Adobe"
    return segment if marker in _JPEG_KEPT or is_colour or is_adobe else b""


def _orientation(tiff: bytes) -> int:
    """Return which way up an Exif block says that the picture is, 1 to 8; 1 where it is unsaid."""
    order = ">" if tiff[:2] == b"MM" else "<"
    try:
        (start,) = unpack_from(f"{order}I", tiff, 4)
        (count,) = unpack_from(f"{order}H", tiff, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, _kind, _count, value = unpack_from(f"{order}HHIH", tiff, at)
            if tag == 0x0112 and 1 <= value <= 8:
                return int(value)
    except StructError:
        pass
    return 1


def _tiff(orientation: int) -> bytes:
    """Return an Exif block that says which way up a picture is, and nothing else."""
    tag = pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"MM\0*" + pack(">IH", 8, 1) + tag + bytes(4)


def _upright(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Return how wide and how high a picture is once it is turned the right way up."""
    return (height, width) if orientation > 4 else (width, height)


_LOOPS: Final = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def _gif(data: bytes) -> Picture:
    width, height = unpack_from("<HH", data, 6)
    at = 13 + _table(data[10])
    kept = [data[:at]]
    while data[at] != 0x3B:
        start, label, is_kept = at, data[at + 1], True
        if data[at] == 0x2C:
            left, top, own_width, own_height = unpack_from("<HHHH", data, at + 1)
            width, height = max(width, left + own_width), max(height, top + own_height)
            at += 11 + _table(data[at + 9])
        elif data[at] == 0x21:
            is_loop = label == 0xFF and data[at + 3 : at + 14] in _LOOPS
            is_kept = label == 0xF9 or is_loop
            at += 2
        else:
            raise ImageError(Flaw.BROKEN)
        while data[at]:
            at += 1 + data[at]
        at += 1
        if is_kept:
            kept.append(data[start:at])
    return Picture("gif", width, height, b"".join([*kept, b";"]))


def _table(flags: int) -> int:
    """Return how long the table of colours is that flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


_WEBP_KEPT: Final = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ANIM", b"ANMF", b"ALPH", b"ICCP"))
_EXIF, _XMP = 0b1000, 0b100


def _webp(data: bytes) -> Picture:
    """Read a WebP; browsers differ in whether they turn it, so its size is that of the file."""
    kept, at, sizes, turned, head = [b"WEBP"], 12, [(0, 0)], 1, 0
    (length,) = unpack_from("<I", data, 4)
    if 8 + length > len(data):
        raise ImageError(Flaw.BROKEN)
    while at + 8 <= 8 + length:
        kind, (size,) = data[at : at + 4], unpack_from("<I", data, at + 4)
        body, at = data[at + 8 : at + 8 + size], at + 8 + size + size % 2
        if len(body) != size:
            raise ImageError(Flaw.BROKEN)
        if kind == b"VP8X":
            body, head = bytes([body[0] & ~(_EXIF | _XMP)]) + body[1:], len(kept)
            sizes.append((_three(body, 4) + 1, _three(body, 7) + 1))
        elif kind == b"VP8 ":
            across, down = unpack_from("<HH", body, 6)
            sizes.append((across & 0x3FFF, down & 0x3FFF))
        elif kind == b"VP8L":
            (bits,) = unpack_from("<I", body, 1)
            sizes.append(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
        elif kind == b"EXIF":
            turned = _orientation(body.removeprefix(b"Exif\0\0"))
        if kind in _WEBP_KEPT:
            kept.append(kind + pack("<I", size) + body + bytes(size % 2))
    if turned > 1 and head:
        flags = kept[head][8] | _EXIF
        kept[head] = kept[head][:8] + bytes([flags]) + kept[head][9:]
        tiff = _tiff(turned)
        kept.append(b"EXIF" + pack("<I", len(tiff)) + tiff)
    whole = b"".join(kept)
    width, height = map(max, zip(*sizes, strict=True))
    return Picture("webp", width, height, b"RIFF" + pack("<I", len(whole)) + whole)


def _three(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 3], "little")


_AVIF_ITEMS: Final = frozenset((b"av01", b"grid"))
_AVIF_META: Final = frozenset(b"hdlr pitm iloc iinf iprp iref idat dinf grpl".split())


def _avif(data: bytes) -> Picture:
    """Read a still AVIF; its parts are found by where they stand, so that none can be left out."""
    boxes = _by_kind(data)
    brands = boxes.get(b"ftyp", b"")
    if b"avif" not in (brands[at : at + 4] for at in range(0, len(brands), 4)):
        raise ImageError(Flaw.KIND)
    if not boxes.keys() <= {b"ftyp", b"meta", b"mdat", b"free"}:
        raise ImageError(Flaw.NOTES)
    if not boxes.keys() >= {b"meta", b"mdat"}:
        raise ImageError(Flaw.BROKEN)
    meta = _by_kind(boxes[b"meta"][4:])
    if not meta.keys() <= _AVIF_META:
        raise ImageError(Flaw.NOTES)
    items = meta.get(b"iinf", b"")
    entries = [body for _kind, body in _boxes(items[8 if items[0] else 6 :])]
    # The type follows the id, of two bytes in version 2 and of four in version 3.
    if not {each[10:14] if each[0] == 3 else each[8:12] for each in entries} <= _AVIF_ITEMS:
        raise ImageError(Flaw.NOTES)
    properties = _by_kind(meta.get(b"iprp", b"")).get(b"ipco", b"")
    sizes = [unpack_from(">II", body, 4) for kind, body in _boxes(properties) if kind == b"ispe"]
    width, height = map(max, zip((0, 0), *sizes, strict=True))
    return Picture("avif", width, height, data)


def _by_kind(data: bytes) -> dict[bytes, bytes]:
    """Return the content of each box by its kind; two of a kind could be read in two ways."""
    boxes = [*_boxes(data)]
    if len(found := dict(boxes)) < len(boxes):
        raise ImageError(Flaw.BROKEN)
    return found


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and the content of each box."""
    at = 0
    while at < len(data):
        (size,), kind = unpack_from(">I", data, at), data[at + 4 : at + 8]
        if size < 8 or at + size > len(data):
            raise ImageError(Flaw.BROKEN)
        yield kind, data[at + 8 : at + size]
        at += size
