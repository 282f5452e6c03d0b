"""A WSGI environment as the ASGI scope that the same request would have."""

from collections.abc import Callable, Mapping
from typing import Any

from byleave.sdk.asgi_types import Scope
from byleave.sdk.headers import Headers

_UNPREFIXED = ("CONTENT_TYPE", "CONTENT_LENGTH")


def scope_of(environ: Mapping[str, Any]) -> Scope:
    """Return the scope of a request, as far as this package reads scopes.

    WSGI allows no character beyond Latin-1; one that is there all the same becomes `?`.
    """
    root = _path(environ.get("SCRIPT_NAME", ""))
    return {
        "type": "http",
        "method": environ["REQUEST_METHOD"],
        "scheme": environ.get("wsgi.url_scheme", "http"),
        "root_path": root,
        "path": root + _path(environ.get("PATH_INFO", "")),
        "client": (environ["REMOTE_ADDR"], 0) if environ.get("REMOTE_ADDR") else None,
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1", "replace"),
        "headers": [
            (_name(key), str(value).encode("latin-1", "replace"))
            for key, value in environ.items()
            if key.startswith("HTTP_") or (key in _UNPREFIXED and value)
        ],
    }


def with_headers(environ: Mapping[str, Any], *, before: Headers, after: Headers) -> dict[str, Any]:
    """Return an environment with the request headers that the application may see.

    Args:
        environ: What the server gave.
        before: The headers in it.
        after: What is left of them.
    """
    changed = dict(environ)
    for name in {name for name, _ in {*before} ^ {*after}}:
        key = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
        changed.pop(key, None)
        if values := [value for each, value in after if each == name]:
            changed[key] = b", ".join(values).decode("latin-1")
    return changed


def reader(environ: Mapping[str, Any]) -> Callable[[int], bytes]:
    """Return what reads the request's body, up to a number of bytes and never beyond its end."""
    text = environ.get("CONTENT_LENGTH") or ""
    length = int(text) if text.isdecimal() else 0

    def read(most_bytes: int) -> bytes:
        body: bytes = environ["wsgi.input"].read(min(length, most_bytes))
        return body

    return read


def _path(text: str) -> str:
    return text.encode("latin-1", "replace").decode("utf-8", "replace")


def _name(key: str) -> bytes:
    return key.removeprefix("HTTP_").replace("_", "-").lower().encode("latin-1")
