"""What a broken server costs a site's visitors: 24 faults, 5 ways to build a site.

    python -m benchmarks.faults [--requests N] [--fault NAME]

Every page asks the server for its decision, which is the most that a page ever asks. Printed is
what the page took longer than the same page without the middleware, at the 99th percentile; the
bar is the deadline and 20 ms. Returns 1 where an answer was not the site's own, or took longer.
"""

import argparse
import asyncio
import io
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, Final

from benchmarks.bars import Bar, say
from benchmarks.broken_servers import FAULTS, broken_server

from byleave.experiments import Definitions, local_snapshot
from byleave.sdk import Personalise, wsgi
from byleave.sdk.middleware import Middleware, system_clock
from byleave.segments import Choice, Consent, Purpose, plain, read

DEADLINE_MS: Final = 50
ALLOWED_MS: Final = DEADLINE_MS + 20
PAGE: Final = "<!doctype html><body><div data-byleave-slot='hero'>Default</div></body>"
AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36"

_DEFINITIONS: Final = {
    "site": "shop",
    "events": {"sign_up": {"purposes": ["personalisation", "analytics"], "ttl": "400d"}},
    "goals": {"signup": {"event": "sign_up", "kind": "conversion", "within": "7d"}},
    "slots": {"hero": {"kind": "content"}},
    "experiments": {
        "greeting": {
            "slot": "hero",
            "allocate": {"policy": "fixed", "goal": "signup", "shares": {"control": 0, "b": 1}},
            "goals": {"primary": "signup"},
            "variants": {"control": "site", "b": {"html": "Variant"}},
        }
    },
}

Options = Mapping[str, Any]
Got = tuple[int, str]


@dataclass(frozen=True)
class Made:
    """A site: how to get its page, its middleware if it has one, and what has to be closed."""

    get: Callable[[], Got]
    site: Middleware | None
    close: Callable[[], None] = lambda: None


@dataclass
class Visits:
    """What came of some requests: answers, exceptions, and the seconds that each took."""

    answers: set[Got] = field(default_factory=set)
    errors: list[BaseException] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def take(self, get: Callable[[], Got]) -> None:
        """Make one request."""
        began = time.perf_counter()
        try:
            self.answers.add(get())
        except Exception as error:
            self.errors.append(error)
        self.seconds.append(time.perf_counter() - began)


def agreed(_: object) -> Consent:
    """Say that the visitor agreed to everything."""
    return Consent(dict.fromkeys((Purpose.PERSONALISATION, Purpose.ANALYTICS), Choice.GRANTED))


def options(url: str, folder: Path) -> dict[str, Any]:
    """Return what the middleware is told: a good snapshot at hand, and a server that decides."""
    bootstrap = folder / "snapshot.json"
    definitions = read(Definitions, _DEFINITIONS)
    bootstrap.write_text(json.dumps(plain(local_snapshot(definitions, now_ms=system_clock()))))
    return {
        "server": url,
        "decide": "server",
        "deadline_ms": DEADLINE_MS,
        "bootstrap": bootstrap,
        "consent": agreed,
        "secrets": ["a secret of sixteen or more bytes"],
    }


def _over_asgi(app: Callable[..., Awaitable[None]], site: Middleware | None) -> Made:
    headers = [(b"host", b"shop.example"), (b"user-agent", AGENT.encode()), (b"accept", b"*/*")]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "https", "path": "/", "raw_path": b"/", "query_string": b"", "root_path": "",
        "headers": headers, "client": ("127.0.0.1", 1), "server": ("shop.example", 443),
    }  # fmt: skip
    loop = asyncio.new_event_loop()

    async def once() -> Got:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await app(dict(scope), receive, send)
        return sent[0]["status"], b"".join(m.get("body", b"") for m in sent[1:]).decode()

    def close() -> None:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    return Made(lambda: loop.run_until_complete(once()), site, close)


def _over_wsgi(app: Any) -> Callable[[], Got]:
    def once() -> Got:
        status = []
        environ = {
            "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/", "QUERY_STRING": "",
            "SERVER_NAME": "shop.example", "SERVER_PORT": "443", "wsgi.url_scheme": "https",
            "HTTP_HOST": "shop.example", "HTTP_USER_AGENT": AGENT, "HTTP_ACCEPT": "*/*",
            "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr,
        }  # fmt: skip
        body = app(environ, lambda line, headers, exc_info=None: status.append(line))
        text = b"".join(body).decode()
        getattr(body, "close", lambda: None)()
        return int(status[-1][:3]), text

    return once


def asgi(given: Options | None) -> Made:
    """A plain ASGI application."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": PAGE.encode()})

    site = None if given is None else Personalise(app, **given)
    return _over_asgi(site or app, site)


def fastapi(given: Options | None) -> Made:
    """A FastAPI site."""
    from fastapi import FastAPI
    from fastapi.responses import HTMLResponse

    app = FastAPI()
    app.add_api_route("/", lambda: HTMLResponse(PAGE.encode()))
    site = None if given is None else Personalise(app, **given)
    return _over_asgi(site or app, site)


def plain_wsgi(given: Options | None) -> Made:
    """A plain WSGI application."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [PAGE.encode()]

    site = None if given is None else wsgi.Personalise(app, **given)
    return Made(_over_wsgi(site or app), site)


def flask(given: Options | None) -> Made:
    """A Flask site."""
    from flask import Flask

    app = Flask("shop")
    app.add_url_rule("/", view_func=lambda: PAGE)
    site = None if given is None else wsgi.Personalise(app, **given)
    return Made(_over_wsgi(app), site)


def django(given: Options | None) -> Made:
    """A Django site."""
    from django import setup
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler
    from django.http import HttpResponse
    from django.test import override_settings
    from django.urls import path

    from byleave.sdk.django import Personalise as DjangoPersonalise

    if not settings.configured:
        settings.configure(SECRET_KEY="x" * 50, ALLOWED_HOSTS=["*"], USE_TZ=True)
        setup()
    urls = ModuleType("urls")
    vars(urls)["urlpatterns"] = [path("", lambda request: HttpResponse(PAGE.encode()))]
    made: list[Middleware] = []

    def middleware(get_response: Any) -> Any:
        made.append(DjangoPersonalise(get_response))
        return made[0]

    vars(urls)["middleware"] = middleware
    sys.modules["benchmarks.faults_urls"] = urls
    named = [] if given is None else ["benchmarks.faults_urls.middleware"]
    changed = {"ROOT_URLCONF": urls, "MIDDLEWARE": named, "BYLEAVE": given or {}}
    with override_settings(**changed):
        get = _over_wsgi(WSGIHandler())

    def within() -> Got:
        with override_settings(**changed):
            return get()

    return Made(within, made[0] if made else None)


INTEGRATIONS: Final = {
    "ASGI": asgi,
    "FastAPI": fastapi,
    "WSGI": plain_wsgi,
    "Flask": flask,
    "Django": django,
}


def visits(
    integration: str, fault: str, *, requests: int, background: bool
) -> tuple[Visits, Visits]:
    """Return what came of requests to a site whose server fails in one way.

    The same requests go to the same site without the middleware in between, so that what else
    the machine has to do slows both.

    Args:
        integration: One of `INTEGRATIONS`.
        fault: One of `FAULTS`.
        requests: How many.
        background: Whether the client's thread keeps trying to reach the server meanwhile.
    """
    found, alone = Visits(), Visits()
    with broken_server(fault) as url, TemporaryDirectory() as folder:
        given = {**options(url, Path(folder)), "background": background}
        bare, made = INTEGRATIONS[integration](None), INTEGRATIONS[integration](given)
        for _ in range(requests):
            alone.take(bare.get)
            found.take(made.get)
        if made.site is not None:
            made.site.client.close(within_s=0)
        bare.close()
        made.close()
    return found, alone


def percentile_99(seconds: list[float]) -> float:
    """Return the 99th percentile, in milliseconds."""
    return sorted(seconds)[min(len(seconds) - 1, len(seconds) * 99 // 100)] * 1e3


def main() -> int:
    """Print one line for each fault; return 1 where the site suffered."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--fault", choices=FAULTS, action="append")
    given = parser.parse_args()
    logging.disable()  # of which each failure writes a line
    print(f"{'added ms, p99':24}" + "".join(f"{name:>10}" for name in INTEGRATIONS))
    worst, not_own = 0.0, 0
    for fault in given.fault or FAULTS:
        line = f"{fault:24}"
        for name in INTEGRATIONS:
            found, alone = visits(name, fault, requests=given.requests, background=True)
            added_ms = percentile_99(found.seconds) - percentile_99(alone.seconds)
            line += f"{added_ms:10.1f}"
            is_own = not found.errors and found.answers == alone.answers == {(200, PAGE)}
            worst, not_own = max(worst, added_ms), not_own + (not is_own)
            line += "" if is_own else " not its own"
        print(line, flush=True)
    return say(
        [
            Bar("faults and integrations where a page was not the site's own", not_own, most=0),
            Bar("the most that a fault adds to a page, p99", worst, " ms", most=ALLOWED_MS),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
