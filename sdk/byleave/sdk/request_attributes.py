"""What a request says of itself: attributes that are derived, used and never stored.

Only what a person would call the context is read. Identifiers that links carry along (click
ids, mail ids) are none of it and are left alone.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from byleave.sdk.asgi_types import Scope
from byleave.segments import Scalar

_TABLET: Final = re.compile(r"iPad|Tablet|Kindle|Silk/|PlayBook|Android(?!.*Mobile)", re.IGNORECASE)
_PHONE: Final = re.compile(r"Mobi|iPhone|iPod|Windows Phone|BlackBerry|Opera Mini", re.IGNORECASE)
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}")
_CAMPAIGN: Final = re.compile(r"[\w .:+-]{1,64}")
_IDENTIFIER: Final = re.compile(r"[0-9a-f-]{16,}|\d{7,}|[A-Za-z0-9_-]{25,}", re.IGNORECASE)
_MOST_QUERY_FIELDS: Final = 50
#: No browser says more about itself; what follows is not looked at.
LONGEST_AGENT: Final = 512
_HOUR_MS: Final = 3_600_000


def header(scope: Scope, name: bytes) -> str:
    """Return the first header of a name (in lower case), or nothing."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return ""


def own_path(scope: Scope) -> str:
    """Return the path under the root of the site, wherever its server says that this is."""
    root, path = scope.get("root_path", ""), str(scope["path"])
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def device(scope: Scope) -> str:
    """Return `phone`, `tablet` or `desktop`."""
    if header(scope, b"sec-ch-ua-mobile") == "?1":
        return "phone"
    agent = header(scope, b"user-agent")[:LONGEST_AGENT]
    if _TABLET.search(agent):
        return "tablet"
    return "phone" if _PHONE.search(agent) else "desktop"


def language(scope: Scope) -> str | None:
    """Return the language the visitor likes best, without its region: `en`, `cy`."""
    best, highest = None, 0.0
    for item in header(scope, b"accept-language")[:200].split(","):
        tag, _, weight = item.strip().partition(";q=")
        primary = tag.split("-")[0].strip().lower()
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        if quality > highest and _LANGUAGE.fullmatch(primary):
            best, highest = primary, quality
    return best


def referrer_host(scope: Scope) -> str | None:
    """Return the host of another site that linked here."""
    try:
        host = urlsplit(header(scope, b"referer")).hostname
        own = urlsplit("//" + header(scope, b"host")).hostname
    except ValueError:
        return None
    return host if host and host != own else None


def campaign(scope: Scope) -> str | None:
    """Return the campaign's name, unless it looks like an identifier of one recipient."""
    query = scope.get("query_string", b"").decode("latin-1")
    if "utm_campaign=" not in query:
        return None
    try:
        fields = parse_qsl(query, max_num_fields=_MOST_QUERY_FIELDS)
    except ValueError:
        return None
    name = next((value.strip() for key, value in fields if key == "utm_campaign"), "")
    if not _CAMPAIGN.fullmatch(name) or _IDENTIFIER.search(name):
        return None
    return name


def request_attributes(
    scope: Scope, names: Iterable[str], *, now_ms: int, country: str | None = None
) -> dict[str, Scalar]:
    """Return those of the built-in attributes that are asked for and known.

    Args:
        scope: The request.
        names: The declared attributes of source `request`; no other is derived.
        now_ms: The time; `hour` is its hour of the day, UTC.
        country: Where the visitor is, as far as that is known.
    """
    derived: dict[str, Callable[[], Scalar | None]] = {
        "campaign": lambda: campaign(scope),
        "country": lambda: country,
        "device": lambda: device(scope),
        "hour": lambda: now_ms // _HOUR_MS % 24,
        "language": lambda: language(scope),
        "path": lambda: str(scope["path"]),
        "referrer_host": lambda: referrer_host(scope),
    }
    found = {name: derived[name]() for name in names if name in derived}
    return {name: value for name, value in found.items() if value is not None}
