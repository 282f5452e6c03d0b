"""Named hash algorithms: a seed, a salt and a unit become a number in [0, 1).

`blake2b64` is ours. The others draw as GrowthBook and Unleash draw, for experiments that began
there; docs/reference/hashing.md has test vectors for each.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from math import ceil
from typing import Final, TypeVar

from byleave.experiments.imported import HashName

#: Gives a unit its number in [0, 1), the same on every machine.
Draw = Callable[[str], float]

_Choice = TypeVar("_Choice")

#: The salt of the draw that says whether a unit may be in an experiment at all.
TRAFFIC: Final = "traffic"

_UNLEASH_ARMS: Final = 86_028_157
_32_BITS: Final = 0xFFFF_FFFF


def blake2b64(seed: str, salt: str) -> Draw:
    """Return the draw by 64 bits of BLAKE2b (RFC 7693) over seed, salt and unit.

    The three are hashed as UTF-8, joined by NUL characters, which none of them holds.

    Args:
        seed: The experiment's key.
        salt: What is drawn.
    """
    begin, number = _blake2b(seed, salt).copy, int.from_bytes

    def draw(unit: str) -> float:
        state = begin()
        state.update(unit.encode())
        # 53 bits are what a float holds exactly; more would round some units up to 1.0.
        return (number(state.digest()) >> 11) * 2.0**-53

    return draw


def _blake2b(seed: str, salt: str) -> blake2b:
    return blake2b(f"{seed}\0{salt}\0".encode(), digest_size=8)


def _least_hash(bound: float) -> bytes:
    """Return the least hash whose draw is not below a bound, or what is above all hashes."""
    least = ceil(bound * 2.0**53) << 11
    return least.to_bytes(8) if least < 1 << 64 else b"\xff" * 9


def fnv1a32_v1(seed: str, salt: str) -> Draw:
    """Return GrowthBook's first draw: FNV-1a of unit and seed, in thousandths; unsalted."""
    del salt
    return lambda unit: _fnv1a32(unit + seed) % 1000 / 1000


def fnv1a32_v2(seed: str, salt: str) -> Draw:
    """Return GrowthBook's second draw: FNV-1a of FNV-1a, in ten thousandths; unsalted."""
    del salt
    return lambda unit: _fnv1a32(str(_fnv1a32(seed + unit))) % 10_000 / 10_000


def murmur3_32(seed: str, salt: str, *, buckets: int = 1000) -> Draw:
    """Return Unleash's draw: of traffic in hundredths, of anything else in `buckets` parts."""
    key = _UNLEASH_ARMS
    if salt == TRAFFIC:
        key, buckets = 0, 100
    return lambda unit: _murmur3_32(f"{seed}:{unit}".encode(), key) % buckets / buckets


#: The algorithms by name; each takes a seed and a salt.
HASHES: Final[Mapping[HashName, Callable[[str, str], Draw]]] = {
    "blake2b64": blake2b64,
    "fnv1a32-v1": fnv1a32_v1,
    "fnv1a32-v2": fnv1a32_v2,
    "murmur3-32": murmur3_32,
}


def picking(
    name: HashName, seed: str, salt: str, choices: Sequence[_Choice], bounds: Sequence[float]
) -> Callable[[str], _Choice]:
    """Return what picks for a unit the choice whose slice of [0, 1) holds its draw.

    Args:
        name: The algorithm.
        seed: The experiment's key.
        salt: What is drawn.
        choices: What is picked from, in the order of the slices.
        bounds: Where each slice but the last ends, in [0, 1] and ascending.
    """
    if name != "blake2b64":
        draw = HASHES[name](seed, salt)
        return lambda unit: choices[bisect_right(bounds, draw(unit))]
    # Numbers in big-endian bytes are ordered as their bytes are: no number is made of a hash.
    begin = _blake2b(seed, salt).copy
    ends = [_least_hash(bound) for bound in bounds]

    def pick(unit: str) -> _Choice:
        state = begin()
        state.update(unit.encode())
        return choices[bisect_right(ends, state.digest())]

    return pick


def _fnv1a32(text: str) -> int:
    """Return the FNV-1a hash (Fowler, Noll and Vo) of a text's code points."""
    value = 0x811C_9DC5
    for character in text:
        value = (value ^ ord(character)) * 0x0100_0193 & _32_BITS
    return value


def _murmur3_32(data: bytes, key: int) -> int:
    """Return the MurmurHash3 (Appleby; x86, 32 bits) of some bytes."""
    value = key
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        value ^= _murmur_mixed(int.from_bytes(data[at : at + 4], "little"))
        value = (_rotated(value, 13) * 5 + 0xE654_6B64) & _32_BITS
    value ^= _murmur_mixed(int.from_bytes(data[whole:], "little"))
    value ^= len(data)
    value = (value ^ value >> 16) * 0x85EB_CA6B & _32_BITS
    value = (value ^ value >> 13) * 0xC2B2_AE35 & _32_BITS
    return value ^ value >> 16


def _murmur_mixed(word: int) -> int:
    return _rotated(word * 0xCC9E_2D51 & _32_BITS, 15) * 0x1B87_3593 & _32_BITS


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> 32 - bits) & _32_BITS
