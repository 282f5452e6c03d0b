"""What takes long to work out and changes slowly is kept for a while, a minute mostly."""

from collections.abc import Callable
from threading import Lock
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from byleave.server.service import Service

T = TypeVar("T")

MINUTE_MS: Final = 60_000

#: By service and name: under which publication, until when, and what.
_KEPT: Final[WeakKeyDictionary[Service, dict[str, tuple[object, int, Any]]]] = WeakKeyDictionary()
_LOCK: Final = Lock()


def kept(
    service: Service,
    name: str,
    make: Callable[[], T],
    *,
    lasts_ms: Callable[[T], int] = lambda _: MINUTE_MS,
) -> T:
    """Return what was made under a name, of this while and this publication, or make it.

    Args:
        service: Whose it is.
        name: The name.
        make: Makes it.
        lasts_ms: For how long what was made may be taken: to the end of this minute, unless
            it is longer.

    Raises:
        NothingPublishedError: The site has no definitions yet.
    """
    version = service.published.snapshot.version
    publication, now_ms = (version.generation, version.number), service.clock()
    with _LOCK:
        known = _KEPT.setdefault(service, {}).get(name)
    if known is not None and known[0] == publication and now_ms < known[1]:
        found: T = known[2]
        return found
    made = make()
    while_ms = lasts_ms(made)
    until_ms = (now_ms // while_ms + 1) * while_ms
    with _LOCK:
        fresh = {n: e for n, e in _KEPT[service].items() if e[0] == publication and now_ms < e[1]}
        _KEPT[service] = fresh | {name: (publication, until_ms, made)}
    return made
