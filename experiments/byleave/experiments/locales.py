"""Locales: which ones the texts of a variant are in, and which one a page is in.

A field holds one text for every locale, or a text for each of some. Locales are tags of BCP 47 in
their usual letters (RFC 5646, 2.1.1), such as `de`, `de-AT` or `zh-Hant`. A page's own is looked
up among them by taking parts off its end (RFC 4647, 3.4): `de-AT` is given what is in `de`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from byleave.segments import Path, Purpose, Reader, described
from byleave.segments.access import may_read_attribute
from byleave.segments.comparing import is_listed

if TYPE_CHECKING:  # variants have locales, and what is declared is told from outside
    from byleave.experiments.decisions import Visitor
    from byleave.experiments.definitions import Definitions

#: The attribute that says in which locale a page is, unless a site names another: as it is
#: derived from a request, the language that the visitor's browser asks for first.
LANGUAGE: Final = "language"

#: What a field holds: a text for every locale, or one for each of some.
Texts = str | Mapping[str, str]

#: The longest tag that is looked at, which RFC 5646, 4.4.1 asks nobody to go below.
LONGEST: Final = 35

#: A tag as it may stand in definitions.
TAG: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


def read_fields(data: object, reader: Reader, path: Path) -> dict[str, Any] | None:
    """Read the fields of a variant: texts, and texts by locale."""
    if not isinstance(data, Mapping):
        reader.fault(path, f"expected a mapping, got {described(data)}")
        return None
    return {
        str(name): {
            str(locale): _read_text(text, reader, (*path, str(name), str(locale)))
            for locale, text in texts.items()
        }
        if isinstance(texts, Mapping)
        else reader.read(str, texts, (*path, str(name)))
        for name, texts in data.items()
    }


def _read_text(text: object, reader: Reader, path: Path) -> Any:
    if text is None:  # what `{de: Ja, gern}` comes to
        return reader.fault(path, "expected text, got nothing; a text with a comma needs quotes")
    return reader.read(str, text, path)


def locales_of(fields: Mapping[str, Texts]) -> tuple[str, ...]:
    """Return the locales that every field has, by name; none where all are for every locale."""
    by_locale = [set(texts) for texts in fields.values() if not isinstance(texts, str)]
    return tuple(sorted(set.intersection(*by_locale))) if by_locale else ()


def all_texts(fields: Mapping[str, Texts]) -> Iterator[str]:
    """Yield the texts of all fields, in every locale."""
    for texts in fields.values():
        yield from [texts] if isinstance(texts, str) else texts.values()


def canonical(tag: str) -> str:
    """Return a tag in the usual letters: `DE_at` is `de-AT`."""
    language, *rest = tag.replace("_", "-").split("-")
    letters = {2: str.upper, 4: str.title}
    return "-".join([language.lower(), *(letters.get(len(p), str.lower)(p) for p in rest)])


@lru_cache(maxsize=1_024)
def best_locale(locales: tuple[str, ...], page: str | None) -> str | None:
    """Return which of a variant's locales a page is shown; None where it is in none of them."""
    tag = canonical(page or "")
    while tag and tag not in locales:
        tag = tag.rpartition("-")[0]
    return tag or None


def page_locale(definitions: Definitions, visitor: Visitor) -> str | None:
    """Return the locale of the page that a visitor looks at; None where it may not be read."""
    name = definitions.locale
    declared = definitions.attributes.get(name)
    if declared is None or not may_read_attribute(
        declared,
        Purpose.PERSONALISATION,
        consent=visitor.consent,
        collected=visitor.collected.get(name),
    ):
        return None
    value: object = visitor.attributes.get(name)
    if value is None:
        value = declared.default
    is_tag = isinstance(value, str) and len(value) <= LONGEST and is_listed(value, declared)
    return str(value) if is_tag else None
