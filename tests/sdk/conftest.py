"""A small ASGI driver, a browser, a site and a server in memory, for the tests of the SDK."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from tests.sdk.decision_server import NOW_MS, Clock, Server

from byleave.experiments import (
    Definitions,
)
from byleave.sdk import Personalise
from byleave.segments import Choice, Consent, Purpose, read

Messages = list[dict[str, Any]]
App = Callable[..., Awaitable[None]]

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)
BLOCK = re.compile(r'<script type="application/json" id="byleave-data">(.*?)</script>')
SECRET = "a secret that only tests know"  # noqa: S105  # it guards nothing


@dataclass(slots=True)
class Answer:
    """What came back from an application."""

    messages: Messages

    @property
    def start(self) -> dict[str, Any]:
        return next(m for m in self.messages if m["type"] == "http.response.start")

    @property
    def status(self) -> int:
        return int(self.start["status"])

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(k.decode().lower(), v.decode("latin-1")) for k, v in self.start["headers"]]

    @property
    def pieces(self) -> list[bytes]:
        return [m.get("body", b"") for m in self.messages if m["type"] == "http.response.body"]

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def data(self) -> dict[str, Any]:
        """What the page's script is told."""
        match = BLOCK.search(self.text)
        assert match is not None
        data: dict[str, Any] = json.loads(match[1])
        return data

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    @property
    def set_cookies(self) -> dict[str, str]:
        lines = [value.partition("=") for key, value in self.headers if key == "set-cookie"]
        return {name: value for name, _, value in lines}


def call(
    app: App,
    path: str = "/",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    scheme: str = "https",
    client: str = "192.0.2.7",
) -> Answer:
    """Make one request and return everything that was sent."""
    parts = urlsplit(path)
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(b"host", b"shop.example")]
        + [(k.lower().encode(), v.encode("latin-1")) for k, v in pairs],
        "client": (client, 50_000),
        "server": ("shop.example", 443),
        "extensions": {},
    }
    messages: Messages = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        messages.append(dict(message))

    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]  # an app returns a coroutine
    return Answer(messages)


@dataclass(slots=True)
class Browser:
    """One visitor's browser: it keeps cookies and says that it wants a document."""

    app: App
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    scheme: str = "https"
    client: str = "192.0.2.7"

    def get(self, path: str = "/", **headers: str) -> Answer:
        return self._send("GET", path, b"", headers)

    def post(self, path: str, form: Mapping[str, str], **headers: str) -> Answer:
        given = {"content_type": "application/x-www-form-urlencoded", **headers}
        return self._send("POST", path, urlencode(form).encode(), given)

    def report(self, data: object, **headers: str) -> Answer:
        """Send what the page's script would."""
        given = {"sec_fetch_dest": "empty", **headers}
        return self._send("POST", "/.byleave/events", json.dumps(data).encode(), given)

    def choose(self, choice: str) -> Answer:
        """Use the consent form."""
        return self.post("/.byleave/consent", {"choice": choice, "back": "/"})

    def _send(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        sent = {
            "user-agent": CHROME,
            "accept": "text/html",
            "sec-fetch-dest": "document",
            **self.headers,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        if self.cookies:
            sent["cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        answer = call(
            self.app,
            path,
            method=method,
            headers=sent,
            body=body,
            scheme=self.scheme,
            client=self.client,
        )
        for name, line in answer.set_cookies.items():
            self.cookies.pop(name, None)
            if "Max-Age=0" not in line:
                self.cookies[name] = line.partition(";")[0]
        return answer


PAGE = (
    b"<!doctype html><html><head><title>Shop</title></head><body>"
    b'<div class="hero" data-byleave-slot="hero"><h2>Default</h2></div>'
    b"<p>Outside</p></body></html>"
)


def html_app(
    body: bytes | Sequence[bytes] = PAGE,
    *,
    status: int = 200,
    headers: Sequence[tuple[str, str]] = (("content-type", "text/html; charset=utf-8"),),
    seen: list[dict[str, Any]] | None = None,
) -> App:
    """Return an application that answers everything alike, whole or in pieces."""
    pieces = [body] if isinstance(body, bytes) else list(body)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if seen is not None:
            seen.append(scope)
        raw = [(k.encode(), v.encode("latin-1")) for k, v in headers]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        for index, piece in enumerate(pieces):
            more = index < len(pieces) - 1
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    return app


FIRST_PARTY = (Purpose.PERSONALISATION, Purpose.ANALYTICS)


def granted(_: Any) -> Consent:
    """Say for a site that its visitor agreed."""
    return Consent(dict.fromkeys(FIRST_PARTY, Choice.GRANTED), source="site")


def refused(_: Any) -> Consent:
    """Say for a site that its visitor did not agree."""
    return Consent(dict.fromkeys(FIRST_PARTY, Choice.DENIED), source="site")


BASE: dict[str, Any] = {
    "site": "shop",
    "regions": {"default": "opt-in", "US": "opt-out"},
    "attributes": {
        "country": {"type": "string", "source": "request"},
        "device": {"type": "string", "source": "request"},
        "is_customer": {
            "type": "boolean",
            "source": "site",
            "purposes": ["personalisation", "analytics"],
            "ttl": "session",
            "default": False,
        },
    },
    "events": {
        "page_view": {
            "properties": {"path": "string"},
            "purposes": ["personalisation", "analytics"],
            "ttl": "30d",
        },
        "sign_up": {"purposes": ["personalisation", "analytics"], "ttl": "400d"},
        "purchase": {
            "properties": {"amount": "number"},
            "purposes": ["personalisation", "analytics"],
            "ttl": "400d",
        },
    },
    "goals": {
        "signup": {"event": "sign_up", "kind": "conversion", "within": "7d"},
        "revenue": {"event": "purchase", "kind": "value", "of": "amount", "within": "7d"},
    },
    "slots": {
        "hero": {
            "kind": "content",
            "fields": {"title": "text", "link": "url"},
            "template": "hero.html",
        },
        "nav": {"kind": "navigation"},
    },
    "segments": {
        "returning": {
            "because": "You were here before",
            "when": {"event": "page_view", "count": {"at_least": 2}, "within": "30d"},
        }
    },
    "experiments": {
        "greeting": {
            "slot": "hero",
            "allocate": {
                "policy": "fixed",
                "goal": "signup",
                "shares": {"control": "0%", "b": "100%"},
            },
            "goals": {"primary": "signup"},
            "variants": {"control": "site", "b": {"html": "<h2>Variant</h2>"}},
        }
    },
}


def define(**changes: Any) -> Definitions:
    """Return the definitions of the test shop, with some parts replaced."""
    return read(Definitions, {**BASE, **changes})


def greeting(**changes: Any) -> dict[str, Any]:
    """Return the experiments of the test shop, with parts of the only one replaced."""
    return {"greeting": {**BASE["experiments"]["greeting"], **changes}}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def personalise(clock: Clock) -> Callable[..., Personalise]:
    """Wraps an application, with the test shop's definitions unless a server has its own."""

    def wrap(app: App | None = None, **options: Any) -> Personalise:
        if "server" not in options:
            options.setdefault("definitions", define())
        options.setdefault("secrets", [SECRET])
        options.setdefault("clock", clock)
        options.setdefault("random_bytes", Random(7).randbytes)
        options.setdefault("background", False)
        return Personalise(app or html_app(), **options)

    return wrap


@pytest.fixture
def server(clock: Clock) -> Server:
    return Server(define(), clock)


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """What test modules need from here, since they cannot import it."""
    return SimpleNamespace(
        browser=Browser,
        call=call,
        chrome=CHROME,
        define=define,
        granted=granted,
        greeting=greeting,
        html_app=html_app,
        now_ms=NOW_MS,
        page=PAGE,
        refused=refused,
        secret=SECRET,
        server=Server,
    )
