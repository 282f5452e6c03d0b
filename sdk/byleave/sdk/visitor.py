"""What a visitor's own cookies carry: a random id, and the little that is remembered of them.

Both are written only under consent for personalisation and analytics. They carry the consent's
number: after a withdrawal whatever had a lower number is void, however it comes back.
"""

import json
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from byleave.experiments import Assignments, Sticky
from byleave.segments import Profile, Scalar

#: A tracker lives at most 13 months from its first issue and is not renewed (CNIL).
IDENTITY_LASTS_MS: Final = 395 * 86_400_000

_IDENTITY: Final = re.compile(r"([0-9a-f]{32})\.([0-9]{1,6})\.([0-9]{1,14})")
_MOST_UNPACKED: Final = 65_536


class Identity(NamedTuple):
    """A visitor's random id.

    Attributes:
        id: 128 random bits as hexadecimal digits.
        number: The consent's number when it was issued.
        issued_ms: When it was issued.
    """

    id: str
    number: int
    issued_ms: int

    @classmethod
    def new(cls, random_bytes: Callable[[int], bytes], *, number: int, now_ms: int) -> "Identity":
        """Return an id that nobody ever had."""
        return cls(random_bytes(16).hex(), number, now_ms)

    @classmethod
    def parse(cls, text: str) -> "Identity | None":
        """Return the identity that a cookie's signed text holds, if it is one."""
        match = _IDENTITY.fullmatch(text)
        return cls(match[1], int(match[2]), int(match[3])) if match else None

    def __str__(self) -> str:
        """Return what `parse` reads."""
        return f"{self.id}.{self.number}.{self.issued_ms}"

    def is_valid(self, *, number: int, now_ms: int) -> bool:
        """Return whether the identity outlived neither its time nor the consent behind it."""
        is_fresh = now_ms < self.issued_ms + IDENTITY_LASTS_MS
        return self.number >= number and is_fresh


class Carried(NamedTuple):
    """What the server knew of a visitor when it was last asked.

    Attributes:
        values: By attribute.
        at_ms: When that was.
        uses: The purposes that were granted then.
    """

    values: Mapping[str, Scalar] = MappingProxyType({})
    at_ms: int = 0
    uses: tuple[str, ...] = ()


class State(NamedTuple):
    """What is remembered of a visitor: their profile, arms, and what the server knew of them."""

    profile: Profile = Profile()
    assignments: Assignments = Assignments()
    carried: Carried = Carried()

    def to_plain(self) -> dict[str, Any]:
        """Return the state as JSON-able data, with short keys because a cookie carries it."""
        sticky = self.assignments.sticky
        values, at_ms, uses = self.carried
        return {
            "p": self.profile.to_plain(),
            "s": {run: _packed(kept) for run, kept in sticky.items()},
            "x": {key: [*times] for key, times in self.assignments.exposures.items()},
            **({"a": [dict(values), at_ms, uses]} if at_ms else {}),
        }

    @classmethod
    def from_plain(cls, data: object) -> "State":
        """Return the state that `to_plain` wrote; anything else is an empty state."""
        if not isinstance(data, Mapping):
            return cls()
        try:
            sticky = {str(run): _unpacked(*kept) for run, kept in data["s"].items()}
            exposures = {str(key): tuple(map(int, times)) for key, times in data["x"].items()}
            profile = Profile.from_plain(data["p"])
            values, at_ms, uses = data.get("a", Carried())
            carried = Carried(dict(values), int(at_ms), tuple(map(str, uses)))
        except (AttributeError, KeyError, TypeError, ValueError):
            return cls()
        return cls(profile, Assignments(sticky=sticky, exposures=exposures), carried)

    def pack(self, identity: Identity) -> str:
        """Return the state as text for a cookie that is of use to this identity only."""
        text = json.dumps(self.to_plain(), separators=(",", ":")).encode()
        packed = urlsafe_b64encode(zlib.compress(text, level=9)).rstrip(b"=").decode()
        return f"{identity.id[:8]}.{identity.number}.{packed}"

    @classmethod
    def unpack(cls, text: str, identity: Identity) -> "State | None":
        """Return the state that `pack` wrote for this identity; None for any other text."""
        prefix = f"{identity.id[:8]}.{identity.number}."
        if not text.startswith(prefix):
            return None
        packed = text[len(prefix) :].encode()
        try:
            unpacker = zlib.decompressobj()
            data = urlsafe_b64decode(packed + b"=" * (-len(packed) % 4))
            plain = json.loads(unpacker.decompress(data, _MOST_UNPACKED))
        except (ValueError, zlib.error):
            return None
        return cls.from_plain(plain)

    def smaller(self) -> "State | None":
        """Return the state without what it can best do without; None when nothing is left.

        What the server knows goes first, and keeps its time, so that nobody asks again at once;
        then exposures, since a cap that is reached late does little harm; then the profile.
        Arms stay: who changes arms spoils the experiment.
        """
        if self.carried.values:
            return self._replace(carried=self.carried._replace(values={}))
        if self.assignments.exposures:
            return self._replace(assignments=replace(self.assignments, exposures={}))
        if self.profile != Profile():
            return self._replace(profile=Profile())
        return None


def _packed(kept: Sticky) -> list[Any]:
    packed = [kept.arm, kept.allocation, kept.assigned_at_ms]
    return packed if kept.is_enrolled else [*packed, 0]


def _unpacked(arm: Any, allocation: Any, assigned_at_ms: Any, is_enrolled: Any = 1) -> Sticky:
    return Sticky(
        arm=str(arm),
        allocation=str(allocation),
        assigned_at_ms=int(assigned_at_ms),
        is_enrolled=bool(is_enrolled),
    )
