"""Placeholders in variants: `{{ industry | your industry }}`, a value or what stands without it.

What is put in is text, whatever it holds: it is escaped for where it stands, and in an address
it is a part of it that can lead nowhere else. Without consent, or where nothing is known, the
words after the bar are shown.
"""

import html
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from byleave.experiments.definitions import Variant, VariantKind
from byleave.experiments.locales import all_texts
from byleave.experiments.markup import FILLED
from byleave.segments import (
    Attribute,
    Fault,
    Path,
    Purpose,
    Scalar,
    ValueType,
    unknown_name,
)
from byleave.segments.reach import is_contextual

#: Says what is known of the visitor and may be used; None for nothing.
Known = Callable[[str], Scalar | None]

_PLACEHOLDER: Final = re.compile(r"\{\{\s*([\w-]+)\s*(?:\|([^{}<>]*))?\}\}")
_IN_ADDRESS: Final = re.compile(r"\b(?:href|src|srcset)=(?:\"[^\"]*|'[^']*)\Z", re.IGNORECASE)
_UNRESERVED: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
)
_SHOWABLE: Final = (ValueType.STRING, ValueType.NUMBER)
_LONGEST: Final = 200


class Piece(NamedTuple):
    """Some text as it is, and the placeholder that follows it.

    Attributes:
        text: The text.
        name: The attribute; empty after the last placeholder.
        fallback: What stands there without a value.
    """

    text: str
    name: str
    fallback: str


@lru_cache(maxsize=1_024)
def pieces(text: str) -> tuple[Piece, ...]:
    """Return a text cut at its placeholders."""
    found = []
    start = 0
    for match in _PLACEHOLDER.finditer(text):
        found.append(Piece(text[start : match.start()], match[1], (match[2] or "").strip()))
        start = match.end()
    return (*found, Piece(text[start:], "", ""))


def shown_attributes(variant: Variant) -> frozenset[str]:
    """Return the attributes of a variant's placeholders, by which it differs between visitors."""
    match variant.kind:
        case VariantKind.HTML:
            texts = [variant.content]
        case VariantKind.FIELDS:
            texts = [*all_texts(variant.content)]
        case _:
            texts = []
    return frozenset(piece.name for text in texts for piece in pieces(text) if piece.name)


def in_text(text: str, known: Known) -> str:
    """Return a text with its placeholders filled, for what escapes it."""
    return _filled(text, known, lambda value, before: value)


def in_address(text: str, known: Known) -> str:
    """Return an address with its placeholders filled; no value changes where it leads."""
    return _filled(text, known, lambda value, before: _percent_encoded(value))


def in_markup(text: str, known: Known) -> str:
    """Return HTML with its placeholders filled, each escaped for where it stands."""

    def escaped(value: str, before: str) -> str:
        return html.escape(_percent_encoded(value) if _IN_ADDRESS.search(before) else value)

    return _filled(text, known, escaped)


def _filled(text: str, known: Known, escape: Callable[[str, str], str]) -> str:
    cut = pieces(text)
    if len(cut) == 1:
        return text
    out = ""
    before = ""
    for piece in cut:
        before += piece.text
        out += piece.text
        if piece.name:
            value = known(piece.name)
            out += escape(piece.fallback if value is None else _said(value), before)
    return out


def _percent_encoded(value: str) -> str:
    """Return text as a part of an address, in which nothing has a meaning (RFC 3986, 2.3)."""
    octets = value.encode("utf-8", "replace")
    return "".join(chr(each) if each in _UNRESERVED else f"%{each:02X}" for each in octets)


def _said(value: Scalar) -> str:
    """Return a value in words: a number in digits alone, six of them behind the point at most."""
    text = f"{value:z.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return text[:_LONGEST]


def unfilled(text: str) -> str:
    """Return a text as it is checked: a sign that could be anything for each placeholder."""
    return FILLED.join(piece.text for piece in pieces(text))


def check_placeholders(
    text: str, attributes: Mapping[str, Attribute], path: Path, *, has_words: bool
) -> Iterator[Fault]:
    """Yield what is wrong with the placeholders of a text.

    Args:
        text: The text.
        attributes: Those that are declared.
        path: Where it stands.
        has_words: Whether people read it, so that something has to stand there without a value.
    """
    cut = pieces(text)
    if any("{{" in piece.text or "}}" in piece.text for piece in cut):
        yield Fault(path, "expected a placeholder such as {{ industry | your industry }}")
    for piece in cut[:-1]:
        declared = attributes.get(piece.name)
        if declared is None:
            yield unknown_name("attribute", piece.name, attributes, path)
        elif reason := _hidden(declared):
            yield Fault(path, f"{{{{ {piece.name} }}}} cannot be shown: {reason}")
        if has_words and not piece.fallback:
            yield Fault(
                path,
                f"{{{{ {piece.name} }}}} needs words for those of whom it is not known, such as "
                f"{{{{ {piece.name} | you }}}}",
            )


def _hidden(declared: Attribute) -> str:
    if declared.sensitive:
        return "it is sensitive"
    if declared.type not in _SHOWABLE:
        return f"it is a {declared.type}, not text or a number"
    if not is_contextual(declared) and Purpose.PERSONALISATION not in declared.purposes:
        return "it may not be used for personalisation"
    return ""
