"""The rules for a response's headers, as functions of headers."""

import re
from collections.abc import Callable, Iterable
from typing import Final

from byleave.sdk.asgi_types import Scope
from byleave.sdk.request_attributes import header

Headers = list[tuple[bytes, bytes]]

#: Headers that let a shared cache keep a page whatever Cache-Control says: two standards, their
#: relatives of single networks (`Vercel-CDN-Cache-Control`), and nginx's own.
_SHARED_CACHING: Final = re.compile(
    rb"surrogate-control|(?:[\w-]+-)?cdn-cache-control|edge-control|x-accel-expires", re.IGNORECASE
)
#: What a site says of the bytes of a page, and no longer holds once a slot may be filled.
_OF_BYTES: Final = (
    b"last-modified",
    b"accept-ranges",
    b"content-length",
    b"content-md5",
    b"digest",
    b"content-digest",
    b"repr-digest",
)
#: What `private, no-cache` replaces; everything else that a site says is kept.
_LOOSENING: Final = frozenset(
    {
        "public",
        "private",
        "no-cache",
        "max-age",
        "s-maxage",
        "immutable",
        "stale-while-revalidate",
        "stale-if-error",
    }
)
_DIRECTIVE: Final = re.compile(r"[\w-]+(?:=\w+)?")
#: The header in which a shared cache names the form of a page that it keeps or wants.
SIGNATURE: Final = b"x-byleave-sig"
#: What separates the site's own entity tag from ours.
_TAG_MARK: Final = ".byleave-"


def first(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """Return the first header of a name (in lower case), or nothing."""
    return next((v.decode("latin-1") for k, v in headers if k.lower() == name), "")


def without(headers: Iterable[tuple[bytes, bytes]], *names: bytes) -> Headers:
    """Return the headers but those of these names."""
    return [(k, v) for k, v in headers if k.lower() not in names]


def may_ask_for_page(scope: Scope) -> bool:
    """Return whether a request could be for a page, judged before anyone answers it.

    Only such requests lose their `Range`: a film that is asked for in parts stays so, because
    players outside of browsers do not play what comes whole.
    """
    if scope["method"] not in ("GET", "HEAD"):
        return False
    if is_for_subresource(scope):
        return False
    destination = header(scope, b"sec-fetch-dest")
    accept = header(scope, b"accept")
    if "text/html" in accept or destination in ("document", "iframe", "frame"):
        return True
    last = str(scope["path"]).rpartition("/")[2]
    is_named_as_page = "." not in last or last.endswith((".html", ".htm"))
    is_for_part = bool(header(scope, b"range"))
    return (not accept or "*/*" in accept) and is_named_as_page and not is_for_part


def is_for_subresource(scope: Scope) -> bool:
    """Return whether the answer becomes an image, a script or the like, and no part of a page."""
    destination = header(scope, b"sec-fetch-dest")
    return destination not in ("", "document", "iframe", "frame", "empty")


def is_document_request(scope: Scope) -> bool:
    """Return whether the answer becomes a top-level document, the only place to set cookies."""
    destination = header(scope, b"sec-fetch-dest")
    if destination:
        return destination == "document"
    if header(scope, b"hx-request") or header(scope, b"x-requested-with"):
        return False
    accept = header(scope, b"accept")
    return not accept or "text/html" in accept or "*/*" in accept


def lacks_cookies(scope: Scope) -> bool:
    """Return whether browsers keep cookies of `SameSite=Lax`, as ours are, out of a request.

    Another site made it, and not by a link: what its visitor chose here is not in it, nor is
    who they are.
    """
    if header(scope, b"sec-fetch-site") != "cross-site":
        return False
    is_led_here = header(scope, b"sec-fetch-dest") == "document"
    return not (is_led_here and scope["method"] in ("GET", "HEAD"))


def is_swapped_in(scope: Scope) -> bool:
    """Return whether htmx puts the answer into a page that stands, with its scripts running."""
    return header(scope, b"hx-request") == "true"


def is_restored(scope: Scope) -> bool:
    """Return whether htmx fetches a page again that the visitor went back to."""
    return header(scope, b"hx-history-restore-request") == "true"


def is_page(status: int, headers: Headers) -> bool:
    """Return whether a response is a page that may hold slots: HTML of status 200 or 4xx."""
    kind = first(headers, b"content-type").partition(";")[0].strip().lower()
    is_download = first(headers, b"content-disposition").lstrip().lower().startswith("attachment")
    return (status == 200 or 400 <= status < 500) and kind == "text/html" and not is_download


def private(cache_control: str, *, is_sensitive: bool = False) -> str:
    """Return a Cache-Control that no shared cache may use, never looser than the given one.

    Args:
        cache_control: The site's own.
        is_sensitive: Whether the page may not even be kept by the visitor's own browser.
    """
    kept = [
        directive
        for part in cache_control.split(",")
        if _DIRECTIVE.fullmatch(directive := part.strip())
        and directive.partition("=")[0].lower() not in _LOOSENING
    ]
    if is_sensitive and "no-store" not in kept:
        kept.append("no-store")
    return ", ".join(["private", "no-cache", *kept])


def private_headers(headers: Headers, *, is_sensitive: bool = False) -> Headers:
    """Return the headers of a response that belongs to one visitor."""
    given = b",".join(v for k, v in headers if k.lower() == b"cache-control").decode("latin-1")
    kept = without(headers, b"cache-control", b"expires")
    return [
        *((k, v) for k, v in kept if not _SHARED_CACHING.fullmatch(k)),
        (b"cache-control", private(given, is_sensitive=is_sensitive).encode("latin-1")),
    ]


def is_shared_by_site(headers: Headers) -> bool:
    """Return whether the site's own page is for everybody, as far as its headers tell."""
    said = b",".join(v for k, v in headers if k.lower() == b"cache-control").lower()
    is_closed = any(word in said for word in (b"private", b"no-store", b"no-cache"))
    varies = b",".join(v for k, v in headers if k.lower() == b"vary").lower()
    is_of_one = any(word in varies for word in (b"cookie", b"authorization", b"*"))
    return not (is_closed or is_of_one or first(headers, b"set-cookie"))


def shared_headers(headers: Headers, *, slots: Iterable[str]) -> Headers:
    """Return the headers of a page that a shared cache keeps once for each of its forms.

    It keeps a form as long as the site says; browsers ask each time, because what their visitor
    agreed to may have changed.

    Args:
        headers: The site's own.
        slots: Those of the page, by which a network can be told to forget it.
    """
    given = b",".join(v for k, v in headers if k.lower() == b"cache-control").decode("latin-1")
    said = {part.strip().partition("=")[0].lower(): part.strip() for part in given.split(",")}
    lasts = (said.get("s-maxage") or said.get("max-age") or "").partition("=")[2]
    kept = [part for name, part in said.items() if part and name not in _LOOSENING]
    caching = ["public", "max-age=0", *([f"s-maxage={lasts}"] if lasts else []), *kept]
    varied = [v for k, v in headers if k.lower() == b"vary"]
    keys = [v for k, v in headers if k.lower() == b"surrogate-key"]
    return [
        *without(headers, b"cache-control", b"expires", b"vary", b"surrogate-key"),
        (b"cache-control", ", ".join(caching).encode("latin-1")),
        (b"vary", b", ".join([*varied, SIGNATURE])),
        (b"surrogate-key", b" ".join([*keys, *(f"byleave-{slot}".encode() for slot in slots)])),
    ]


def page_headers(headers: Headers, *, length: int | None, signature: str) -> Headers:
    """Return the headers of a page whose slots are filled, apart from who may keep it.

    Args:
        headers: The site's own.
        length: Of the body in bytes; None where it is not known beforehand.
        signature: Of what this visitor is shown; it becomes part of the entity tag.
    """
    tag = first(headers, b"etag")
    kept = without(headers, b"etag", *_OF_BYTES)
    kept.append((b"accept-ranges", b"none"))
    if tag:
        kept.append((b"etag", own_tag(tag, signature).encode("latin-1")))
    if length is not None:
        kept.append((b"content-length", str(length).encode()))
    return kept


def own_tag(tag: str, signature: str) -> str:
    """Return the weak entity tag of a page as one visitor is shown it."""
    return f'W/"{tag.removeprefix("W/").strip(chr(34))}{_TAG_MARK}{signature}"'


def page_request(scope: Scope, unwrap: Callable[[str], bool]) -> Headers:
    """Return the request headers that the site may see when it could answer with slots.

    A part of a page, or "not modified", cannot be answered for a page with slots. Our own
    entity tags are turned back into the site's where `unwrap` agrees to their signature.
    """
    headers = []
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            tags = _unwrapped(value.decode("latin-1"), unwrap)
            if tags:
                headers.append((name, ", ".join(tags).encode("latin-1")))
        elif name not in (b"range", b"if-range", b"if-modified-since"):
            headers.append((name, value))
    return headers


def _unwrapped(tags: str, unwrap: Callable[[str], bool]) -> list[str]:
    kept = []
    for item in tags.split(","):
        text, mark, signature = item.strip().removeprefix("W/").strip('"').partition(_TAG_MARK)
        # Sites compare by text; which of the two forms theirs had is not in our tag.
        if mark and unwrap(signature):
            kept += [f'"{text}"', f'W/"{text}"']
    return kept
