"""What authors wrote in variants, checked once more and with its placeholders filled."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from byleave.experiments import Slot
from byleave.experiments.locales import Texts
from byleave.experiments.markup import markup_faults
from byleave.experiments.placeholders import (
    Known,
    in_address,
    in_markup,
    in_text,
    pieces,
    unfilled,
)
from byleave.sdk.failures import VariantError

#: Where a link or an image may lead. Anything else, such as `javascript:`, could run code.
_SCHEMES: Final = frozenset({"", "http", "https", "mailto", "tel"})


def checked_fields(
    slot: Slot, fields: Mapping[str, Texts], locale: str | None, known: Known
) -> dict[str, str]:
    """Return a slot's fields with their placeholders filled, empty where the variant gives none.

    Args:
        slot: The slot.
        fields: What the variant fills them with.
        locale: The one of the variant's locales that is shown; None where it has none.
        known: Says what placeholders may show of the visitor.

    Raises:
        VariantError: One of them is an address that could run code, or is not in the locale.
    """
    given = {}
    for name, kind in slot.fields.items():
        texts = fields.get(name, "")
        text = texts if isinstance(texts, str) else texts.get(locale or "")
        if text is None:
            raise VariantError(f"field {name!r} has no text in the locale of the page")
        given[name] = in_text(text, known) if kind == "text" else in_address(text, known)
        if kind != "text" and not _is_safe(given[name]):
            raise VariantError(f"field {name!r} is not an address that a page may use")
    return given


def checked_markup(text: str, known: Known) -> str:
    """Return plain markup with its placeholders filled.

    Raises:
        VariantError: It is more than plain markup.
    """
    return text if _is_constant(text) else in_markup(text, known)


@lru_cache(maxsize=256)
def _is_constant(text: str) -> bool:
    """Return whether plain markup is the same for everybody."""
    if faults := markup_faults(unfilled(text)):
        raise VariantError(faults[0])
    return len(pieces(text)) == 1


def _is_safe(address: str) -> bool:
    # Browsers drop tabs and line breaks inside a scheme and spaces before it; other programs
    # drop every kind of space.
    plain = "".join(one for one in address if one > " " and not one.isspace())
    try:
        return urlsplit(plain).scheme.lower() in _SCHEMES
    except ValueError:
        return False
