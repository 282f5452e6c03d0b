"""Which end tag closes a slot's element: proof by a stack of open elements.

A host's content may be replaced only if it is certain where a browser ends the host. So the
content has to be a tree: each element closed in order, apart from the end tags that HTML lets
authors leave out. Whatever a browser would have to repair is in doubt, and doubt keeps the
page as it is. The rules are a cautious part of the standard's tree construction (13.2.6): they
refuse some content that a browser would accept, and never the other way round.
"""

from enum import Enum, auto
from typing import Final, NamedTuple

DEEPEST: Final = 512  # open elements; browsers stop nesting there, too


def _names(text: str) -> frozenset[bytes]:
    return frozenset(text.encode("ascii").split())


VOID: Final = _names(
    "area base basefont bgsound br col embed frame hr image img input keygen link meta param"
    " source track wbr"
)
"""Elements that have no content and no end tag."""

RAW_TEXT: Final = _names("iframe noembed noframes noscript style textarea title xmp")
"""Elements whose content is text up to their end tag; `script` has rules of its own."""

UNFIT_HOSTS: Final = VOID | RAW_TEXT | _names("script plaintext html head body frameset")

_NEVER_INSIDE: Final = _names("html head body frameset frame plaintext image")

_TABLE_BODY = _names("tbody thead tfoot")
_CELL = _names("td th")
_TABLE_PART: Final = _TABLE_BODY | _CELL | _names("tr caption col colgroup")
_TABLE_HOME: Final = _TABLE_BODY | _names("table tr colgroup template")
_HEADING = _names("h1 h2 h3 h4 h5 h6")
_ITEM = _names("li dd dt")
_RUBY_PART = _names("rb rp rt rtc")
_CONTAINER: Final = (
    _HEADING
    | _ITEM
    | _names(
        "address article aside blockquote center details dialog dir div dl fieldset figcaption"
        " figure footer form header hgroup listing main menu nav ol p pre search section summary"
        " ul"
    )
)

# An end tag may be left out if that of an element around it follows. Those in the first set are
# skipped only by the end tags of containers and the like, never by that of a `span`.
_LEFT_OUT_IN_CONTAINERS: Final = _names("p colgroup caption tr") | _ITEM | _TABLE_BODY | _CELL
_LEFT_OUT: Final = _LEFT_OUT_IN_CONTAINERS | _RUBY_PART | _names("option optgroup")
_CLOSES_LEFT_OUT: Final = (
    _CONTAINER | _TABLE_BODY | _CELL | _names("table tr caption button object template select")
)


class _Closing(NamedTuple):
    """What a start tag closes, and the elements that such closing does not reach across."""

    targets: frozenset[bytes]
    barriers: frozenset[bytes]


_FLOW_BARRIERS = _names("applet button caption dl marquee menu object ol table td template th ul")
_TABLE_BARRIERS = _names("table template")

_CLOSINGS: Final[dict[bytes, tuple[_Closing, ...]]] = {}


def _closes(names: frozenset[bytes], targets: str, barriers: frozenset[bytes]) -> None:
    closing = _Closing(_names(targets), barriers)
    for name in names:
        _CLOSINGS[name] = (*_CLOSINGS.get(name, ()), closing)


_closes(_CONTAINER | _names("hr table xmp"), "p", _FLOW_BARRIERS)
_closes(_names("li"), "li", _FLOW_BARRIERS)
_closes(_names("dd dt"), "dd dt", _FLOW_BARRIERS)
_closes(_HEADING, "h1 h2 h3 h4 h5 h6", _FLOW_BARRIERS)
_closes(_RUBY_PART, "rb rp rt rtc", _FLOW_BARRIERS)
_closes(_CELL, "td th", _TABLE_BARRIERS)
_closes(_names("tr"), "td th tr", _TABLE_BARRIERS)
_closes(
    _TABLE_BODY | _names("caption col colgroup"),
    "td th tr tbody thead tfoot caption colgroup",
    _TABLE_BARRIERS,
)
_closes(_names("table"), "table", _CELL | _names("caption template"))
_closes(_names("option"), "option", frozenset())
_closes(_names("optgroup hr"), "option optgroup", frozenset())
_closes(_names("input keygen select textarea"), "select", frozenset())
_closes(_names("a"), "a", frozenset())
_closes(_names("button"), "button", frozenset())
_closes(_names("form"), "form", frozenset())
_closes(_names("nobr"), "nobr", frozenset())


class Verdict(Enum):
    """What a tag tells about the host."""

    OPEN = auto()
    CLOSED = auto()
    DOUBT = auto()


class OpenElements:
    """The open elements from a host inwards, by their names in lower case."""

    __slots__ = ("_open",)

    def __init__(self, host: bytes) -> None:
        self._open = [host]

    def start(self, name: bytes) -> Verdict:
        """Take in the start tag of an HTML element."""
        if name in _NEVER_INSIDE or (name in _TABLE_PART and _TABLE_HOME.isdisjoint(self._open)):
            return Verdict.DOUBT
        for closing in _CLOSINGS.get(name, ()):
            if not self._close(closing):
                return Verdict.DOUBT
        return Verdict.OPEN if name in VOID else self.start_foreign(name)

    def start_foreign(self, name: bytes) -> Verdict:
        """Take in the start tag of an SVG or MathML element that does not close itself."""
        if len(self._open) == DEEPEST:
            return Verdict.DOUBT
        self._open.append(name)
        return Verdict.OPEN

    def end(self, name: bytes) -> Verdict:
        """Take in an end tag."""
        opened = self._open
        left_out = _LEFT_OUT if name in _CLOSES_LEFT_OUT else _LEFT_OUT - _LEFT_OUT_IN_CONTAINERS
        while len(opened) > 1 and opened[-1] != name and opened[-1] in left_out:
            opened.pop()
        if opened.pop() != name:
            return Verdict.DOUBT
        return Verdict.OPEN if opened else Verdict.CLOSED

    def _close(self, closing: _Closing) -> bool:
        """Close what a start tag closes; return False if that would not be a plain omission."""
        opened = self._open
        for index in range(len(opened) - 1, -1, -1):
            if opened[index] in closing.barriers:
                break
            if opened[index] in closing.targets:
                if index == 0 or not _LEFT_OUT.issuperset(opened[index:]):
                    return False
                del opened[index:]
        return True
