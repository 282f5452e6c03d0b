"""A provider of OpenID Connect on loopback: it signs in whoever a test says, and checks PKCE."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from byleave.server.app import create_app
from byleave.server.listening import listen, url_of
from byleave.server.oidc import Provider
from byleave.server.outbound import Outbound
from byleave.server.service import Service
from byleave.server.settings import Settings

CLIENT, SECRET = "byleave:console", "a secret with : and /"
ANN, PASSWORD = "ann@example.com", "correct horse battery"
SIGN_IN = "/console/sign-in"
BEGIN = f"{SIGN_IN}/provider"
KEYS = "/console/keys?a=1"


@cache
def rsa_key(name: str) -> RSAKey:
    """Return the key of a name; making one takes longer than a sign-in."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"})


class Identity:
    """A provider that knows one person.

    Attributes:
        url: Where it is, and its name.
        person: What it says of them.
        claims: What its tokens say otherwise than they should.
        algorithm: How it signs.
        is_thin: Whether the address is told by the userinfo endpoint alone.
        answers: What its answers to browsers hold otherwise.
        strange: What it publishes before its own key.
        asked: The paths that were asked, in order.
    """

    def __init__(self, clock: Callable[[], int], url: str) -> None:
        self.url = url
        self.person: dict[str, Any] = {
            "sub": "7",
            "email": "Ann@example.com",
            "email_verified": True,
        }
        self.claims: dict[str, Any] = {}
        self.algorithm = "RS256"
        self.is_thin = False
        self.answers: dict[str, str] = {}
        self.strange: list[Any] = []
        self.asked: list[str] = []
        self.issuer = url
        self.signs = self.shown = rsa_key("one")
        self._clock = clock
        self._codes: dict[str, dict[str, str]] = {}
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._document),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/keys", self._keys),
                Route("/userinfo", self._userinfo),
            ]
        )

    async def _document(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.url}/authorize?tenant=1",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/userinfo",
            }
        )

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert set(asked["scope"].split()) == {"openid", "email"}
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer, **self.answers}
        query = urlencode({key: value for key, value in back.items() if value})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}", 302)

    async def _token(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        sent = dict(parse_qsl((await request.body()).decode()))
        asked = self._codes.pop(sent["code"], None)  # good once
        digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        basic = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != sent["redirect_uri"]
            or basic != "byleave%3Aconsole:a%20secret%20with%20%3A%20and%20%2F"
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now_s = self._clock() // 1_000
        told = {"sub": self.person["sub"]} if self.is_thin else self.person
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now_s,
            "exp": now_s + 300,
            "nonce": asked["nonce"],
            **told,
            **self.claims,
        }
        claims = {key: value for key, value in claims.items() if value is not None}
        return JSONResponse({"access_token": "bearer", "id_token": self._signed(claims)})

    def _signed(self, claims: dict[str, Any]) -> str:
        match self.algorithm:
            case "none":
                return f"{_packed({'alg': 'none'})}.{_packed(claims)}."
            case "HS256":  # with what everybody can read, as if it were a secret
                signed = f"{_packed({'alg': 'HS256', 'kid': 'one'})}.{_packed(claims)}"
                shown = self.shown.as_pem(private=False)
                digest = hmac.digest(shown, signed.encode(), "sha256")
                return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
            case _:
                return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signs)

    async def _keys(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        return JSONResponse({"keys": [*self.strange, self.shown.as_dict(private=False)]})

    async def _userinfo(self, request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer bearer"
        return JSONResponse(self.person)


@contextmanager
def identity(clock: Callable[[], int]) -> Iterator[Identity]:
    """Run a provider until the end of a `with` block."""
    with listen(0) as listener:
        provider = Identity(clock, url_of(listener))
        server = uvicorn.Server(uvicorn.Config(provider.app, log_config=None))
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield provider
        finally:
            server.should_exit = True
            thread.join()


def open_console(service: Service, known: Identity) -> TestClient:
    settings = Settings(oidc_issuer=known.url, oidc_client_id=CLIENT, oidc_client_secret=SECRET)
    outbound = Outbound(allow=["127.0.0.0/8"])
    provider = Provider.of(settings, outbound, service.site, clock=service.clock)
    app = create_app(service, provider=provider)
    return TestClient(app, "https://console.example", follow_redirects=False)


def begin(browser: TestClient, wanted: str = KEYS) -> str:
    """Follow the link to the provider, and return the path that it sends the browser back to."""
    asked = browser.get(BEGIN, params={"next": wanted})
    assert asked.status_code == 303
    answered = httpx2.get(asked.headers["location"])
    back = urlsplit(answered.headers["location"])
    assert f"{back.scheme}://{back.netloc}" == "https://console.example"
    return f"{back.path}?{back.query}"


def is_signed_in(browser: TestClient) -> bool:
    return browser.get("/console/keys").status_code == 200


def _packed(data: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")
