"""Values that authors write as text and the code uses as numbers: durations and shares."""

import re
from typing import Self

# Texts, since compiling them would be a part of every import.
_DURATION = r"([0-9]{1,13})(ms|s|m|h|d|w)"
_UNITS_MS = {
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_PERCENT = r"([0-9]{1,3}(?:\.[0-9]+)?)%"

#: A century; what looks further back is a slip of the pen.
_LONGEST_MS = 36_525 * 86_400_000


class Duration(int):
    """A length of time in milliseconds, written as a whole number and a unit: `90s`, `7d`."""

    __slots__ = ()
    expected = "a duration such as 90s, 60m, 24h, 7d or 2w"

    @classmethod
    def parse(cls, data: object) -> Self:
        """Return the duration that `data` writes.

        Raises:
            ValueError: `data` is not text of the form number and unit, is zero, or is longer than
                a hundred years.
        """
        match = re.fullmatch(_DURATION, data) if isinstance(data, str) else None
        length_ms = int(match[1]) * _UNITS_MS[match[2]] if match else 0
        if length_ms == 0:
            raise ValueError(cls.expected)
        if length_ms > _LONGEST_MS:
            raise ValueError("a duration of at most a hundred years")
        return cls(length_ms)

    def __str__(self) -> str:
        """Return the shortest text that `parse` reads back."""
        count, unit = self._counted()
        return f"{count}{unit}"

    def in_words(self) -> str:
        """Return the duration as people say it: `7 days`, `1 hour`."""
        names = {"d": "day", "h": "hour", "m": "minute", "s": "second", "ms": "millisecond"}
        count, unit = self._counted()
        return f"{count} {names[unit]}{'' if count == 1 else 's'}"

    def _counted(self) -> tuple[int, str]:
        """Return how many of the longest unit it is that fits, which weeks are not for."""
        return next((self // s, u) for u, s in _UNITS_MS.items() if self % s == 0 and u != "w")


class Share(float):
    """A part of a whole in [0, 1], written as a percentage (`5%`) or as a number (`0.05`)."""

    __slots__ = ()
    expected = "a share such as 5% or 0.05"

    @classmethod
    def parse(cls, data: object) -> Self:
        """Return the share that `data` writes.

        Raises:
            ValueError: `data` is neither a percentage nor a number, or lies outside [0, 1].
        """
        if isinstance(data, str) and (match := re.fullmatch(_PERCENT, data)):
            share = float(match[1]) / 100
        elif isinstance(data, (int, float)) and not isinstance(data, bool):
            share = float(data)
        else:
            raise ValueError(cls.expected)
        if not 0 <= share <= 1:
            raise ValueError(f"{cls.expected}, from 0% to 100%")
        return cls(share)

    def __str__(self) -> str:
        """Return the percentage, with no more digits than it needs."""
        return f"{float(self) * 100:.10g}%"
