"""What visitors read of ours, in the languages that come along."""

from collections.abc import Callable
from functools import cache
from gettext import translation
from pathlib import Path
from typing import Final

_LOCALE: Final = Path(__file__).with_name("locale")

#: The languages that `in_language` knows.
LANGUAGES: Final = ("de", "en", "fr")


@cache
def in_language(language: str) -> Callable[[str], str]:
    """Return what translates our texts into a language: `Personalise(gettext=in_language("de"))`.

    What a site itself says, such as the `because` of a segment, stays as it is written.

    Args:
        language: One of `LANGUAGES`, perhaps with a region: `de`, `fr-CH`.

    Raises:
        ValueError: The language does not come along.
    """
    plain = language.lower().replace("_", "-").partition("-")[0]
    if plain not in LANGUAGES:
        raise ValueError(f"expected one of {', '.join(LANGUAGES)}, got {language!r}")
    if plain == "en":
        return str
    return translation("byleave", _LOCALE, [plain]).gettext
