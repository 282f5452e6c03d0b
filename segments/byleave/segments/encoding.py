"""The state of a visitor's events, and the short text that a cookie carries.

A part begins with its oldest `since_ms`, in hexadecimal like every whole number; then each state
follows a tilde: its key, and fields between exclamation marks that end with the last one that is
not empty. Times are distances from the part's beginning or from the time before.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

#: The longest text of one part that is read at all.
LONGEST_PART: Final = 16_384

#: The length of a state's key.
KEY_LENGTH: Final = 7

#: Before every event.
LONG_AGO_MS: Final = -(2**62)

Kept = Mapping[str, "State"]

_REFUSED: Final = "not the state of a visitor's events"


class State(NamedTuple):
    """What is kept of one stream of events for one use.

    Attributes:
        since_ms: Since when the stream is observed, or completely observed again.
        times: When its events happened, oldest first.
        is_cut: Whether events before the first of the times, or before `since_ms` where there
            are none, are no longer kept although they may still matter.
        marks: What else is kept of each of those events: for a sum or an extreme its value, for
            distinct values a digest, for a sequence which steps it is, as bits.
        reached: For a sequence: when each step was last reached by events that can no longer
            be preceded by a late one; 0 where it was not.
    """

    since_ms: int
    times: tuple[int, ...] = ()
    is_cut: bool = False
    marks: tuple[int | float, ...] = ()
    reached: tuple[int, ...] = ()

    @property
    def is_blank(self) -> bool:
        """Whether it says nothing but since when the stream is observed."""
        return not (self.times or self.is_cut or any(self.reached))

    @property
    def whole_from_ms(self) -> int:
        """The moment since when nothing is missing; even before long ago if nothing ever was."""
        if not self.is_cut:
            return LONG_AGO_MS - 1
        return self.times[0] if self.times else self.since_ms


def encoded(part: Kept) -> str:
    """Return the text of one use's states."""
    base_ms = min((state.since_ms for state in part.values()), default=0)
    return "~".join((f"{base_ms:x}", *(_written(key, part[key], base_ms) for key in part)))


def decoded(text: object) -> dict[str, State]:
    """Return the states that `encoded` wrote.

    Raises:
        ValueError: It is not such a text.
    """
    if not isinstance(text, str) or len(text) > LONGEST_PART:
        raise ValueError(_REFUSED)
    base, *states = text.split("~")
    try:
        base_ms = int(base, 16)
        return dict([_read(state, base_ms) for state in states])
    except ValueError:
        raise ValueError(_REFUSED) from None


def _written(key: str, state: State, base_ms: int) -> str:
    since = f"{state.since_ms - base_ms:x}" if state.since_ms > base_ms else ""
    fields = [
        key,
        ("-" if state.is_cut else "") + since,
        _joined(
            later - time for time, later in zip((base_ms, *state.times), state.times, strict=False)
        ),
        "_".join(f"{mark:x}" if isinstance(mark, int) else f"={mark!r}" for mark in state.marks),
        "_".join(f"{time - base_ms:x}" if time else "" for time in state.reached),
    ]
    while fields[-1] == "":
        fields.pop()
    return "!".join(fields)


def _read(text: str, base_ms: int) -> tuple[str, State]:
    # Most states are short; parting them costs less than a list of all that they might hold.
    key, _, rest = text.partition("!")
    since, _, rest = rest.partition("!")
    times, _, rest = rest.partition("!")
    if len(key) != KEY_LENGTH:
        raise ValueError(_REFUSED)
    is_cut = since[:1] == "-"
    far = since.lstrip("-")
    since_ms = base_ms + int(far, 16) if far else base_ms
    at_ms, moments = base_ms, []
    if times:
        for further in times.split("_"):
            at_ms += int(further, 16)
            moments.append(at_ms)
    if not rest:
        return key, State(since_ms, tuple(moments), is_cut)
    marks, _, reached = rest.partition("!")
    state = State(
        since_ms,
        tuple(moments),
        is_cut,
        tuple(_mark(mark) for mark in marks.split("_") if mark),
        # A field too many is no number.
        tuple(base_ms + int(far, 16) if far else 0 for far in reached.split("_") if reached),
    )
    if state.marks and len(state.marks) != len(state.times):
        raise ValueError(_REFUSED)
    return key, state


def _joined(numbers: Iterable[int]) -> str:
    return "_".join(f"{number:x}" for number in numbers)


def _mark(text: str) -> int | float:
    return float(text[1:]) if text.startswith("=") else int(text, 16)
