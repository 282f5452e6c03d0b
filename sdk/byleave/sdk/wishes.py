"""What an address wishes for with `?byleave=`: a preview, or the standard site.

A preview shows chosen variants to whoever has the link, until it expires. It looks at nothing
of the visitor, so it needs no consent, and it counts for nothing. `?byleave=off` shows the
site's own content; `?byleave=on` ends that.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from itsdangerous import Signer

from byleave.sdk.asgi_types import Scope
from byleave.sdk.cookies import Keys, unsigned

OFF: Final = "off"
ON: Final = "on"

#: What the cookie is for that remembers the wish for the standard site.
STANDARD: Final = "standard"

_PARAMETER: Final = "byleave"
_MOST_CHARACTERS: Final = 2_048
_MOST_QUERY_FIELDS: Final = 50


def preview_link(
    path: str, variants: Mapping[str, str], *, secret: str | bytes, until_ms: int
) -> str:
    """Return a link to a page that shows chosen variants.

    Args:
        path: The page's, with its query if it has one.
        variants: By slot, what to show there, as `experiment/variant`.
        secret: One of the site's secrets, the newest at best.
        until_ms: When the link stops working.

    Raises:
        ValueError: The secret is too short.
    """
    packed = urlsafe_b64encode(json.dumps([until_ms, dict(variants)]).encode()).rstrip(b"=")
    token = Keys([secret]).signer("preview").sign(packed).decode()
    return f"{path}{'&' if '?' in path else '?'}{_PARAMETER}={token}"


def wish(scope: Scope) -> str:
    """Return what a request wishes for: `on`, `off`, a preview's token, or nothing."""
    query = scope.get("query_string", b"").decode("latin-1")
    if f"{_PARAMETER}=" not in query or len(query) > _MOST_CHARACTERS:
        return ""
    try:
        fields = parse_qsl(query, max_num_fields=_MOST_QUERY_FIELDS)
    except ValueError:
        return ""
    return next((value for key, value in fields if key == _PARAMETER), "")


def previewed(token: str, signer: Signer, *, now_ms: int) -> Mapping[str, str]:
    """Return what a token shows, by slot; nothing for one that is forged, damaged or over."""
    signed = unsigned(signer, token)
    if signed is None:
        return {}
    packed = signed.text.encode()
    until_ms, variants = json.loads(urlsafe_b64decode(packed + b"=" * (-len(packed) % 4)))
    return variants if now_ms < until_ms else {}
