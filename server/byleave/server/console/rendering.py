"""Templates to responses: what every page is given, and the headers that keep it safe.

A page may be framed by nobody, loads nothing from elsewhere, runs only the scripts that it names
with a nonce of its own, and is kept by no cache.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from byleave.server.console.assets import ASSETS
from byleave.server.console.display import COOKIE, CURRENT, Display, translated
from byleave.server.console.formatting import FILTERS

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'nonce-{nonce}'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "frame-src {frames}"
)

SAFE: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # With no-referrer, forms would be sent with an origin of null, which is refused.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    navigation: tuple[tuple[str, str], ...] = (),
    site: str = "",
    frames: str = "'none'",
    **values: Any,
) -> Response:
    """Return a page.

    Args:
        request: What it answers; how it is shown follows from its cookie and its languages.
        template: The template's name.
        status: The HTTP status.
        navigation: The pages that the reader may open: path and name, to be translated.
        site: The site's key; empty on pages that tell nothing of it.
        frames: The origin whose pages it may show in frames, as in `https://example.org`.
        values: What the template is about.
    """
    display = display_of(request)
    nonce = secrets.token_urlsafe(16)
    html = render(
        template,
        display,
        nonce=nonce,
        navigation=navigation,
        site=site,
        path=request.url.path,
        here=_relative(request),
        **values,
    )
    headers = {
        **SAFE,
        "Content-Language": display.locale,
        "Content-Security-Policy": _POLICY.format(nonce=nonce, frames=frames),
        "Vary": "Accept-Language, Cookie",
    }
    return Response(html, status, headers=headers, media_type="text/html")


def display_of(request: Request) -> Display:
    """Return how whoever asked wants pages to be shown."""
    return Display.of(request.cookies, request.headers.get("accept-language", ""))


def render(template: str, display: Display, **values: Any) -> str:
    """Return a template as text, with its words and numbers as one reader has them."""
    token = CURRENT.set(display)
    try:
        return TEMPLATES.get_template(template).render(display=display, **values)
    finally:
        CURRENT.reset(token)


def download(body: str | bytes, *, name: str, media_type: str) -> Response:
    """Return a file that the browser saves."""
    headers = {
        **SAFE,
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Response(body, headers=headers, media_type=media_type)


def _relative(request: Request) -> str:
    """Return the page's own address without its host, to come back to."""
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")


def _plural(one: str, many: str, number: int) -> str:
    return CURRENT.get().wording.ngettext(one, many, number)


def _environment(filters: Mapping[str, Any]) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.filters |= filters
    environment.globals |= {
        "assets": {name: asset.path for name, asset in ASSETS.items()},
        "display_cookie": COOKIE,
    }
    # The extension adds this method; no stub knows it.
    install = environment.install_gettext_callables  # type: ignore[attr-defined]
    install(translated, _plural, newstyle=True)
    return environment


TEMPLATES: Final = _environment(FILTERS)
