"""Patterns over the bytes of a page: whole tokens, skipped or read in one go.

They follow the tokeniser of the HTML standard (13.2.5) for tokens that are complete; what a chunk
cuts off is read piece by piece by `readers` and `tags`. Every quantifier is possessive, so an
attempt costs no more than the bytes that it looks at.

Bytes are never decoded. Each byte that carries syntax is below 0x40, where no second byte of
Shift_JIS, GBK or Big5 is found, so every charset that contains ASCII is safe.
"""

import re
import sys
from functools import cache
from typing import Final


def _compile(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode("ascii"))


SPACE: Final = r"\t\n\f\r "  # what HTML calls white space; `\s` would add the vertical tab
LONGEST_NAME: Final = 128  # bytes of a tag name that are looked at

# The first kind of value is the most frequent one, and read by the fastest loop.
_ATTRIBUTE = (
    rf"""[{SPACE}/]*+([^{SPACE}/>][^{SPACE}/>=]*+)"""
    rf"""(?:="([^"]*+)"|[{SPACE}]*+=[{SPACE}]*+"""
    rf"""(?:"([^"]*+)"|'([^']*+)'|([^{SPACE}>"'][^{SPACE}>]*+)(?=[{SPACE}>])|(?=>))"""
    rf"""|(?=[{SPACE}]*+[^{SPACE}=]))"""
)
_ATTRIBUTES = rf"(?:{_ATTRIBUTE.replace('([^', '(?:[^')})*+"
_NAME_END = rf"(?=[{SPACE}/>])"
_TAG_REST = rf"[^{SPACE}/>]*+(?:>|{_ATTRIBUTES}[{SPACE}/]*+>)"

# First letters tell cheaply that most tags are ordinary; the others get a second look. `svg` and
# `math` change how tags are read, the rest hold text that is not markup.
_ORDINARY = (
    r"(?:[a-hj-loqru-wyzA-HJ-LOQRU-WYZ]"
    r"|[sS](?!(?i:cript|tyle|vg))"
    r"|[tT](?!(?i:itle|extarea))"
    r"|[pP](?!(?i:laintext))"
    r"|[iI](?!(?i:frame))"
    r"|[nN](?!(?i:oscript|oembed|oframes))"
    r"|[mM](?!(?i:ath))"
    r"|[xX](?!(?i:mp)))"
    rf"{_TAG_REST}"
)
# Complete elements of text in their usual spelling. A script with `<!--` is left to its reader.
_TEXT_ELEMENT = "|".join(
    rf"{name}{_NAME_END}{_TAG_REST}(?:[^<]++|<(?!{stop}/(?i:{name})))*+</{name}[{SPACE}]*+>"
    for name, stop in (("script", "!--|"), ("style", ""), ("title", ""), ("noscript", ""))
)
# Nothing in a drawing made of these elements alone can end it before its own end tag.
_SHAPE = (
    "(?:g|path|use|rect|circle|line|defs|stop|symbol|mask|ellipse|polygon|polyline|clipPath"
    "|linearGradient|radialGradient|text|tspan|image|pattern|marker|filter|fe[A-Z][A-Za-z]++"
    "|animate|animateTransform|style)"
)
_COMMENT = r"!--(?!-?>)(?:[^-]++|-(?!-!?>))*+--!?>"
_DRAWING = (
    rf"[sS][vV][gG]{_NAME_END}{_TAG_REST}(?<!/>)"
    rf"(?:[^<]*+<(?:/?{_SHAPE}{_NAME_END}{_TAG_REST}|title>[^<]*+</title>|{_COMMENT}))*+"
    rf"[^<]*+</[sS][vV][gG][{SPACE}]*+>"
)
_END_TAG = r"/[a-zA-Z][^>=]*+>"
_DECLARATION = r"!(?!--)[^>]*+>"
_NOTHING = r"(?=[^a-zA-Z/!?])"

SKIP_TEXT: Final = _compile(rf"[^<]*+(?:<{_NOTHING}[^<]*+)*+")
"""Text, up to the next `<` that may open something."""


@cache
def skip_ordinary() -> re.Pattern[bytes]:
    """Return text and complete tokens after which HTML content is read as it was before them.

    It takes longer to compile than all others, and where every slot has signed marks none of
    it is needed.
    """
    return _compile(
        rf"[^<]*+(?:<(?:{_END_TAG}|{_ORDINARY}|{_TEXT_ELEMENT}|{_COMMENT}|{_DRAWING}"
        rf"|{_DECLARATION}|{_NOTHING})[^<]*+)*+"
    )


TAG: Final = _compile(rf"<(/?)([a-zA-Z][^{SPACE}/>]*+)({_ATTRIBUTES})([{SPACE}/]*+)>")
"""A complete tag: its slash, its name, its attributes, and what is left before its `>`."""

ATTRIBUTES: Final = _compile(_ATTRIBUTES)
ATTRIBUTE: Final = _compile(_ATTRIBUTE)
"""A complete attribute: its name, and its value in one of four more groups."""

TAG_NAME: Final = _compile(rf"<(/?)([a-zA-Z][^{SPACE}/>]{{0,{LONGEST_NAME - 1}}}+)")
"""The beginning of any tag: its slash and as much of its name as is looked at."""

COMMENT_OPENING: Final = _compile(r"<!--(-?>)?+")
"""The opening of a comment; the group matches where the comment ends at once."""

COMMENT_END: Final = _compile(r"--!?>")
CDATA_END: Final = _compile(r"\]\]>")
DECLARATION_END: Final = _compile(r">")

SPACES: Final = _compile(rf"[{SPACE}]*+")
SPACES_AND_SLASHES: Final = _compile(rf"[{SPACE}/]*+")
ATTRIBUTE_NAME: Final = _compile(rf"[^{SPACE}/>][^{SPACE}/>=]*+")
TAG_NAME_REST: Final = _compile(rf"[^{SPACE}/>]*+")
ATTRIBUTE_NAME_REST: Final = _compile(rf"[^{SPACE}/>=]*+")
UNQUOTED_END: Final = _compile(rf"(?=[{SPACE}>])")
ENDS_OF_QUOTED: Final = {b'"': _compile('"'), b"'": _compile("'")}

SCRIPT: Final = _compile(rf"<(?:!--|/(?i:script){_NAME_END})")
"""In a script: what hides the next end tag from its sight, or the end tag."""

HIDDEN_SCRIPT: Final = _compile(rf"-->|<(/?)(?i:script){_NAME_END}")
"""In a script after `<!--`: what ends the hiding, or a nested script's tags."""


def raw_text_end(name: bytes) -> re.Pattern[bytes]:
    """Return the pattern of the end tag that ends the text of the element `name`."""
    return _compile(rf"</(?i:{name.decode('ascii')}){_NAME_END}")


def end_of(
    pattern: re.Pattern[bytes], buffer: bytes, position: int, stop: int = sys.maxsize
) -> int:
    """Return where the match of a pattern that begins at a position ends, before `stop`."""
    match = pattern.match(buffer, position, stop)
    return match.end() if match else position
