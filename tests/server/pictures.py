"""Images of each kind, made here or by an encoder, and what people and attackers put into them."""

from base64 import b64decode
from struct import pack
from zlib import compress, crc32

SECRET = b"52 N 13 E, taken with Ann's camera"
SCRIPT = b"<script>document.title = 'run'</script>"


def png(
    width: int = 24, height: int = 16, *, shade: int = 90, notes: bytes = b"", turned: int = 1
) -> bytes:
    """A grey PNG, with notes in the three places that it has for them."""
    head = _chunk(b"IHDR", pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    rows = (b"\0" + bytes([shade]) * min(width, 1_000)) * min(height, 1_000)
    told = _chunk(b"tEXt", b"Comment\0" + notes) + _chunk(b"eXIf", _tiff(notes, turned))
    body = (told if notes else b"") + _chunk(b"IDAT", compress(rows)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + body + notes


def polyglot(script: bytes) -> bytes:
    """A PNG whose pixels are a script to whoever reads them as text."""
    head = _chunk(b"IHDR", pack(">IIBBBBB", len(script), 1, 8, 0, 0, 0, 0))
    body = _chunk(b"IDAT", compress(b"\0" + script, level=0)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + body


def _chunk(kind: bytes, data: bytes) -> bytes:
    return pack(">I", len(data)) + kind + data + pack(">I", crc32(kind + data))


def gif(width: int = 24, height: int = 16, *, notes: bytes = b"") -> bytes:
    """A GIF of one colour that repeats, with a comment and something after its end."""
    head = b"GIF89a" + pack("<HHBBB", width, height, 0x80, 0, 0) + bytes((200, 90, 20, 0, 0, 0))
    loops = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
    comment = b"!\xfe" + bytes([len(notes)]) + notes + b"\0" if notes else b""
    pixels = b"," + pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02D\x01\0"
    return head + loops + comment + pixels + b";" + notes


def jpeg(*, notes: bytes = b"", turned: int = 1) -> bytes:
    """A JPEG with Exif, XMP, a comment, a thumbnail and something after its end."""
    if not notes:
        return _JPEG
    exif = b"Exif\0\0" + _tiff(notes, turned)
    xmp = b"http://ns.adobe.com/xap/1.0/\0" + notes
    thumbnail = b"JFXX\0\x10" + notes
    told = ((0xE1, exif), (0xE1, xmp), (0xFE, notes), (0xE0, thumbnail))
    segments = b"".join(
        bytes((0xFF, marker)) + pack(">H", len(body) + 2) + body for marker, body in told
    )
    return _JPEG[:2] + segments + _JPEG[2:] + notes


def webp(*, notes: bytes = b"", turned: int = 1, start: bytes = b"") -> bytes:
    """A WebP, with Exif and XMP in its extended form."""
    if not notes:
        return _WEBP
    size = (23).to_bytes(3, "little") + (15).to_bytes(3, "little")
    told = _riff(b"EXIF", start + _tiff(notes, turned)) + _riff(b"XMP ", notes)
    body = b"WEBP" + _riff(b"VP8X", b"\x0c\0\0\0" + size) + _WEBP[12:] + told
    return b"RIFF" + pack("<I", len(body)) + body + notes


def _tiff(notes: bytes, turned: int) -> bytes:
    tag = pack("<HHIHH", 0x0112, 3, 1, turned, 0)
    return b"II*\0" + pack("<IH", 8, 1) + tag + bytes(4) + notes


def _riff(kind: bytes, data: bytes) -> bytes:
    return kind + pack("<I", len(data)) + data + bytes(len(data) % 2)


def avif(*, notes: bytes = b"") -> bytes:
    """An AVIF; with notes it has Exif."""
    return _AVIF_WITH_EXIF if notes else _AVIF


KINDS = {"avif": avif, "gif": gif, "jpg": jpeg, "png": png, "webp": webp}

# An ellipse on blue of 24 by 16 pixels, as libjpeg, libwebp and libavif write it.
_JPEG = b64decode(
    """
    /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVG
    ZIhlbXd7gYKBTmCNl4x9lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8
    fHx8fHx8fHx8fHx8fHx8fHx8fHz/wAARCAAQABgDASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcI
    CQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRol
    JicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ip
    qrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAA
    AAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLR
    ChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaX
    mJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEA
    PwCrZWhupCM4RfvHvWqNNtQADGT7ljzWbp92LaQhx8j4ye4rXF1bkAiaPn1YCs8wniVVtG6j0sGGjScNbX8zIv7H7KQy
    EtGeOeoNFSajepcARxcoDnd6mivUwjquknV3OSsoKb5Nj//Z
    """
)
_WEBP = b64decode(
    """
    UklGRtoAAABXRUJQVlA4IM4AAAAwBgCdASoYABAAPu1iqU2ppaOiMAgBMB2JbACdMoRwIcBZmfr/9FVkmZENbuAZ9Ujs
    mop5M08lnFIgAP6e1kZHmbFXa8hZHOGfABFiq2ZvyAAtgjWWAaeYsG/wXn79smRyG4zwg5xf0v2zIwSrNwgU942WBtwE
    eKGlb+j9bKTtk8dOH3yROb+3yQK7S1YPtKdm9fNY3VWZP0NTBMcH8ueXj/D7JWgjv+QU7/qP4om+ub9pACX/kP3rtd6O
    v64FV7HsXXejVNotXT19QgAAAA==
    """
)
_AVIF = b64decode(
    """
    AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAA
    AAAAAAAAAAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAAOAAAAChpaW5mAAAAAAABAAAA
    GmluZmUCAAAAAAEAAGF2MDFDb2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAAGAAAABAAAAAQcGl4aQAA
    AAADCAgIAAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAEADQAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAAAQG1kYXQS
    AAoJGBDv7RAQ0GhAMilGseHheHMMMMCgBWCusj4QbqwPQIY7t/ndlKTZMI0w6djjATPOrWjZaw==
    """
)
_AVIF_WITH_EXIF = b64decode(
    """
    AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAAEsbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAA
    AAAAAAAAAAAAAAAOcGl0bQAAAAAAAQAAACxpbG9jAAAAAEQAAAIAAQAAAAEAAAHEAAAAOAACAAAAAQAAAVQAAABwAAAA
    QWlpbmYAAAAAAAIAAAAaaW5mZQIAAAAAAQAAYXYwMUNvbG9yAAAAABlpbmZlAgAAAAACAABFeGlmRXhpZgAAAAAaaXJl
    ZgAAAAAAAAAOY2RzYwACAAEAAQAAAGppcHJwAAAAS2lwY28AAAAUaXNwZQAAAAAAAAAYAAAAEAAAABBwaXhpAAAAAAMI
    CAgAAAAMYXYxQ4EADAAAAAATY29scm5jbHgAAQANAAaAAAAAF2lwbWEAAAAAAAAAAQABBAECgwQAAACwbWRhdAAAAAZF
    eGlmAABNTQAqAAAACAACAQ8AAgAAAAoAAAAmiCUABAAAAAEAAAAwAAAAAFNlY3JldENhbQAAAgABAAIAAAACTgAAAAAC
    AAUAAAADAAAATgAAAAAAAAA0AAAAAQAAAB4AAAABAAAAAQAAAAESAAoJGBDv7RAQ0GhAMilGseHheHMMMMCgBWCusj4Q
    bqwPQIY7t/ndlKTZMI0w6djjATPOrWjZaw==
    """
)
