"""The state that a visitor brings along where the server keeps nothing of them.

What goes out is a text that only this site's server can have written, and for this visitor
only: anything else that comes back holds nothing. A site that keeps the state itself, as the SDK
does in the visitor's cookie, sends it as it is.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import msgspec

from byleave.experiments import Assignments, may_enrol
from byleave.segments import Consent, Profile
from byleave.server.sites import Site


class KnownState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A visitor's state as the site keeps it: the plain forms of profile and assignments."""

    profile: dict[str, Any] = {}
    assignments: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a visitor, and the profile's plain form, which is made only once."""

    profile: Profile
    assignments: Assignments
    plain: Mapping[str, Any]


_NOTHING: Final = State(Profile(), Assignments(), Profile().to_plain())


class States:
    """Writes and reads the states of a site's visitors."""

    def __init__(self, site: Site) -> None:
        """Write by a key that follows from the site's secret."""
        self._key = site.derived("state").encode()

    def read(self, given: str | KnownState | None, visitor: str | None, consent: Consent) -> State:
        """Return what a state holds and the visitor still lets us keep."""
        if given is None:
            return _NOTHING
        try:
            if isinstance(given, str):
                text, _, mac = given.rpartition(".")
                if not hmac.compare_digest(mac.encode(), self._mac(visitor, text.encode())):
                    return _NOTHING
                given = msgspec.json.decode(text, type=KnownState)
            assignments = msgspec.convert(given.assignments, Assignments)
        except msgspec.ValidationError:
            return _NOTHING
        if not may_enrol(consent):
            assignments = Assignments()
        profile = Profile.from_plain(given.profile)
        refused = [use for use in profile.parts if not consent.allows(use)]
        if refused or not profile.parts:
            profile = profile.forget(refused)
            return State(profile, assignments, profile.to_plain())
        return State(profile, assignments, given.profile)

    def write(self, state: State, assignments: Assignments, visitor: str | None) -> str:
        """Return the text of a state with what is remembered now."""
        text = msgspec.json.encode({"profile": state.plain, "assignments": assignments})
        return (text + b"." + self._mac(visitor, text)).decode()

    def _mac(self, visitor: str | None, text: bytes) -> bytes:
        # No id is empty or holds a NUL, so that no two visitors and texts are the same bytes.
        named = f"{visitor or ''}\0".encode()
        return blake2b(named + text, key=self._key, digest_size=16).hexdigest().encode()
