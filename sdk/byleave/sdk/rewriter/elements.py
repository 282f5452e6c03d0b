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
_MOST_FORMATTING: Final = 3  # of one kind; browsers forget the outermost of more (13.2.4.3)


def names(text: str) -> frozenset[bytes]:
    """Return the words of a text as names of elements."""
    return frozenset(text.encode("ascii").split())


VOID: Final = names(
    "area base basefont bgsound br col embed frame hr image img input keygen link meta param"
    " source track wbr"
)
"""Elements that have no content and no end tag."""

RAW_TEXT: Final = names("iframe noembed noframes noscript style textarea title xmp")
"""Elements whose content is text up to their end tag; `script` has rules of its own."""

UNFIT_HOSTS: Final = VOID | RAW_TEXT | names("script plaintext html head body frameset")

_NEVER_INSIDE: Final = names("html head body frameset frame plaintext")

_TABLE_BODY = names("tbody thead tfoot")
_CELL = names("td th")
_TABLE_SECTION = _TABLE_BODY | names("caption colgroup")
_HEADING = names("h1 h2 h3 h4 h5 h6")
_ITEM = names("li dd dt")
_RUBY_PART = names("rb rp rt rtc")
_CONTAINER: Final = (
    _HEADING
    | _ITEM
    | names(
        "address article aside blockquote center details dialog dir div dl fieldset figcaption"
        " figure footer form header hgroup listing main menu nav ol p pre search section summary"
        " ul"
    )
)

# Parts of a table or a ruby without one around them may close elements outside the host.
_HOMES: Final = dict.fromkeys(
    _TABLE_SECTION | _CELL | names("tr col"), _TABLE_BODY | names("table tr colgroup template")
) | dict.fromkeys(_RUBY_PART, names("ruby"))
_FORMATTING: Final = names("a b big code em font i nobr s small strike strong tt u")

# Whose end tag may be left out if a certain other end tag follows.
_LEFT_OUT: Final = _ITEM | _TABLE_SECTION | _CELL | _RUBY_PART | names("p tr option optgroup")
_LEFT_OUT_BEFORE: Final = dict.fromkeys(
    _CONTAINER | _TABLE_BODY | _CELL | names("table tr caption button object template select"),
    _LEFT_OUT,
) | {
    b"ruby": _RUBY_PART,
    b"datalist": names("option"),
    b"optgroup": names("option"),
}


class _Closing(NamedTuple):
    """Start tags that close other elements, and what they do not reach across."""

    by: frozenset[bytes]
    targets: frozenset[bytes]
    barriers: frozenset[bytes] = frozenset()


_FLOW_BARRIERS = names("applet button caption dl marquee menu object ol table td template th ul")
_TABLE_BARRIERS = names("table template")
_CLOSINGS: Final = (
    _Closing(_CONTAINER | names("hr table xmp"), names("p"), _FLOW_BARRIERS),
    _Closing(names("li"), names("li"), _FLOW_BARRIERS),
    _Closing(names("dd dt"), names("dd dt"), _FLOW_BARRIERS),
    _Closing(_HEADING, _HEADING, _FLOW_BARRIERS),
    _Closing(_RUBY_PART, _RUBY_PART, _FLOW_BARRIERS),
    _Closing(_CELL, _CELL, _TABLE_BARRIERS),
    _Closing(names("tr"), _CELL | names("tr"), _TABLE_BARRIERS),
    _Closing(_TABLE_SECTION, _CELL | _TABLE_SECTION | names("tr"), _TABLE_BARRIERS),
    _Closing(names("col"), _CELL | _TABLE_BODY | names("tr caption"), _TABLE_BARRIERS),
    _Closing(names("table"), names("table"), _CELL | names("caption template")),
    _Closing(names("option"), names("option")),
    _Closing(names("optgroup hr"), names("option optgroup")),
    # Browsers differ in what they accept in a `select`, so none of this does.
    _Closing(RAW_TEXT | names("input keygen select table"), names("select option optgroup")),
    *(_Closing(names(name), names(name)) for name in ("a", "button", "form", "nobr")),
)
_CLOSINGS_BY: Final = {
    name: tuple(closing for closing in _CLOSINGS if name in closing.by)
    for name in frozenset[bytes]().union(*(closing.by for closing in _CLOSINGS))
}


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
        home = _HOMES.get(name)
        if name in _NEVER_INSIDE or (home and home.isdisjoint(self._open)):
            return Verdict.DOUBT
        for closing in _CLOSINGS_BY.get(name, ()):
            if not (closing.targets.isdisjoint(self._open) or self._close(closing)):
                return Verdict.DOUBT
        if name in _FORMATTING and self._open.count(name) == _MOST_FORMATTING:
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
        if opened[-1] != name:
            left_out = _LEFT_OUT_BEFORE.get(name, frozenset())
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
