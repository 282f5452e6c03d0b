"""What takes long to work out and changes slowly is kept for a minute."""

from collections.abc import Callable
from threading import Lock
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from byleave.server.service import Service

T = TypeVar("T")

KEPT_MS: Final = 60_000

#: By service and name: since when, under which publication, and what.
_KEPT: Final[WeakKeyDictionary[Service, dict[str, tuple[object, Any]]]] = WeakKeyDictionary()
_LOCK: Final = Lock()


def kept(service: Service, name: str, make: Callable[[], T]) -> T:
    """Return what was made under a name, of this minute and this publication, or make it.

    Raises:
        NothingPublishedError: The site has no definitions yet.
    """
    version = service.published.snapshot.version
    moment = (version.generation, version.number, service.clock() // KEPT_MS)
    with _LOCK:
        known = _KEPT.setdefault(service, {}).get(name)
    if known is not None and known[0] == moment:
        found: T = known[1]
        return found
    made = make()
    with _LOCK:
        of_now = {n: entry for n, entry in _KEPT[service].items() if entry[0] == moment}
        _KEPT[service] = of_now | {name: (moment, made)}
    return made
