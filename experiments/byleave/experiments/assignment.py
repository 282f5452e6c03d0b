"""Drawing: a unit, a seed and a salt become a number in [0, 1), the same on every machine.

Each experiment has a seed of its own, so that two experiments split visitors independently.
The salt says what is drawn: `traffic`, `holdout`, or the id of the allocation row for an arm.
Only the draw of an arm is salted by its row: a row's weights therefore are the propensities of
what was drawn from it, whatever the rows before and after.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from hashlib import blake2b
from itertools import accumulate
from typing import Final

Hash = Callable[[str, str, str], float]


def blake2b64(seed: str, salt: str, unit: str) -> float:
    """Return a number in [0, 1): 64 bits of BLAKE2b (RFC 7693), keyed with the seed.

    Args:
        seed: The experiment's key, at most 64 bytes of UTF-8.
        salt: What is drawn.
        unit: The visitor's id, or a page view's.
    """
    text = f"{salt}\0{unit}".encode()
    digest = blake2b(text, digest_size=8, key=seed.encode()).digest()
    # 53 bits are what a float holds exactly; more would round some units up to 1.0.
    return (int.from_bytes(digest, "big") >> 11) * 2.0**-53


#: The named algorithms that a run may be drawn by.
HASHES: Final[Mapping[str, Hash]] = {"blake2b64": blake2b64}


def pick(weights: Mapping[str, float], point: float) -> str:
    """Return the arm whose slice of [0, 1) holds `point`.

    Args:
        weights: Propensities by arm, summing to 1; slices follow their order.
        point: A number in [0, 1), as a hash gives it.
    """
    arms = tuple(weights)
    bounds = tuple(accumulate(weights.values()))
    # Rounding may leave the last bound a hair below 1; the last arm takes that hair.
    return arms[min(bisect_right(bounds, point), len(arms) - 1)]
