"""The profile: the smallest state of a visitor's events that answers every condition."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self

from byleave.segments.consent import Purpose
from byleave.segments.encoding import Kept, decoded, encoded

#: The version of the plain form; a form that is not understood counts as no profile.
FORMAT: Final = 1

_NOTHING: Final[Kept] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Profile:
    """The minimal state of a visitor's events, apart for each use.

    What one use may not read is not even beside what another may: each purpose has a part of
    its own, written under its own grant.

    Attributes:
        parts: The state of each stream by purpose and by the stream's key.
    """

    parts: Mapping[Purpose, Kept] = field(default_factory=dict[Purpose, Kept])

    def kept(self, use: Purpose) -> Kept:
        """Return what is kept for one use, by the stream's key."""
        return self.parts.get(use, _NOTHING)

    def with_part(self, use: Purpose, part: Kept) -> "Profile":
        """Return the profile with one use's part replaced."""
        return Profile({**self.parts, use: part})

    def forget(self, purposes: Collection[Purpose]) -> "Profile":
        """Return the profile without anything that was kept for these purposes."""
        return Profile({use: part for use, part in self.parts.items() if use not in purposes})

    def to_plain(self) -> dict[str, str | int]:
        """Return the profile as JSON-able data: a version, and a short text for each use."""
        parts = {str(use): encoded(part) for use, part in self.parts.items()}
        return {"v": FORMAT, **parts}

    @classmethod
    def from_plain(cls, data: object) -> Self:
        """Return the profile that `to_plain` wrote; anything else is an empty profile."""
        if not isinstance(data, Mapping) or data.get("v") != FORMAT:
            return cls()
        try:
            return cls({Purpose(use): decoded(text) for use, text in data.items() if use != "v"})
        except ValueError:
            return cls()
