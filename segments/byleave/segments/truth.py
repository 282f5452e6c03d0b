"""Three-valued truth: true, false, and undetermined with a reason.

Undetermined is not false: `none` of an undetermined condition is undetermined too, so "has not
bought" never matches everyone who keeps their purchases to themselves.
"""

from collections.abc import Iterable
from enum import Enum, StrEnum
from typing import Final


class Truth(StrEnum):
    """The three truth values of Kleene's strong logic."""

    TRUE = "true"
    FALSE = "false"
    UNDETERMINED = "undetermined"


class Undetermined(StrEnum):
    """Why a condition has no answer.

    `withheld` may not be read, and nobody looked whether there is a value; `missing` may be
    read, but nothing is there; `invalid` has a value that the condition cannot be asked about.
    """

    WITHHELD = "withheld"
    MISSING = "missing"
    INVALID = "invalid"


class Verdict(Enum):
    """What a condition came to.

    The values are bits, so that "or" is the union of bits and the highest bit decides: true
    over any doubt, and of several doubts withheld, then missing, then invalid. A doubt that
    can be read is thus never shown beside one that cannot.
    """

    FALSE = 0
    INVALID = 1
    MISSING = 2
    WITHHELD = 4
    TRUE = 8

    truth: Truth
    reason: Undetermined | None
    is_true: bool
    bits: int

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.is_true = bits == 8
        self.reason = {
            1: Undetermined.INVALID,
            2: Undetermined.MISSING,
            4: Undetermined.WITHHELD,
        }.get(bits)
        self.truth = {0: Truth.FALSE, 8: Truth.TRUE}.get(bits, Truth.UNDETERMINED)

    def __str__(self) -> str:
        """Return the truth, and the reason where there is one: `undetermined (withheld)`."""
        return f"{self.truth} ({self.reason})" if self.reason else str(self.truth)


#: The verdict that a union of bits stands for, by the union.
STRONGEST: Final = (
    Verdict.FALSE,
    Verdict.INVALID,
    *[Verdict.MISSING] * 2,
    *[Verdict.WITHHELD] * 4,
    *[Verdict.TRUE] * 8,
)

#: The bits of the negation of a union of bits, by the union.
NEGATED: Final = (8, 1, 2, 2, 4, 4, 4, 4, 0, 0, 0, 0, 0, 0, 0, 0)


def verdict_of(is_true: bool) -> Verdict:
    """Return the verdict of a condition that has an answer."""
    return Verdict.TRUE if is_true else Verdict.FALSE


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Return true if one is true, else undetermined if one is, else false."""
    bits = 0
    for verdict in verdicts:
        bits |= verdict.bits
    return STRONGEST[bits]


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Return false if one is false, else undetermined if one is, else true."""
    bits = 0
    for verdict in verdicts:
        bits |= NEGATED[verdict.bits]
    return STRONGEST[NEGATED[bits]]


def none_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Return false if one is true, else undetermined if one is, else true."""
    return STRONGEST[NEGATED[any_of(verdicts).bits]]
