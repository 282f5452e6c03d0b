"""Where in a page a slot may be named: what is worth a closer look."""

from collections.abc import Iterable
from typing import Final

from byleave.sdk.rewriter.selectors import Find, Selector

_OWN_NAME: Final = b"byleave"  # in marks and in the attribute


class Places:
    """Finds the next place by plain search, which is many times faster than reading tags.

    Args:
        selectors: the selectors that name slots on this page.
    """

    __slots__ = ("_finds", "_next")

    def __init__(self, selectors: Iterable[Selector]) -> None:
        self._finds: list[Find] = [_find_own_name, *(selector.find for selector in selectors)]
        self._next: list[int] = []
        self.forget()

    def forget(self) -> None:
        """Begin with a new buffer."""
        self._next = [-1] * len(self._finds)

    def next(self, buffer: bytes, position: int) -> int:
        """Return the first place at or after a position, or the buffer's length."""
        nearest = len(buffer)
        for index, place in enumerate(self._next):
            if place < position:
                place = self._finds[index](buffer, position)
                if place < 0:
                    place = len(buffer)
                self._next[index] = place
            nearest = min(nearest, place)
        return nearest

    def ignore(self, selector: Selector) -> None:
        """Look no further for a selector."""
        self._finds.remove(selector.find)
        self.forget()

    def any_in(self, content: bytes) -> bool:
        """Return whether a slot may be named in some content."""
        return any(find(content, 0) >= 0 for find in self._finds)


def _find_own_name(page: bytes, start: int) -> int:
    return page.find(_OWN_NAME, start)
