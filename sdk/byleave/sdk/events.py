"""Events as they travel to the server: each has its id from the moment it is captured."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from byleave.experiments import Decision
from byleave.segments import Purpose, Scalar

Event = dict[str, Any]
RandomBytes = Callable[[int], bytes]


def uuid7(now_ms: int, random_bytes: RandomBytes) -> str:
    """Return a UUID of version 7 (RFC 9562, section 5.7): it sorts by time of capture."""
    number = now_ms << 80 | int.from_bytes(random_bytes(10), "big")
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    text = f"{number & (1 << 128) - 1:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def exposure(decision: Decision, unit: str, *, at_ms: int, random_bytes: RandomBytes) -> Event:
    """Return the event that a slot was served as decided; it enrols the unit.

    Args:
        decision: One that is enrolling.
        unit: The visitor's id, or the page view's for an experiment that randomises views.
        at_ms: When it was served.
        random_bytes: Where ids come from.
    """
    return {
        "id": uuid7(at_ms, random_bytes),
        "type": "exposure",
        "at": at_ms,
        "visitor": unit,
        "experiment": decision.experiment,
        "run": decision.run,
        "allocation": decision.allocation,
        "arm": decision.arm,
        "assigned_at": decision.assigned_at_ms,
        "groups": [*decision.groups],
    }


def event(
    name: str,
    visitor: str,
    properties: Mapping[str, Scalar],
    *,
    uses: Iterable[Purpose],
    at_ms: int,
    random_bytes: RandomBytes,
) -> Event:
    """Return the event that a visitor did something; `uses` are the purposes granted for it."""
    return {
        "id": uuid7(at_ms, random_bytes),
        "type": "event",
        "at": at_ms,
        "visitor": visitor,
        "event": name,
        "properties": dict(properties),
        "uses": sorted(map(str, uses)),
    }


def reward(receipt: str, goal: str, *, at_ms: int, random_bytes: RandomBytes) -> Event:
    """Return the event that a page view reached a goal; a receipt counts once for a goal."""
    return {
        "id": uuid7(at_ms, random_bytes),
        "type": "reward",
        "at": at_ms,
        "receipt": receipt,
        "goal": goal,
    }
