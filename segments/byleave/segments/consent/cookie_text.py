"""How consent tools write their cookies, undone strictly: percent-encoding and JSON."""

import json
import re
from typing import Final, NoReturn

from byleave.segments.consent.bits import check_length
from byleave.segments.consent.errors import ConsentStringError

_BROKEN: Final = re.compile("%(?![0-9A-Fa-f]{2})")
_ESCAPE: Final = re.compile(b"%(..)")


def percent_decoded(text: str) -> str:
    """Return the text with its percent-encoding undone.

    Raises:
        ConsentStringError: The text is too long, or what is encoded is not UTF-8.
    """
    check_length(text)
    if _BROKEN.search(text):
        raise ConsentStringError("expected two hexadecimal digits after each percent sign")
    try:
        return _ESCAPE.sub(lambda escape: bytes.fromhex(escape[1].decode()), text.encode()).decode()
    except UnicodeError:
        raise ConsentStringError("expected percent-encoded UTF-8") from None


def json_object(text: str) -> dict[str, object]:
    """Return the object that JSON text holds.

    Raises:
        ConsentStringError: The text is not JSON, not an object, names a key twice or holds a
            number that JSON does not know.
    """
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ConsentStringError("expected JSON in which no key comes twice") from None
    if not isinstance(value, dict):
        raise ConsentStringError("expected a JSON object")
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError
    return result


def _refuse(_: str) -> NoReturn:
    raise ValueError
