"""Reading the bit fields of consent strings, strictly.

Layouts are those of the IAB's "Transparency and Consent String" and "Global Privacy Platform
String" specifications: base64url characters of six bits each, fields from left to right.
"""

import re
from binascii import a2b_base64
from collections.abc import Iterable
from typing import Final

from byleave.segments.consent.errors import ConsentStringError

Ranges = tuple[tuple[int, int], ...]
"""Ids as sorted, disjoint, inclusive (first, last) pairs: 65,535 of them cost one pair."""

MAX_LENGTH: Final = 4096
"""Characters of the longest string that is read: what fits into a cookie."""

MAX_ID: Final = 65_535

_LONGEST_FIBONACCI: Final = 24
"""Bits of the longest code that is read: 46,368 is the 23rd number, and one bit ends it."""

_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]+")
_ONES: Final = re.compile("1+")
_TO_STANDARD: Final = str.maketrans("-_", "+/")


def check_length(text: str) -> None:
    """Refuse a string that is too long to be honest."""
    if len(text) > MAX_LENGTH:
        raise ConsentStringError(f"expected at most {MAX_LENGTH} characters, got {len(text)}")


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return the ranges sorted, with those that touch or overlap joined."""
    result: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return tuple(result)


def contains(ranges: Ranges, number: int) -> bool:
    """Whether one of the ranges holds `number`."""
    return any(first <= number <= last for first, last in ranges)


class Bits:
    """The bits of one segment; every read is bounds-checked and moves on.

    Raises:
        ConsentStringError: From the constructor if the text is empty or holds a character
            outside base64url, padding included; from a read if too few bits are left or
            the field holds what its type cannot hold.
    """

    __slots__ = ("_left", "_value")

    def __init__(self, text: str) -> None:
        check_length(text)
        if not _ALPHABET.fullmatch(text):
            raise ConsentStringError("expected only base64url characters, and at least one")
        # Whole quartets for the converter; what it adds on the right is cut off again.
        padding = -len(text) % 4
        data = a2b_base64(text.translate(_TO_STANDARD) + "A" * padding)
        self._value = int.from_bytes(data) >> 6 * padding
        self._left = 6 * len(text)

    def integer(self, width: int) -> int:
        """Read an unsigned integer of `width` bits."""
        left = self._left - width
        if left < 0:
            raise ConsentStringError(f"expected a field of {width} bits, got {self._left}")
        self._left = left
        return self._value >> left & (1 << width) - 1

    def flag(self) -> bool:
        """Read one bit."""
        return self.integer(1) == 1

    def time_ms(self) -> int:
        """Read a time of 36 bits, in tenths of a second, as milliseconds since the epoch."""
        return self.integer(36) * 100

    def letters(self) -> str:
        """Read two capital letters of six bits each."""
        codes = (self.integer(6), self.integer(6))
        if max(codes) >= 26:
            raise ConsentStringError("expected two letters A to Z")
        return "".join(chr(ord("A") + code) for code in codes)

    def positions(self, width: int) -> tuple[int, ...]:
        """Read a field of `width` bits as the 1-based positions of those that are set."""
        field = self.integer(width)
        if not field:
            return ()
        return tuple(at for at, bit in enumerate(f"{field:0{width}b}", 1) if bit == "1")

    def ranges(self) -> Ranges:
        """Read a counted list of ids and id ranges of 16 bits each, in any order."""
        found: list[tuple[int, int]] = []
        for _ in range(self.integer(12)):
            is_range = self.flag()
            first = self.integer(16)
            last = self.integer(16) if is_range else first
            if not 1 <= first <= last:
                raise ConsentStringError("expected ids from 1 up, in ranges that run upwards")
            found.append((first, last))
        return merged(found)

    def vendors(self) -> Ranges:
        """Read a vendor section: the highest id, then a bit per id or a list of ranges."""
        highest = self.integer(16)
        return self.ranges() if self.flag() else self._bit_field(highest)

    def fibonacci_vendors(self) -> Ranges:
        """Read a vendor section whose ranges are Fibonacci coded."""
        highest = self.integer(16)
        return self.fibonacci_ranges() if self.flag() else self._bit_field(highest)

    def fibonacci_ranges(self) -> Ranges:
        """Read a counted list of ids and id ranges, each as the distance from the last one."""
        found: list[tuple[int, int]] = []
        last = 0
        for _ in range(self.integer(12)):
            is_range = self.flag()
            first = last + self._fibonacci()
            last = first + self._fibonacci() if is_range else first
            if last > MAX_ID:
                raise ConsentStringError(f"expected ids up to {MAX_ID}")
            found.append((first, last))
        return merged(found)

    def end(self) -> None:
        """Demand that nothing but zeros follows.

        Raises:
            ConsentStringError: A bit after the last field is set, so the string was written
                to another layout than the one it is read by.
        """
        if self.integer(self._left):
            raise ConsentStringError("expected nothing but zeros after the last field")

    def _bit_field(self, width: int) -> Ranges:
        text = f"{self.integer(width):0{width}b}" if width else ""
        return tuple((ones.start() + 1, ones.end()) for ones in _ONES.finditer(text))

    def _fibonacci(self) -> int:
        """Read an integer from 1 up.

        It is the sum of the Fibonacci numbers 1, 2, 3, 5, 8 and so on at the places of set
        bits; a second set bit in a row ends it.
        """
        total, number, following, before = 0, 1, 2, False
        for _ in range(_LONGEST_FIBONACCI):
            bit = self.flag()
            if bit and before:
                return total
            total += number * bit
            number, following, before = following, number + following, bit
        raise ConsentStringError("expected a Fibonacci code of at most 24 bits")
