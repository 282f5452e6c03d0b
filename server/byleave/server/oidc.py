"""Sign-in by a provider of OpenID Connect, which says who somebody is.

The authorization code flow of OpenID Connect Core 1.0 §3.1, with PKCE (RFC 7636) and the issuer
in the answer where the provider sends it (RFC 9207). Nothing of it is kept here: what ties an
answer to the browser that asked follows from a cookie and a secret of the site, so that any
process of the site can take the answer.
"""

import hmac
import json
import secrets
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote, urlencode

import httpx2

from byleave.server.errors import ServerError
from byleave.server.outbound import Outbound, UnsafeUrlError
from byleave.server.settings import Settings
from byleave.server.sites import Site

if TYPE_CHECKING:
    from joserfc.jwk import Key

#: Whoever signs in may take so long with their provider.
LASTS_MS: Final = 600_000

#: What tokens may be signed by: with a public key, so that nobody who can check can sign.
ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA")

_DISCOVERED_MS: Final = 3_600_000
_LEEWAY_S: Final = 60


class ProviderError(ServerError):
    """The provider did not say who somebody is; the message says why, and nothing of theirs."""


class ForeignError(ProviderError):
    """What came back belongs to no sign-in of this browser: one that is under way goes on."""


class MadeUpError(ProviderError):
    """What a browser brought back is nothing that the provider gave to it: it may be a guess."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that began: where the browser goes, and the cookie that it brings back."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody whom the provider knows: their verified address, and the page they wanted."""

    email: str
    wanted: str


class Provider:
    """A provider of OpenID Connect, as one site asks it."""

    def __init__(
        self,
        outbound: Outbound,
        *,
        issuer: str,
        client_id: str,
        client_secret: str,
        key: bytes,
        clock: Callable[[], int],
    ) -> None:
        """Ask nothing yet.

        Args:
            outbound: How it is reached; one of a network of one's own has to be allowed there.
            issuer: Its address, as its tokens name it.
            client_id: What it knows the site by.
            client_secret: What it knows the site's server by; '' where PKCE alone has to do.
            key: A secret of the site, at most 64 bytes.
            clock: Returns the time in milliseconds since the Unix epoch.

        Raises:
            ProviderError: The package that checks its tokens is not installed.
        """
        try:
            import joserfc as _installed  # noqa: F401  # an extra: told at the start, not later
        except ModuleNotFoundError as error:
            raise ProviderError(
                "oidc_issuer needs a package that is not installed: pip install 'byleave[oidc]'"
            ) from error
        self._outbound = outbound
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._key = key
        self._clock = clock
        self._discovered: tuple[int, Mapping[str, Any]] | None = None

    @classmethod
    def of(
        cls, settings: Settings, outbound: Outbound, site: Site, *, clock: Callable[[], int]
    ) -> Self | None:
        """Return the provider that settings name; None where they name none.

        Raises:
            ProviderError: The package that checks its tokens is not installed.
        """
        if not settings.oidc_issuer:
            return None
        return cls(
            outbound,
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret,
            key=site.derived("oidc").encode(),
            clock=clock,
        )

    @property
    def name(self) -> str:
        """What people know it by: its host."""
        return httpx2.URL(self._issuer).host

    async def begin(self, back: str, wanted: str) -> Begun:
        """Return where to send a browser.

        Args:
            back: The URL that the provider sends it back to.
            wanted: The path that it goes to in the end.

        Raises:
            ProviderError: The provider does not answer as one.
        """
        place = (await self._document()).get("authorization_endpoint")
        # Only a provider that is asked without TLS itself sends people anywhere without.
        scheme = self._issuer.partition("//")[0]
        if not isinstance(place, str) or not place.startswith(("https://", f"{scheme}//")):
            raise ProviderError("the provider does not say where people sign in")
        packed = urlsafe_b64encode(wanted.encode()).decode().rstrip("=")
        cookie = f"{self._clock()}.{secrets.token_urlsafe(24)}.{packed}"
        challenge = sha256(self._derived("verifier", cookie).encode()).digest()
        asked = {
            "response_type": "code",
            "scope": "openid email",
            "client_id": self._client_id,
            "redirect_uri": back,
            "state": self._derived("state", cookie),
            "nonce": self._derived("nonce", cookie),
            "code_challenge": urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        return Begun(f"{place}{'&' if '?' in place else '?'}{urlencode(asked)}", cookie)

    async def finish(self, answer: Mapping[str, str], *, cookie: str, back: str) -> Known:
        """Return who came back.

        Args:
            answer: The parameters that they came back with.
            cookie: The cookie that they were given.
            back: The URL that they came back to.

        Raises:
            ForeignError: It was not begun by this browser, or not as its last.
            MadeUpError: The provider knows no such code, or gave it to another browser.
            ProviderError: It took too long, or the provider does not say who they are by an
                address that it verified.
        """
        wanted = self._wanted(cookie, answer.get("state", ""))
        if answer.get("iss", self._issuer) != self._issuer:
            raise ProviderError("another provider answered")
        if not answer.get("code"):
            raise ProviderError("the provider signed nobody in")
        document = await self._document()
        grant = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": back,
            "code_verifier": self._derived("verifier", cookie),
            "client_id": self._client_id,
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if self._client_secret:
            pair = f"{quote(self._client_id, safe='')}:{quote(self._client_secret, safe='')}"
            headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        given = await self._ask(document, "token_endpoint", body=urlencode(grant), **headers)
        claims = await self._checked(document, given, nonce=self._derived("nonce", cookie))
        if "email" not in claims and "userinfo_endpoint" in document:
            bearer = f"Bearer {given.get('access_token', '')}"
            told = await self._ask(document, "userinfo_endpoint", authorization=bearer)
            claims = told if told.get("sub") == claims.get("sub") else {}
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") is not True:
            raise ProviderError("the provider tells of no address that it verified")
        return Known(email.strip().lower(), wanted)

    def _wanted(self, cookie: str, state: str) -> str:
        """Return the page that was wanted, if a state is that of a cookie of the last minutes."""
        expected = self._derived("state", cookie)
        begun, _, rest = cookie.partition(".")
        if not hmac.compare_digest(expected.encode(), state.encode()) or not begun.isdecimal():
            raise ForeignError("this browser did not begin it")
        if not 0 <= self._clock() - int(begun) < LASTS_MS:
            raise ProviderError("it took too long")
        packed = rest.rpartition(".")[2]
        return urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()

    async def _checked(
        self, document: Mapping[str, Any], given: Mapping[str, Any], *, nonce: str
    ) -> Mapping[str, Any]:
        """Return what an identity token says, if it is one of the provider for this sign-in."""
        from joserfc import jwk, jwt
        from joserfc.errors import JoseError

        keys = await self._ask(document, "jwks_uri")
        claims = jwt.JWTClaimsRegistry(
            now=self._clock() // 1_000,
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            known = jwk.KeySet([*_understood(keys["keys"])])
            token = jwt.decode(str(given["id_token"]), known, algorithms=ALGORITHMS)
            claims.validate(token.claims)
        except (JoseError, KeyError, TypeError, ValueError) as error:
            raise ProviderError("the provider's token is not one for this sign-in") from error
        if token.claims.get("azp", self._client_id) != self._client_id:
            raise ProviderError("the provider's token is for somebody else")
        return token.claims

    async def _document(self) -> Mapping[str, Any]:
        """Return what the provider says of itself, at most an hour old."""
        now_ms = self._clock()
        if self._discovered is None or now_ms - self._discovered[0] >= _DISCOVERED_MS:
            place = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            document = await self._ask({"discovery": place}, "discovery")
            if document.get("issuer") != self._issuer:
                raise ProviderError("the provider gives itself another name than oidc_issuer")
            self._discovered = (now_ms, document)
        return self._discovered[1]

    async def _ask(
        self, document: Mapping[str, Any], place: str, *, body: str | None = None, **headers: str
    ) -> dict[str, Any]:
        """Return the object that the provider answers with at one of its places."""
        method = "GET" if body is None else "POST"
        headers["accept"] = "application/json"
        try:
            status, text = await self._outbound.ask(
                method, str(document.get(place)), (body or "").encode(), headers
            )
            found = json.loads(text) if status == 200 else None
        except (
            UnsafeUrlError,
            TimeoutError,
            httpx2.HTTPError,
            ValueError,
            RecursionError,
        ) as error:
            raise ProviderError(f"the provider's {place} does not answer") from error
        if place == "token_endpoint" and status == 400:  # RFC 6749 §5.2
            raise MadeUpError("the provider knows no such code")
        if not isinstance(found, dict):
            raise ProviderError(f"the provider's {place} refused")
        return found

    def _derived(self, use: str, cookie: str) -> str:
        return blake2b(f"{use}/{cookie}".encode(), key=self._key, digest_size=32).hexdigest()


def _understood(keys: Iterable[Any]) -> Iterator["Key"]:
    """Give the keys that can be read; RFC 7517 §5 says to pass over those of kinds to come."""
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry

    for each in keys:
        with suppress(JoseError, KeyError, TypeError, ValueError):
            yield JWKRegistry.import_key(each)
