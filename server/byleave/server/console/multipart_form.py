"""Forms that bring files along (multipart/form-data, RFC 7578)."""

from io import BytesIO
from typing import Final, NamedTuple

from multipart import MultipartError, MultipartParser, parse_options_header

_MOST_PARTS: Final = 20


class Upload(NamedTuple):
    """A file that a form brings: what the browser calls it, and its bytes."""

    file: str
    data: bytes


def is_multipart(content_type: str) -> bool:
    """Return whether a form may bring files."""
    return content_type.lower().startswith("multipart/form-data")


def parts(body: bytes, content_type: str) -> tuple[dict[str, list[str]], dict[str, Upload]]:
    """Return the fields of a form, each with all of its values, and its files by field.

    Raises:
        ValueError: It is not the body of such a form.
    """
    _kind, options = parse_options_header(content_type)
    if not options.get("boundary"):
        raise MultipartError("expected a boundary")
    size = len(body)
    parser = MultipartParser(
        BytesIO(body),
        options["boundary"],
        strict=True,
        part_limit=_MOST_PARTS,
        spool_limit=size + 1,
        memory_limit=size + 1,
    )
    fields: dict[str, list[str]] = {}
    files: dict[str, Upload] = {}
    for part in parser:
        name = part.name or ""
        if part.filename is None:
            fields.setdefault(name, []).append(part.raw.decode())
        else:
            files[name] = Upload(part.filename, part.raw)
    return fields, files
