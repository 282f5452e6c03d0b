"""Signed cookies: reading, writing and expiring them.

Each use has a key of its own, derived from every secret of the site, so that a value signed for
one use is worth nothing for another. The newest secret signs; all of them verify.
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from itsdangerous import Signer
from itsdangerous.signer import SigningAlgorithm

from byleave.sdk.asgi_types import Scope

#: Browsers keep about 4 KB for a cookie; we take less, because each request carries it.
MOST_COOKIE_BYTES: Final = 1_536


class _OneCall(SigningAlgorithm):
    """HMAC-SHA-256 in one call, several times as fast as an object that is fed."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha256")


class Keys:
    """One key for each use, derived from the site's secrets.

    Args:
        secrets: Oldest first; the last one signs.

    Raises:
        ValueError: There is no secret, or one is shorter than 16 bytes.
    """

    def __init__(self, secrets: Sequence[str | bytes]) -> None:
        self._secrets = [s.encode() if isinstance(s, str) else s for s in secrets]
        if not self._secrets or min(map(len, self._secrets)) < 16:
            raise ValueError("expected at least one secret, each of 16 bytes or more")
        self._signers: dict[str, Signer] = {}

    def keys(self, use: str) -> tuple[bytes, ...]:
        """Return the keys of a use, newest first."""
        label = f"byleave.{use}".encode()
        return tuple(hmac.digest(secret, label, "sha256") for secret in reversed(self._secrets))

    def signer(self, use: str) -> Signer:
        """Return what signs with the newest key of a use and verifies with all of them."""
        if use not in self._signers:
            # Deriving keys once, and not for each signature, halves what a cookie costs.
            self._signers[use] = Signer(
                [*reversed(self.keys(use))], key_derivation="none", algorithm=_OneCall()
            )
        return self._signers[use]


class Signed(NamedTuple):
    """The text of a signed value, and whether the newest secret signed it."""

    text: str
    is_newest: bool


def unsigned(signer: Signer, value: str) -> Signed | None:
    """Return the text of a signed value, or None where the signature is not ours."""
    text, dot, signature = value.rpartition(".")
    if not dot or not value.isascii():
        return None
    if hmac.compare_digest(signer.get_signature(text), signature.encode()):
        return Signed(text, is_newest=True)
    return Signed(text, is_newest=False) if signer.verify_signature(text, signature) else None


def parse_cookies(scope: Scope) -> dict[str, str]:
    """Return the request's cookies by name; the first one of a name counts."""
    cookies: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name == b"cookie":
            for pair in value.decode("latin-1").split(";"):
                key, equals, text = pair.strip().partition("=")
                if equals:
                    cookies.setdefault(key, text)
    return cookies


def is_secure(scope: Scope) -> bool:
    """Return whether the browser reached the site over HTTPS."""
    return scope.get("scheme") == "https"


def cookie_name(use: str, scope: Scope) -> str:
    """Return the name of one of our signed cookies.

    `__Host-` binds a cookie to this host and to HTTPS; browsers refuse it on plain HTTP, where
    only development takes place.
    """
    return f"__Host-byleave_{use}" if is_secure(scope) else f"byleave_dev_{use}"


def set_cookie(
    name: str, value: str, scope: Scope, *, lasts_s: int | None, is_http_only: bool = True
) -> str:
    """Return a Set-Cookie value.

    A cookie that lasts no time expires the one that is there; None lasts for the session.
    """
    parts = [f"{name}={value}", "Path=/", "SameSite=Lax"]
    if lasts_s is not None:
        parts.insert(2, f"Max-Age={max(0, lasts_s)}")
    if is_secure(scope):
        parts.append("Secure")
    if is_http_only:
        parts.append("HttpOnly")
    return "; ".join(parts)


def expire_brought(uses: Iterable[str], scope: Scope, cookies: Mapping[str, str]) -> list[str]:
    """Return the Set-Cookie values that remove those of our cookies that a request brought."""
    names = (cookie_name(use, scope) for use in uses)
    return [set_cookie(name, "", scope, lasts_s=0) for name in names if name in cookies]
