"""Attributes, and the reader of a tag that does not come in one piece."""

from collections.abc import Callable
from typing import Final

from byleave.sdk.rewriter import tokens
from byleave.sdk.rewriter.readers import Progress

LONGEST_ATTRIBUTE_NAME: Final = 64
LONGEST_VALUE: Final = 4096


def keep_attributes(
    kept: dict[bytes, bytes], wanted: frozenset[bytes], buffer: bytes, start: int, end: int
) -> None:
    """Add the wanted ones of some complete attributes, the first of each name.

    Values longer than 4 KiB are not kept, as if the attribute were not there.
    """
    for match in tokens.ATTRIBUTE.finditer(buffer, start):  # it may look at what follows `end`
        if match.start() >= end:
            break
        name = match[1].lower()
        if name in wanted:
            value = b"".join(match.groups(b"")[1:])
            if len(value) <= LONGEST_VALUE:
                kept.setdefault(name, value)


class TagReader:
    """Reads a tag that a chunk cuts off, from behind the beginning of its name to its `>`.

    Its steps are the standard's tokeniser states (13.2.5.8 and 13.2.5.32 to 40). Nothing is held,
    so values may have any length; only those of the wanted attributes are kept.

    Args:
        name: the name of the tag, in lower case.
        is_end: whether it is an end tag.
        wanted: the names of the attributes to keep, in lower case.
    """

    __slots__ = (
        "_attribute",
        "_end_of_value",
        "_is_complete",
        "_step",
        "_value",
        "_wanted",
        "attributes",
        "is_end",
        "is_self_closing",
        "name",
    )

    def __init__(self, name: bytes, *, is_end: bool, wanted: frozenset[bytes]) -> None:
        self.name = name
        self.is_end = is_end
        self.attributes: dict[bytes, bytes] = {}
        self.is_self_closing = False
        self._wanted = wanted
        self._attribute = b""
        self._value = b""
        self._end_of_value = tokens.UNQUOTED_END
        self._is_complete = False
        self._step: Callable[[bytes, int], int | None] = self._rest_of_name

    def read(self, buffer: bytes, position: int) -> Progress:
        """Read on from a position."""
        while position < len(buffer):
            reached = self._step(buffer, position)
            if reached is None:
                break
            position = reached
            if self._is_complete:
                return Progress(position, True)
        return Progress(position, False)

    def _rest_of_name(self, buffer: bytes, position: int) -> int:
        end = tokens.end_of(tokens.TAG_NAME_REST, buffer, position)
        if end < len(buffer):
            self._step = self._before_attribute
        return end

    def _before_attribute(self, buffer: bytes, position: int) -> int:
        complete = tokens.end_of(tokens.ATTRIBUTES, buffer, position)
        if complete > position:
            keep_attributes(self.attributes, self._wanted, buffer, position, complete)
            self.is_self_closing = False
            return complete
        end = tokens.end_of(tokens.SPACES_AND_SLASHES, buffer, position)
        if end > position:
            self.is_self_closing = buffer.endswith(b"/", position, end)
        if end == len(buffer):
            return end
        if buffer.startswith(b">", end):
            self._is_complete = True
            return end + 1
        self.is_self_closing = False
        self._step = self._attribute_name
        return end

    def _attribute_name(self, buffer: bytes, position: int) -> int | None:
        end = tokens.end_of(tokens.ATTRIBUTE_NAME, buffer, position)
        if end - position > LONGEST_ATTRIBUTE_NAME:
            self._attribute = b""
            self._step = self._rest_of_attribute_name
        elif end == len(buffer):
            return None  # the name may go on in the next chunk
        else:
            self._attribute = buffer[position:end].lower()
            self._step = self._after_attribute_name
        return end

    def _rest_of_attribute_name(self, buffer: bytes, position: int) -> int:
        end = tokens.end_of(tokens.ATTRIBUTE_NAME_REST, buffer, position)
        if end < len(buffer):
            self._step = self._after_attribute_name
        return end

    def _after_attribute_name(self, buffer: bytes, position: int) -> int:
        end = tokens.end_of(tokens.SPACES, buffer, position)
        if end == len(buffer):
            return end
        self._value = b""
        if buffer.startswith(b"=", end):
            self._step = self._before_value
            return end + 1
        self._keep()
        return end

    def _before_value(self, buffer: bytes, position: int) -> int:
        end = tokens.end_of(tokens.SPACES, buffer, position)
        if end == len(buffer):
            return end
        first = buffer[end : end + 1]
        if first == b">":
            self._keep()
            return end
        self._step = self._in_value
        self._end_of_value = tokens.ENDS_OF_QUOTED.get(first, tokens.UNQUOTED_END)
        return end + (self._end_of_value is not tokens.UNQUOTED_END)

    def _in_value(self, buffer: bytes, position: int) -> int:
        match = self._end_of_value.search(buffer, position)
        end = match.start() if match else len(buffer)
        if self._attribute in self._wanted and len(self._value) <= LONGEST_VALUE:
            self._value += buffer[position : min(end, position + LONGEST_VALUE + 1)]
        if match is None:
            return end
        self._keep()
        return match.end()

    def _keep(self) -> None:
        """Note the attribute that ends here, if it is wanted."""
        if self._attribute in self._wanted and len(self._value) <= LONGEST_VALUE:
            self.attributes.setdefault(self._attribute, self._value)
        self._step = self._before_attribute
