"""How many goals the browsers of one network may reach, so that nobody bends results by machine.

Whoever rents a few machines has many addresses of few networks. A network may reach so many
goals a day, or half a percent of all that are reached, whichever is more: a mobile carrier or a
university, which many people share, has as large a part of a large site as it may have.

No address is kept, nor a hash of one: a keyed hash of the network picks one of 65,536 cells, and
only the cells are known. Networks that share a cell share what it may take.
"""

from array import array
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from math import exp
from threading import Lock
from typing import Final

#: What a network may reach in a day, however few goals are reached in all.
GOALS_PER_NETWORK: Final = 50

#: A network may reach one in so many of the goals of a day.
_ONE_IN: Final = 200

#: The longest prefix that the routes of the Internet hold for IPv4 by custom, and the longest
#: that RIPE-690 §4.2 recommends to give to a customer for IPv6: who has one address may have all.
_PREFIX_BITS: Final = {4: 24, 6: 56}

_DAY_MS: Final = 86_400_000
_CELLS: Final = 65_536


class NetworkLimit:
    """What networks have reached lately; safe to use from several threads.

    Each cell is a virtual schedule (GCRA, ITU-T I.371 Annex A): the time by which all that it
    took would have come, had it come evenly. It may be a day ahead of now, so that a day's goals
    may come at once, and what follows them comes evenly.
    """

    def __init__(self, key: bytes, *, most: int = GOALS_PER_NETWORK) -> None:
        """Begin with nothing reached.

        Args:
            key: What cells are picked by, at most 64 bytes; nobody who sends goals may know it.
            most: How many goals a network may reach in a day, however few are reached in all; 0
                sets no limit.
        """
        self._key = key
        self._most = most
        self._lock = Lock()
        self._until_ms = array("d", bytes(8 * _CELLS))
        #: Goals of all networks, each counted for less the older it is: about those of a day.
        self._total = 0.0
        self._last_ms = 0

    def take(self, address: str, *, now_ms: int) -> bool:
        """Count a goal of an address; return False, and count nothing, where it is one too many.

        Only addresses of the public Internet have a limit. Any other is that of a proxy which
        does not say who the visitor is, and all visitors would share it.

        Args:
            address: Where the goal comes from; empty where that is not known.
            now_ms: The time in milliseconds since the Unix epoch.
        """
        network = _network(address)
        if network is None or not self._most:
            return True
        cell = int.from_bytes(blake2b(network, key=self._key, digest_size=2).digest(), "big")
        with self._lock:
            self._total *= exp(min(self._last_ms - now_ms, 0) / _DAY_MS)
            self._last_ms = max(self._last_ms, now_ms)
            each_ms = _DAY_MS / max(self._most, self._total / _ONE_IN)
            until_ms = max(self._until_ms[cell], now_ms) + each_ms
            # A goal is whole or not there: half of one is allowed for what floats leave over.
            if until_ms > now_ms + _DAY_MS + each_ms / 2:
                return False
            self._until_ms[cell] = until_ms
            self._total += 1
            return True


def _network(address: str) -> bytes | None:
    """Return the network of a public address; None for any other."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if not found.is_global:
        return None
    bits = _PREFIX_BITS[found.version]
    return b"%d/%d" % (found.version, int(found) >> (found.max_prefixlen - bits))
