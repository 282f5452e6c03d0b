"""SVG and MathML in a page: where tags, end tags and CDATA follow other rules.

Inside them `<style>` holds tags like any other element, `<![CDATA[` opens a section, and
`<g/>` closes itself; inside their integration points (such as `foreignObject`) HTML's rules
hold again (the standard's "parsing main in foreign content", 13.2.6.5).
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from byleave.sdk.rewriter.elements import DEEPEST, RAW_TEXT, names

_BREAKOUT: Final = names(
    "b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img"
    " li listing menu meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul"
    " var"
)
"""HTML start tags that end SVG and MathML."""

_SVG_POINTS: Final = names("desc foreignobject title")
_MATHML_TEXT_POINTS: Final = names("mi mn mo ms mtext")
_READ_DIFFERENTLY: Final = (
    RAW_TEXT | _SVG_POINTS | _MATHML_TEXT_POINTS | names("annotation-xml math plaintext script svg")
)
"""Start tags after which SVG and MathML are read in another way than HTML."""

_ROOTS: Final = (b"svg", b"math")
_HTML_ENCODINGS: Final = (b"text/html", b"application/xhtml+xml")
_FONT_ATTRIBUTES: Final = (b"color", b"face", b"size")  # with one of them, `font` breaks out

ATTRIBUTES: Final = frozenset((*_FONT_ATTRIBUTES, b"encoding"))
"""The attributes that `ForeignContent.start` looks at."""

ELEMENTS_WITH_ATTRIBUTES: Final = frozenset((b"font", b"annotation-xml"))
"""The only elements whose attributes it looks at."""


class _Element(NamedTuple):
    name: bytes
    root: bytes  # b"svg" or b"math"
    is_html_inside: bool


class ForeignContent:
    """The open SVG and MathML elements around the position in the page.

    An end tag that ends none of them may belong to an HTML element around them, or to nothing:
    the elements out there are not followed. From there on it is unsure whether SVG or MathML has
    ended, until a tag comes that settles it. If one comes before that would be read
    differently in either case, all is lost.

    Attributes:
        opened: the open elements, the innermost last.
        is_unsure: whether these elements may have ended.
        is_lost: whether there is no telling how the rest of the page is read.
    """

    __slots__ = ("is_lost", "is_unsure", "opened")

    def __init__(self, opened: tuple[_Element, ...] = (), *, is_unsure: bool = False) -> None:
        self.opened = list(opened)
        self.is_unsure = is_unsure
        self.is_lost = False

    def copy(self) -> "ForeignContent":
        """Return a copy that later tags do not change."""
        return ForeignContent(tuple(self.opened), is_unsure=self.is_unsure)

    @property
    def is_foreign_inside(self) -> bool:
        """Whether an element that starts here is foreign."""
        return bool(self.opened) and not self.opened[-1].is_html_inside

    def start(
        self, name: bytes, *, attributes: Mapping[bytes, bytes], is_self_closing: bool
    ) -> bool:
        """Take in a start tag and return whether its element is foreign."""
        if self.is_foreign_inside:
            if name in _BREAKOUT or (
                name == b"font" and any(key in attributes for key in _FONT_ATTRIBUTES)
            ):
                self._leave()
                return False
            if self.is_unsure and name in _READ_DIFFERENTLY:
                self.is_lost = True
            root = name if name in _ROOTS else self.opened[-1].root
        elif name in _ROOTS:
            root = name
        elif name in (b"mglyph", b"malignmark") and self._is_in_mathml_text():
            root = b"math"
        else:
            return False
        if not is_self_closing:
            self.opened.append(_Element(name, root, _is_html_inside(name, root, attributes)))
            self.is_lost |= len(self.opened) > DEEPEST
        return True

    def end(self, name: bytes) -> None:
        """Take in an end tag."""
        opened = self.opened
        if not self.is_foreign_inside:
            if opened and opened[-1].name == name:
                opened.pop()
            return
        if name in (b"br", b"p"):
            self._leave()
            return
        for index in range(len(opened) - 1, -1, -1):
            if opened[index].name == name:
                del opened[index:]
                self.is_unsure = self.is_unsure and self.is_foreign_inside
                return
        self.is_unsure = True

    def _leave(self) -> None:
        while self.is_foreign_inside:
            self.opened.pop()
        self.is_unsure = False

    def _is_in_mathml_text(self) -> bool:
        return bool(self.opened) and self.opened[-1].name in _MATHML_TEXT_POINTS


def _is_html_inside(name: bytes, root: bytes, attributes: Mapping[bytes, bytes]) -> bool:
    if root == b"svg":
        return name in _SVG_POINTS
    if name == b"annotation-xml":
        return attributes.get(b"encoding", b"").lower() in _HTML_ENCODINGS
    return name in _MATHML_TEXT_POINTS
