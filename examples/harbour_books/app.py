"""The shop as one Starlette application."""

import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from starlette.types import Scope

from byleave.sdk.jinja import PersonaliseExtension
from harbour_books import pages
from harbour_books.accounts import Accounts
from harbour_books.catalogue import SUBJECTS
from harbour_books.headers import SecurityHeaders

Record = Callable[[Scope, str, Mapping[str, float]], None]
"""Takes note of an event of a request's visitor: its name and properties."""

HERE: Final = Path(__file__).parent

ROUTES: Final = (
    Route("/", pages.home),
    Route("/books", pages.books),
    Route("/books/{slug}", pages.book),
    Route("/covers/{slug}.svg", pages.cover_image),
    Route("/schools", pages.schools),
    Route("/pricing", pages.pricing),
    Route("/sign-up", pages.sign_up, methods=["GET", "POST"]),
    Route("/welcome", pages.welcome),
    Route("/sign-out", pages.sign_out, methods=["POST"]),
    Route("/support", pages.support, methods=["GET", "POST"]),
    Route("/privacy", pages.privacy),
    Mount("/static", StaticFiles(directory=HERE / "static"), name="static"),
)


def create_app(
    *,
    clock: Callable[[], int] | None = None,
    secret: bytes | None = None,
    consent_banner: bool = False,
    record: Record | None = None,
) -> Starlette:
    """The whole shop.

    Args:
        clock: Milliseconds since the Unix epoch, UTC; None reads the system's clock.
        secret: Signs the account cookie; None makes one up, so that accounts end with the process.
        consent_banner: Whether pages ask for consent, which only makes sense where Byleave's
            middleware answers the form.
        record: Told of each sign-up, purchase and message to the shop.
    """
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[PersonaliseExtension],
    )
    environment.globals["subjects"] = SUBJECTS
    app = Starlette(
        routes=list(ROUTES),
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={404: pages.not_found},
    )
    app.state.templates = Jinja2Templates(env=environment, context_processors=[pages.shared])
    app.state.clock = clock or (lambda: time.time_ns() // 1_000_000)
    app.state.accounts = Accounts(secret or secrets.token_bytes(32))
    app.state.consent_banner = consent_banner
    app.state.record = record or ignore
    return app


def ignore(_scope: Scope, _event: str, _properties: Mapping[str, float]) -> None:
    """Take no note of an event."""
