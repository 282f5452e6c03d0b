"""How a console page is declared, opened and refused.

A page is a `ConsolePage`: method, path, who may open it, and what answers. `console_routes`
guards each one; whatever goes wrong becomes a page that says what happened and what to do.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, quote

from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from byleave.server.access import (
    ADMINS,
    ANALYSTS,
    EDITORS,
    READERS,
    TOKEN_FIELD,
    TOKEN_HEADER,
    ForgedProblem,
    Principal,
    StaleProblem,
    admit,
    known,
    refuse_foreign,
    refuse_forged,
)
from byleave.server.console.display import Display
from byleave.server.console.display import marked as _
from byleave.server.console.multipart_form import Upload, is_multipart, parts
from byleave.server.console.rendering import SAFE, display_of, page
from byleave.server.errors import NothingPublishedError
from byleave.server.http import Problem, read_body
from byleave.server.keys import Role
from byleave.server.service import Service

_log = logging.getLogger("byleave.server")

#: Nothing that a form without files sends is longer.
MOST_BYTES: Final = 262_144


class PageError(Exception):
    """Something that a page cannot do, told on a page of its own.

    Attributes:
        status: The HTTP status.
        title: What happened, to be translated.
        text: What to do about it, to be translated.
    """

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text


@dataclass(frozen=True, slots=True)
class PageCall:
    """A request for a page, by somebody who may open it."""

    service: Service
    request: Request
    principal: Principal | None
    body: bytes = b""

    @property
    def display(self) -> Display:
        """How whoever asked wants pages to be shown."""
        return display_of(self.request)

    @property
    def role(self) -> Role | None:
        """What whoever asks may do here."""
        return None if self.principal is None else self.principal.role

    @property
    def token(self) -> str:
        """What each form of this page has to bring along in its field `token`."""
        return self.principal.token if self.principal else ""

    @property
    def values(self) -> dict[str, list[str]]:
        """The fields of the form that was sent, each with all of its values.

        Raises:
            PageError: It is not the body of a form.
        """
        return self._sent[0]

    @property
    def uploads(self) -> dict[str, Upload]:
        """The files that the form brought along, by field.

        Raises:
            PageError: It is not the body of a form.
        """
        return self._sent[1]

    @property
    def _sent(self) -> tuple[dict[str, list[str]], dict[str, Upload]]:
        kind = self.request.headers.get("content-type", "")
        try:
            if is_multipart(kind):
                return parts(self.body, kind)
            return parse_qs(self.body.decode(), keep_blank_values=True, max_num_fields=1_000), {}
        except ValueError as error:
            raise PageError(400, *_UNREADABLE) from error

    @property
    def author(self) -> str:
        """Who changes something, for the audit trail."""
        return self.principal.name if self.principal else ""

    @property
    def sent_token(self) -> str:
        """The token that a form or a script brought."""
        header = self.request.headers.get(TOKEN_HEADER)
        if header is not None or self.request.method == "GET":
            return header or ""
        return next(iter(self.values.get(TOKEN_FIELD, ())), "")

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Return a page with the navigation of whoever asked."""
        return page(
            self.request,
            template,
            status=status,
            navigation=tuple(
                (path, name) for path, name, roles in NAVIGATION if self.role in roles
            ),
            site=self.service.site.key,
            is_simulated=self.service.site.is_simulated,
            person=self.principal.name if self.token and self.principal else "",
            token=self.token,
            **values,
        )


Handler = Callable[[PageCall], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolePage:
    """One page.

    Attributes:
        path: Its path.
        roles: The roles that open it; None opens it to everybody, who then checks in `handle`.
        handle: What answers.
        summary: What it tells or does, in a sentence.
        method: Its method.
        most_bytes: The longest body that it reads.
    """

    path: str
    roles: frozenset[Role] | None
    handle: Handler
    summary: str
    method: str = "GET"
    most_bytes: int = MOST_BYTES


#: The pages of the side navigation, in order: path, name, and whom they open to.
NAVIGATION: Final = (
    ("/console", _("Overview"), READERS),
    ("/console/experiments", _("Experiments"), READERS),
    ("/console/segments", _("Segments"), READERS),
    ("/console/drafts", _("Drafts"), EDITORS),
    ("/console/images", _("Images"), EDITORS),
    ("/console/why", _("Why"), ANALYSTS),
    ("/console/history", _("History"), ANALYSTS),
    ("/console/privacy", _("Privacy"), READERS),
    ("/console/people", _("People"), ADMINS),
    ("/console/keys", _("Keys"), ADMINS),
    ("/console/site", _("Site"), READERS),
)

SIGN_IN: Final = "/console/sign-in"

_UNREADABLE: Final = (
    _("This form could not be read"),
    _("Go back, open the page again and send it once more."),
)
_TOO_LARGE: Final = (
    _("This is too large"),
    _("Nothing was kept. Go back and send less; an image may have 1 MiB at most."),
)
_FORGED: Final = (
    _("This was not sent from the console"),
    _("Another site's page tried to do this in your name. Nothing was changed."),
)
_STALE: Final = (
    _("This page is of an earlier session"),
    _("Nothing was changed. Copy what you typed, open the page anew and send it again."),
)
_SIGNED_OUT: Final = (
    _("You are signed out"),
    _("Nothing was changed. Copy what you typed, sign in, open the page anew and send it again."),
)
_UNKNOWN: Final = (
    _("There is no such page"),
    _("It may have been moved or archived. The navigation shows what there is."),
)
_CLOSED: Final = (
    _("You may not open this page"),
    _("Ask whoever runs this server to let you in, or for a link to the results you need."),
)
_UNPUBLISHED: Final = (
    _("Nothing is published yet"),
    _("Publish the site's definitions, for example by byleave serve. Then come back."),
)
_STORE: Final = (
    _("The store cannot be reached now"),
    _("Nothing was changed. Wait a moment, then load the page again."),
)
_BROKEN: Final = (
    _("This page failed"),
    _("The server's log says why. Nothing that you sent was kept."),
)
#: After these a browser that goes back may have lost what was typed.
_MAY_BE_LOST: Final = (_STALE[0], _SIGNED_OUT[0], _STORE[0], _BROKEN[0])
#: Secrets, and what nobody typed.
_UNTOLD: Final = (TOKEN_FIELD, "password", "again", "expected", "draft", "do")


def console_routes(service: Service, pages: Iterable[ConsolePage]) -> list[Route]:
    """Return the routes of pages, each guarded, and one for all that there is not.

    Whoever opens the address of a form, as by choosing a theme on the page that it answered
    with, is led to the page above it.
    """
    pages = tuple(pages)
    shown = frozenset(each.path for each in pages if each.method == "GET")
    unknown = ConsolePage(
        path="/console/{rest:path}", roles=None, handle=_unknown, summary="Says that it is none."
    )
    return [
        *(Route(each.path, _endpoint(service, each), methods=[each.method]) for each in pages),
        *(Route(p.path, _leading_up(p.path, shown)) for p in pages if p.path not in shown),
        Route(unknown.path, _endpoint(service, unknown)),
    ]


def _leading_up(path: str, shown: frozenset[str]) -> Callable[[Request], Awaitable[Response]]:
    """Return what leads to the nearest page above a path."""
    while path not in shown and path != "/":
        path = path.rpartition("/")[0] or "/"
    depth = path.count("/")

    async def lead(request: Request) -> Response:
        parts = request.url.path.split("/")[: depth + 1]
        return RedirectResponse("/".join(parts), 303, SAFE)

    return lead


def _endpoint(service: Service, declared: ConsolePage) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        call = PageCall(service, request, None)
        try:
            principal = await known(service, request)
            has_key = "authorization" in request.headers
            if declared.roles is not None and principal is None and not has_key:
                if declared.method == "GET":
                    return _to_sign_in(request)
                refuse_foreign(request)
                with suppress(Problem):  # whatever is wrong with it, nobody is signed in
                    body = await read_body(request, most_bytes=MOST_BYTES)
                    call = PageCall(service, request, None, body)
                raise PageError(403, *_SIGNED_OUT)
            principal = admit(service, principal, declared.roles)
            refuse_foreign(request)
            call = PageCall(service, request, principal)
            if declared.method != "GET":
                body = await read_body(request, most_bytes=declared.most_bytes)
                call = PageCall(service, request, principal, body)
            if declared.roles is not None:
                refuse_forged(request, principal, call.sent_token)
            return await declared.handle(call)
        except Exception as error:  # every failure becomes a page
            told = _as_page(error)
            return call.page(
                "message.html",
                status=told.status,
                title=told.title,
                text=told.text,
                typed=_typed(call) if told.title in _MAY_BE_LOST else (),
                sign_in=SIGN_IN if told.title == _SIGNED_OUT[0] else "",
            )

    answer.__doc__ = declared.summary
    return answer


def _typed(call: PageCall) -> list[tuple[str, str]]:
    """Return what the fields of a form that was not taken held, secrets left out."""
    with suppress(PageError):
        return [
            (name, text)
            for name, texts in call.values.items()
            for text in texts
            if name not in _UNTOLD and text.strip()
        ]
    return []


async def _unknown(_call: PageCall) -> Response:
    raise PageError(404, *_UNKNOWN)


def _to_sign_in(request: Request) -> Response:
    query = request.url.query
    here = request.url.path + (f"?{query}" if query else "")
    return RedirectResponse(f"{SIGN_IN}?next={quote(here, safe='')}", 303, SAFE)


def _as_page(error: Exception) -> PageError:
    match error:
        case PageError():
            return error
        case NothingPublishedError():
            return PageError(503, *_UNPUBLISHED)
        case StaleProblem():
            return PageError(403, *_STALE)
        case ForgedProblem():
            return PageError(403, *_FORGED)
        case Problem(status=401 | 403):
            return PageError(403, *_CLOSED)
        case Problem(status=404):
            return PageError(404, *_UNKNOWN)
        case Problem(status=413):
            return PageError(413, *_TOO_LARGE)
        case Problem() | HTTPException():
            return PageError(400, *_UNREADABLE)
        case DBAPIError():
            _log.error("the store failed", exc_info=error)
            return PageError(503, *_STORE)
        case _:
            _log.error("a page failed", exc_info=error)
            return PageError(500, *_BROKEN)
