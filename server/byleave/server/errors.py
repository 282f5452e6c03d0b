"""What can go wrong in the server, for those who call it."""

import re
from collections.abc import Iterable
from typing import Final

# What msgspec quotes of the sender's: names of unknown fields, and values outside of a list.
_QUOTED: Final = re.compile(r"unknown field `.*`|Invalid (?:enum )?value '.*'", re.DOTALL)


class ServerError(Exception):
    """The base of every error that this package raises by itself."""


class StorageError(ServerError):
    """The store cannot be opened; the message says why and what to do."""


class BusyError(ServerError):
    """More is waiting to be stored than the queue holds; try again in a moment."""


class UnknownNameError(ServerError):
    """A name, such as that of an experiment, which the site does not have."""


class NothingPublishedError(ServerError):
    """The site has no definitions yet."""


class ForbiddenError(ServerError):
    """Something that may not be done; the message says why and what to do."""


class ConflictError(ServerError):
    """Something was changed meanwhile; look at it and try again."""


class ManagedError(ServerError):
    """Objects that are managed from files were to be changed elsewhere."""

    def __init__(self, places: Iterable[str]) -> None:
        named = ", ".join(places)
        super().__init__(f"managed from files: {named}; change it there, then `byleave push`")


class ThrottledError(ServerError):
    """There were too many attempts; `after_s` seconds from now another one is looked at."""

    def __init__(self, after_s: int) -> None:
        super().__init__(f"too many attempts; try again in {after_s} s")
        self.after_s = after_s


def unquoted(error: Exception) -> str:
    """Return what a check of the shape found, without the words of whoever sent it."""

    def replaced(found: re.Match[str]) -> str:
        return "an unknown field" if found[0].startswith("unknown") else "Unknown value"

    return _QUOTED.sub(replaced, str(error))
