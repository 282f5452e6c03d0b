"""The few CSS selectors that can name a slot on a page whose templates stay as they are.

A selector is a tag name, `#id`, `.class` or `[attribute=value]`, or a tag name directly followed
by one of these. Anything else is refused where it is written. Values are compared byte by
byte, so an attribute that spells its value with character references does not match.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from byleave.sdk.rewriter.elements import UNFIT_HOSTS

# Said by what is left out: a set that names all of Unicode takes 7 ms to compile.
_IDENTIFIER = r"-?[^\x00-@\[-^`{-\x7f][^\x00-,./:-@\[-^`{-\x7f]*"
_SELECTOR: Final = re.compile(
    r"(?P<tag>[A-Za-z][A-Za-z0-9-]{0,63})?"
    rf"(?:#(?P<id>{_IDENTIFIER})"
    rf"|\.(?P<class>{_IDENTIFIER})"
    r"|\[(?P<attribute>[A-Za-z_][\w.:-]{0,63})=(?P<quote>[\"']?)(?P<value>[^\"'\]\\]+)(?P=quote)\]"
    r")?",
    re.ASCII,
)
_SPACE: Final = re.compile(rb"[\t\n\f\r ]+")
_BEFORE_VALUE: Final = frozenset((b'"', b"'", b"=", b"\t", b"\n", b"\f", b"\r", b" "))
_AFTER_VALUE: Final = _BEFORE_VALUE - {b"="} | {b">"}

Find = Callable[[bytes, int], int]


class SelectorError(ValueError):
    """A selector that the rewriter does not understand."""


@dataclass(frozen=True, slots=True)
class Selector:
    """One compiled selector.

    Attributes:
        tag: the element's name in lower case, or None for any.
        attribute: the attribute's name in lower case, or None for any element of that tag.
        value: what the attribute is, or what one of its words is.
        is_word: whether the value is one of the attribute's words, as with `class`.
        find: finds the next place in a page where a match may stand, or -1.
    """

    tag: bytes | None
    attribute: bytes | None = None
    value: bytes = b""
    is_word: bool = False
    find: Find = field(kw_only=True, compare=False, repr=False)

    def matches(self, tag: bytes, attributes: Mapping[bytes, bytes]) -> bool:
        """Return whether an element matches, by its name and its wanted attributes."""
        if self.tag is not None and tag != self.tag:
            return False
        if self.attribute is None:
            return True
        value = attributes.get(self.attribute)
        if value is None:
            return False
        return self.value in _SPACE.split(value) if self.is_word else self.value == value


@cache
def parse_selector(text: str) -> Selector:
    """Return the compiled selector.

    Raises:
        SelectorError: it is of another kind, or names elements without content.
    """
    match = _SELECTOR.fullmatch(text.strip())
    if match is None or not match[0]:
        raise SelectorError(
            f"expected tag, #id, .class, [attribute=value] or a tag with one of these, got {text!r}"
        )
    tag = match["tag"].lower().encode("ascii") if match["tag"] else None
    if tag in UNFIT_HOSTS:
        raise SelectorError(f"a {match['tag']} has no content that can be replaced, in {text!r}")
    if match["id"]:
        return _by_value(tag, "id", match["id"])
    if match["class"]:
        return _by_value(tag, "class", match["class"], is_word=True)
    if match["attribute"]:
        return _by_value(tag, match["attribute"].lower(), match["value"])
    return Selector(tag, find=_tag_finder(match["tag"]))


def _by_value(tag: bytes | None, attribute: str, value: str, *, is_word: bool = False) -> Selector:
    encoded = value.encode()
    find = _value_finder(encoded)
    return Selector(tag, attribute.encode("ascii"), encoded, is_word, find=find)


def _value_finder(value: bytes) -> Find:
    def find(page: bytes, start: int) -> int:
        place = page.find(value, start)
        while place >= 0:
            end = place + len(value)
            # In a complete tag, something stands on either side.
            if page[place - 1 : place] in _BEFORE_VALUE and page[end : end + 1] in _AFTER_VALUE:
                break
            place = page.find(value, place + 1)
        return place

    return find


def _tag_finder(name: str) -> Find:
    search = re.compile(rf"<(?i:{name})(?=[\t\n\f\r />])".encode("ascii")).search

    def find(page: bytes, start: int) -> int:
        match = search(page, start)
        return match.start() if match else -1

    return find
