"""What goes to the decision server and comes back, whichever way it travels."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol


class Question(NamedTuple):
    """One request to the server."""

    method: str
    path: str
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""


class Answer(NamedTuple):
    """What the server said; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """A way to the server. Whatever goes wrong on it is an `OSError`."""

    def attach(self) -> None:
        """Note the event loop that the site runs in; called there, at each request."""

    def exchange(self, question: Question, timeout_s: float) -> Answer:
        """Return the answer; blocks, and is not for use inside an event loop.

        Looking up a name may take longer than the time that is given.
        """
        ...

    def within(self, question: Question, timeout_s: float) -> Answer:
        """Return the answer as `exchange` does, and never later than the time that is given."""
        ...

    def close(self) -> None:
        """Let go of whatever is open; the transport can be used again."""

    async def ask(self, question: Question, timeout_s: float) -> Answer:
        """Return the answer without blocking the event loop."""
        ...
