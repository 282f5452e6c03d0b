"""Numbers of units that are too small to be told: they would say something of somebody."""

from typing import Final

#: Fewer units than this are never shown by themselves.
LEAST_SHOWN: Final = 10


def shown(count: int) -> int | None:
    """Return a count as it may be shown: None for 1 to 9."""
    return None if 0 < count < LEAST_SHOWN else count
