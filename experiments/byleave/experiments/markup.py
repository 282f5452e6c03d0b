"""Which HTML a variant may be: plain markup that cannot run anything, wherever it is put.

HTML is not cleaned here but refused, with words, unless it is of a grammar so narrow that every
browser reads it alike in any place: known elements, known attributes in quotes, every element
closed. None of the elements changes how the text after it is read, as `<script>`, `<svg>` or
`<title>` do; so there is nothing to read in two ways. What needs more is a template of the site.
"""

import html
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

_PAGE: Final = r"https?://[^\s/\\{}]+(?:[/?#]\S*)?|/(?![/\\])\S*"
#: Where an image comes from.
IMAGE: Final = re.compile(_PAGE)
#: Where a link leads.
LINK: Final = re.compile(rf"{_PAGE}|(?:mailto|tel):\S+|[#?]\S*")

#: What stands for a placeholder while a text is checked.
FILLED: Final = "{}"

_SPACE: Final = r"[ \t\n\r\f]"  # what separates attributes; no other space does
_TOKEN: Final = re.compile(
    rf"(?P<text>[^<\0]+)|</(?P<end>[a-z][a-z0-9]*){_SPACE}*>"
    rf"|<(?P<start>[a-z][a-z0-9]*)(?P<attributes>(?:{_SPACE}+[a-z][a-z0-9-]*(?:=(?:\"[^\"<\0]*\""
    rf"|'[^'<\0]*'))?)*){_SPACE}*/?>",
    re.IGNORECASE | re.ASCII,
)
_ATTRIBUTE: Final = re.compile(
    r"([a-z][a-z0-9-]*)(?:=(?:\"([^\"]*)\"|'([^']*)'))?", re.IGNORECASE | re.ASCII
)

_VOID: Final = frozenset({"br", "col", "hr", "img", "source", "wbr"})
_ELEMENTS: Final = _VOID.union(
    """
    a abbr address article aside b bdi bdo blockquote button caption cite code colgroup
    data dd del details dfn div dl dt em figcaption figure footer h1 h2 h3 h4 h5 h6
    header hgroup i ins kbd li main mark menu meter nav ol p picture pre progress q rp
    rt ruby s samp search section small span strong sub summary sup table tbody td tfoot
    th thead time tr u ul var
    """.split()  # noqa: SIM905  # a list of words is read as one
)
_ANYWHERE: Final = frozenset(
    {"class", "dir", "hidden", "id", "lang", "role", "tabindex", "title", "translate"}
)
_FAMILIES: Final = ("aria-", "data-byleave-")
_OWN: Final = {
    "a": "href hreflang rel target",
    "button": "disabled type",
    "col": "span",
    "colgroup": "span",
    "data": "value",
    "del": "datetime",
    "details": "name open",
    "img": "alt decoding fetchpriority height loading sizes src srcset width",
    "ins": "datetime",
    "li": "value",
    "meter": "high low max min optimum value",
    "ol": "reversed start type",
    "progress": "max value",
    "source": "height media sizes srcset type width",
    "td": "colspan headers rowspan",
    "th": "abbr colspan headers rowspan scope",
    "time": "datetime",
}
_ADDRESSES: Final = {"href": LINK, "src": IMAGE, "srcset": IMAGE}
_INSTEAD: Final = "use a `template` of the site for that"


@lru_cache(maxsize=256)
def markup_faults(text: str) -> tuple[str, ...]:
    """Return what keeps a text from being plain markup; nothing where it may go into a page."""
    return tuple(_faults(text))


def _faults(text: str) -> Iterator[str]:
    opened: list[str] = []
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            shown = text[position : position + 30].replace("\0", "\\0")
            yield f"expected an element with its attributes in quotes, or `&lt;`, got {shown!r}"
            return
        position = token.end()
        if token["start"] is not None:
            name = token["start"].lower()
            yield from _element(name, token["attributes"])
            if name not in _VOID:
                opened.append(name)
        elif token["end"] is not None:
            name = token["end"].lower()
            if not opened or opened.pop() != name:
                yield f"</{name}> closes nothing that was opened last"
                return
    if opened:
        yield f"<{opened[-1]}> is not closed"


def _element(name: str, attributes: str) -> Iterator[str]:
    if name not in _ELEMENTS:
        yield f"<{name}> may do more than show something; {_INSTEAD}"
        return
    seen: set[str] = set()
    for key, double, single in _ATTRIBUTE.findall(attributes):
        attribute, value = key.lower(), double or single
        if attribute in seen:
            yield f"<{name}> has {attribute!r} twice"
        elif not _is_known(name, attribute):
            yield f"<{name}> may not have {attribute!r}; {_INSTEAD}"
        elif attribute == "id" and not _is_free(html.unescape(value)):
            yield f"the id {value!r} may be of the page's own script; take another"
        elif attribute in _ADDRESSES and not _leads(attribute, value):
            yield (
                f"<{name}> has {attribute!r} of {value!r}, but expected a path such as /schools "
                "or https://example.org/"
            )
        seen.add(attribute)


def _is_known(name: str, attribute: str) -> bool:
    is_own = attribute in _OWN.get(name, "").split()
    return is_own or attribute in _ANYWHERE or attribute.startswith(_FAMILIES)


def _is_free(id: str) -> bool:
    return not id.lower().startswith("byleave") and FILLED not in id


def _leads(attribute: str, value: str) -> bool:
    """Return whether an address is one as it is written, and as a browser reads it."""
    kind = _ADDRESSES[attribute]
    for text in (value, html.unescape(value)):
        several = re.split(r",\s+", text) if attribute == "srcset" else [text]
        for address in several:
            plain = address.strip().partition(" ")[0] if attribute == "srcset" else address
            if not kind.fullmatch(plain):
                return False
    return True
