"""`Personalise` for Django: one middleware class for synchronous and asynchronous sites.

Name `byleave.sdk.django.Personalise` in `MIDDLEWARE`, outside of everything that caches pages
or compresses them inside, and give its arguments in the setting `BYLEAVE`. For templates, add
`byleave.sdk.django_tags` to the engine's `builtins`. Named in `INSTALLED_APPS` too, this module
lets `manage.py check` find faults in definitions.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django import conf
from django.core.checks import Error, register
from django.http import HttpResponse
from django.template import Context, Engine

from byleave.sdk.asgi_types import Message, Scope
from byleave.sdk.current import CURRENT, ENVIRON_KEY
from byleave.sdk.environ import scope_of, with_headers
from byleave.sdk.exchange import finished, given_body
from byleave.sdk.failures import report
from byleave.sdk.fresh import fetch
from byleave.sdk.headers import Headers
from byleave.sdk.middleware import Middleware, load_definitions
from byleave.sdk.page import PageSend
from byleave.sdk.routes import route_of
from byleave.sdk.visit import Visit
from byleave.segments import DefinitionError

Respond = Callable[[Any], Awaitable[Any]]


class Personalise(Middleware):
    """Personalises the pages of a Django site; the setting `BYLEAVE` holds the arguments.

    They are those of `Middleware`, with two defaults of Django's: `secrets` are `SECRET_KEY`
    and its fallbacks, and `templates` the site's own. `attributes` and `consent` are called
    with a scope that holds Django's request as `request`.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Any) -> None:
        settings = conf.settings
        secrets = [*reversed(settings.SECRET_KEY_FALLBACKS), settings.SECRET_KEY]
        defaults = {"secrets": secrets, "templates": DjangoTemplates()}
        super().__init__(get_response, **defaults | getattr(settings, "BYLEAVE", {}))
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        """Return the response to a request; an awaitable of it where the site is asynchronous."""
        if iscoroutinefunction(self):
            return self._answer(request, self.app)

        async def respond(request: Any) -> Any:
            return self.app(request)

        return finished(self._answer(request, respond))

    async def _answer(self, request: Any, respond: Respond) -> Any:
        scope = _scope(request)
        opened = self._open(scope)
        if opened is None:
            return await respond(request)
        visit, headers = opened
        if (route := route_of(scope)) is not None:
            kept = Kept()
            await route(visit, given_body(request.read), kept)
            return _with_headers(HttpResponse(kept.taken(), status=kept.status), kept.headers)
        await fetch(visit)
        hidden = _hide(request, before=scope["headers"], after=headers)
        request.META[ENVIRON_KEY] = visit
        token = CURRENT.set(visit)
        try:
            try:
                response = await respond(request)
            finally:
                _change(request, hidden)  # what stands around us sees the request as it came
            response = await _personal(visit, response, is_unwrapped=headers != scope["headers"])
        finally:
            CURRENT.reset(token)
        visit.is_over = not response.streaming
        return response


def check_definitions(app_configs: Any, **options: Any) -> list[Error]:
    """Return every fault of the site's definitions, and what keeps them from being read.

    Django calls it where this module is among the `INSTALLED_APPS`.
    """
    del app_configs, options  # definitions belong to no app
    definitions = getattr(conf.settings, "BYLEAVE", {}).get("definitions")
    if definitions is None:
        return []
    try:
        load_definitions(definitions)
    except DefinitionError as error:
        return [Error(str(fault), id="byleave.E001") for fault in error.faults]
    except (OSError, ValueError) as error:
        return [Error(str(error), id="byleave.E002")]
    return []


register(check_definitions)


class Kept:
    """Takes the place of ASGI's `send`, and keeps what is sent."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: Headers = []
        self._body = b""

    async def __call__(self, message: Message) -> None:
        """Keep one message."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message["headers"]
        else:
            self._body += message.get("body", b"")

    def taken(self) -> bytes:
        """Return what has come of the body since the last time."""
        body, self._body = self._body, b""
        return body


async def _personal(visit: Visit, response: Any, *, is_unwrapped: bool) -> Any:
    """Return a response as this visitor gets it; the site's own where that fails."""
    try:
        return await _changed(visit, response, is_unwrapped=is_unwrapped)
    except Exception as error:
        report("page not personalised", error)
        return response


async def _changed(visit: Visit, response: Any, *, is_unwrapped: bool) -> Any:
    kept = Kept()
    page = PageSend(visit, kept, is_unwrapped=is_unwrapped)
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in response.items()]
    own = [(b"set-cookie", name.encode()) for name in response.cookies]  # Django keeps them apart
    headers += own
    start = {"type": "http.response.start", "status": response.status_code, "headers": headers}
    await page(start)
    if getattr(response, "file_to_stream", None) is not None:
        await page.finish()  # the server may send it past everything in between
    elif response.streaming:
        # The headers are due before the first piece is there.
        await page(_piece(b"", is_last=False))
        if page.is_rewriting:
            pieces = Pieces(visit, page, kept, response.streaming_content)
            response.streaming_content = aiter(pieces) if response.is_async else iter(pieces)
    else:
        body = response.content
        await page(_piece(body, is_last=True))
        if (changed := kept.taken()) != body:
            response.content = changed
    if kept.headers == headers:
        return response
    return _with_headers(response, [each for each in kept.headers if each not in own])


class Pieces:
    """A streamed page, rewritten as it comes.

    Args:
        visit: The request.
        page: What rewrites.
        kept: What it sends to.
        given: The site's own pieces.
    """

    def __init__(self, visit: Visit, page: PageSend, kept: Kept, given: Any) -> None:
        self._visit = visit
        self._page = page
        self._kept = kept
        self._given = given

    def __iter__(self) -> Iterator[bytes]:
        """Return the pieces of a synchronous response."""
        given = iter(self._given)
        while True:
            token = CURRENT.set(self._visit)
            try:
                piece = next(given, None)
                filled = self._filled(piece)
            finally:
                CURRENT.reset(token)
            yield filled
            if piece is None:
                return

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Return the pieces of an asynchronous response."""
        given = aiter(self._given)
        while True:
            token = CURRENT.set(self._visit)
            try:
                piece = await anext(given, None)
                filled = self._filled(piece)
            finally:
                CURRENT.reset(token)
            yield filled
            if piece is None:
                return

    def _filled(self, piece: bytes | None) -> bytes:
        finished(self._page(_piece(piece or b"", is_last=piece is None)))
        return self._kept.taken()


class DjangoTemplates:
    """The site's Django templates, with the interface that variants are rendered through.

    Args:
        autoescape: Whether what is put into templates is escaped; None leaves that to the site.
    """

    def __init__(self, *, autoescape: bool | None = None) -> None:
        self._autoescape = autoescape

    def overlay(
        self, *, enable_async: bool = False, autoescape: bool | None = None
    ) -> "DjangoTemplates":
        """Return the same templates with other settings."""
        return DjangoTemplates(autoescape=autoescape)

    def get_template(self, name: str, /) -> "DjangoTemplate":
        """Return the template of a name."""
        engine = Engine.get_default()
        escapes = engine.autoescape if self._autoescape is None else self._autoescape
        return DjangoTemplate(engine.get_template(name), autoescape=escapes)


class DjangoTemplate:
    """One of them."""

    def __init__(self, template: Any, *, autoescape: bool) -> None:
        self._template = template
        self._autoescape = autoescape

    def render(self, context: Mapping[str, Any], /) -> str:
        """Return what the template makes of its context."""
        return str(self._template.render(Context(dict(context), autoescape=self._autoescape)))


def _scope(request: Any) -> Scope:
    given = request.scope if hasattr(request, "scope") else scope_of(request.META)
    query = request.META.get("QUERY_STRING", "").encode("latin-1", "replace")
    # Django may believe a proxy about HTTPS; its test client gives text where bytes belong.
    return {**given, "scheme": request.scheme, "query_string": query, "request": request}


def _hide(request: Any, *, before: Headers, after: Headers) -> dict[str, Any]:
    """Take the headers from a request that its view must not see; return what they were."""
    seen = with_headers(request.META, before=before, after=after)
    changed = {k: seen.get(k) for k, v in request.META.items() if seen.get(k) is not v}
    hidden = {key: request.META[key] for key in changed}
    _change(request, changed)
    return hidden


def _change(request: Any, changed: Mapping[str, Any]) -> None:
    for key, value in changed.items():
        if value is None:
            del request.META[key]
        else:
            request.META[key] = value
    if changed:
        vars(request).pop("headers", None)  # Django works them out once


def _with_headers(response: Any, headers: Headers) -> Any:
    """Return a response that has these headers and cookies, and of the others only cookies."""
    for name in [*response.headers]:
        del response.headers[name]
    for key, value in headers:
        if key == b"set-cookie":
            response.cookies.load(value.decode("latin-1"))
        else:
            response.headers[key.decode("latin-1")] = value.decode("latin-1")
    return response


def _piece(body: bytes, *, is_last: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": not is_last}
