"""One visitor's cookies during one request: what they brought, and what goes back."""

from collections.abc import Mapping
from typing import Final

from byleave.experiments import Assignments, may_enrol
from byleave.sdk.asgi_types import Scope
from byleave.sdk.cookies import (
    MOST_COOKIE_BYTES,
    cookie_name,
    expire_brought,
    is_secure,
    set_cookie,
    unsigned,
)
from byleave.sdk.site import Site
from byleave.sdk.visitor import IDENTITY_LASTS_MS, Carried, Identity, State
from byleave.segments import Attribute, Choice, Consent, Profile, Purpose, Scalar, Source

#: What the server knew is used for a day; by then it was confirmed, or nobody was there.
CARRIED_LASTS_MS: Final = 86_400_000

#: What our cookies are for that are there under consent for personalisation and analytics alone.
OF_THE_KNOWN: Final = ("id", "profile", "shown")

_SIGNATURE: Final = 48  # the characters of a signature, and some to spare


class Memory:
    """What is remembered of the visitor who makes a request.

    Without consent for personalisation and analytics nothing is read, and nothing written.

    Args:
        site: What all requests share.
        scope: The ASGI scope.
        cookies: What the browser sent.
        consent: What the visitor agreed to.
        is_country_unknown: Whether silence means no only because nobody knows where they are.
        may_begin: Whether a visitor without an id may be given one.
        now_ms: The time.

    Attributes:
        identity: The visitor's id; None where there is none and none may be made.
        is_brought: Whether the request brought the id back, rather than it being new.
        state: What is remembered, as it stands now.
        withdrawn: An id whose consent was taken back: the server must forget it.
    """

    def __init__(
        self,
        site: Site,
        scope: Scope,
        cookies: Mapping[str, str],
        *,
        consent: Consent,
        is_country_unknown: bool,
        may_begin: bool,
        now_ms: int,
    ) -> None:
        self._site = site
        self._scope = scope
        self._cookies = cookies
        self._now_ms = now_ms
        self._expired: list[str] = []
        self._is_kept = False
        self._must_sign_again = False
        self.identity: Identity | None = None
        self.is_brought = False
        self.state = State()
        self.withdrawn: Identity | None = None
        if may_enrol(consent):
            self._read(consent.number)
            if self.identity is None and may_begin:
                self.identity = Identity.new(
                    site.random_bytes, number=consent.number, now_ms=now_ms
                )
        elif _is_refused(consent):
            self.withdrawn = brought_identity(site, scope, cookies)
            self._expired = expire_visitor(scope, cookies)
        elif not is_country_unknown:
            # Silence, where silence means no. Where only the country is unknown, as when a
            # proxy fails, the cookies are left alone for the next request.
            self._expired = expire_visitor(scope, cookies)
        self._loaded = self.state

    def _read(self, number: int) -> None:
        identity = Identity.parse(self._text("id"))
        if identity is None or not identity.is_valid(number=number, now_ms=self._now_ms):
            self._expired = expire_visitor(self._scope, self._cookies)
            if identity is not None and identity.number < number:
                self.withdrawn = identity
            return
        self.identity, self.is_brought = identity, True
        profile = self._text("profile")
        state = State.unpack(profile, identity) if profile else None
        if state is not None:
            self.state = state
        else:
            self._expired = expire_brought(["profile"], self._scope, self._cookies)

    def _text(self, use: str) -> str:
        value = self._cookies.get(cookie_name(use, self._scope), "")
        signed = unsigned(self._site.keys.signer(use), value)
        if signed is None:
            return ""
        self._must_sign_again = self._must_sign_again or not signed.is_newest
        return signed.text

    def carried(self, declared: Mapping[str, Attribute]) -> dict[str, Scalar]:
        """Return what the cookie carries of what the server knows, a day old at most."""
        values, at_ms, _ = self.state.carried
        if not 0 <= self._now_ms - at_ms < CARRIED_LASTS_MS:
            return {}
        kept = {name: declared[name] for name in values if name in declared}
        return {
            name: values[name]
            for name, each in kept.items()
            if each.source is Source.SERVER and not each.fresh
        }

    def remember(
        self,
        *,
        profile: Profile | None = None,
        assignments: Assignments | None = None,
        carried: Carried | None = None,
    ) -> None:
        """Take a part of the state as it is now."""
        self.state = State(
            self.state.profile if profile is None else profile,
            self.state.assignments if assignments is None else assignments,
            self.state.carried if carried is None else carried,
        )

    def keep(self) -> None:
        """Give a new visitor their id: something about them is counted."""
        self._is_kept = True

    def set_cookies(self, *, may_write: bool) -> list[str]:
        """Return the Set-Cookie values that this response needs.

        Args:
            may_write: Whether cookies may be set; expiring them is always allowed.
        """
        written = self._written(self.identity) if may_write and self.identity else []
        names = {line.partition("=")[0] for line in written}
        return [*written, *(line for line in self._expired if line.partition("=")[0] not in names)]

    def _written(self, identity: Identity) -> list[str]:
        is_changed = self.state != self._loaded
        lines = []
        if self._must_sign_again or (not self.is_brought and (self._is_kept or is_changed)):
            lines.append(self._line("id", str(identity), identity))
        if self._must_sign_again or is_changed:
            packed = self._packed(identity)
            if packed is not None:
                lines.append(self._line("profile", packed, identity))
        if lines and not is_secure(self._scope):
            self._site.warn_once("plain HTTP: visitor cookies have their development names")
        return lines

    def _packed(self, identity: Identity) -> str | None:
        """Return the state as text that a cookie has room for."""
        room = MOST_COOKIE_BYTES - len(cookie_name("profile", self._scope)) - _SIGNATURE
        state: State | None = self.state
        while state is not None:
            packed = state.pack(identity)
            if len(packed) <= room:
                return packed
            self._site.count("profiles shortened")
            state = state.smaller()
        return None

    def _line(self, use: str, text: str, identity: Identity) -> str:
        signed = self._site.keys.signer(use).sign(text).decode()
        lasts_ms = identity.issued_ms + IDENTITY_LASTS_MS - self._now_ms
        name = cookie_name(use, self._scope)
        return set_cookie(name, signed, self._scope, lasts_s=lasts_ms // 1000)


def brought_identity(site: Site, scope: Scope, cookies: Mapping[str, str]) -> Identity | None:
    """Return the id that a request's cookies bring, if the site signed it."""
    signed = unsigned(site.keys.signer("id"), cookies.get(cookie_name("id", scope), ""))
    return Identity.parse(signed.text) if signed else None


def expire_visitor(scope: Scope, cookies: Mapping[str, str]) -> list[str]:
    """Return the Set-Cookie values that remove what a request brought of a visitor who is known."""
    return expire_brought(OF_THE_KNOWN, scope, cookies)


def _is_refused(consent: Consent) -> bool:
    needed = (Purpose.PERSONALISATION, Purpose.ANALYTICS)
    return any(consent.choice(purpose) is Choice.DENIED for purpose in needed)
