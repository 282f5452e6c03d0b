"""The profile: the smallest state of a visitor's events that answers every condition."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Self

from byleave.segments.consent import Purpose

#: The version of the plain form; a form that is not understood counts as no profile.
FORMAT: Final = 1

Kept = Mapping[str, "State"]
_UNPACKED: Final[tuple[Any, ...]] = (0, (), 0, (), ())
_NOTHING: Final[Kept] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class State:
    """What is kept of one stream of events for one use.

    Attributes:
        since_ms: Since when the stream is observed.
        times: When its events happened, oldest first.
        lost_ms: When the newest event happened that is no longer kept; 0 where none is missing.
        marks: What else is kept of each of those events: for a sum or an extreme its value, for
            distinct values a digest, for a sequence which steps it is, as bits.
        reached: For a sequence: when each step was last reached by events that can no longer
            be preceded by a late one; 0 where it was not.
    """

    since_ms: int
    times: tuple[int, ...] = ()
    lost_ms: int = 0
    marks: tuple[int | float, ...] = ()
    reached: tuple[int, ...] = ()


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

    def to_plain(self) -> dict[str, Any]:
        """Return the profile as JSON-able data; times are kept as distances."""
        return {
            "v": FORMAT,
            **{
                str(use): {k: _packed(s) for k, s in part.items()}
                for use, part in self.parts.items()
            },
        }

    @classmethod
    def from_plain(cls, data: object) -> Self:
        """Return the profile that `to_plain` wrote; anything else is an empty profile."""
        if not isinstance(data, Mapping) or data.get("v") != FORMAT:
            return cls()
        try:
            return cls(
                {
                    Purpose(use): {str(key): _unpacked(state) for key, state in part.items()}
                    for use, part in data.items()
                    if use != "v"
                }
            )
        except (AttributeError, TypeError, ValueError):
            return cls()


def _packed(state: State) -> list[Any]:
    packed = [
        state.since_ms,
        _distances(state.times),
        state.lost_ms,
        list(state.marks),
        list(state.reached),
    ]
    while len(packed) > 1 and not packed[-1]:
        packed.pop()
    return packed


def _unpacked(data: Any) -> State:
    given = tuple(data)
    since_ms, times, lost_ms, marks, reached = (*given, *_UNPACKED[len(given) :])
    return State(
        _whole(since_ms), _summed(times), _whole(lost_ms), _numbers(marks), _wholes(reached)
    )


def _distances(times: tuple[int, ...]) -> list[int]:
    return [time - before for time, before in zip(times, (0, *times), strict=False)]


def _summed(distances: Any) -> tuple[int, ...]:
    total, times = 0, []
    for distance in distances:
        total += _whole(distance)
        times.append(total)
    return tuple(times)


def _wholes(data: Any) -> tuple[int, ...]:
    return tuple(map(_whole, data))


def _numbers(data: Any) -> tuple[int | float, ...]:
    return tuple(mark if isinstance(mark, float) else _whole(mark) for mark in data)


def _whole(data: object) -> int:
    if isinstance(data, bool) or not isinstance(data, int):
        raise TypeError("expected a whole number")
    return data
