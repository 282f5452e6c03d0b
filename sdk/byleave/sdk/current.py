"""The visit that running code belongs to, and how the site's own code tells it of an event."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from byleave.sdk.visit import Visit
from byleave.segments import Scalar

_SOURCES: Final = ("scope", "environ", "META")

#: The visit's name in a WSGI environment, where only names with a dot may be no text.
ENVIRON_KEY: Final = "byleave.visit"

#: The visit that the running code belongs to.
CURRENT: ContextVar[Visit | None] = ContextVar("byleave_visit", default=None)


def record(request: Any, event: str, properties: Mapping[str, Scalar] | None = None) -> None:
    """Record an event of the visitor whose request is being answered.

    The visitor's profile changes with this response and the event is sent to the server, both
    only as far as the visitor agreed. Without the middleware nothing happens.

    Args:
        request: The ASGI scope, the WSGI environment, or a framework's request that has one of
            them as `scope`, `environ` or `META`.
        event: A declared event.
        properties: Its properties, as declared.
    """
    for source in (request, *(getattr(request, name, None) for name in _SOURCES)):
        if isinstance(source, Mapping):
            visit = source.get("byleave") or source.get(ENVIRON_KEY)
            if isinstance(visit, Visit):
                return visit.record(event, properties or {})
