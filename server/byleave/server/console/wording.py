"""The texts of the console in each language, through gettext.

English is the source. A translation is a compiled catalogue, `locale/de/LC_MESSAGES/console.mo`.
`en-XA` is a pseudo-locale for whoever checks that every text can be translated: it accents and
stretches what went through gettext, and brackets it.
"""

import re
from functools import cache
from gettext import NullTranslations, translation
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent / "locale"

PSEUDO: Final = "en-XA"

#: The languages that have texts: the source, and those with a catalogue.
LANGUAGES: Final = ("en", *sorted(path.parents[1].name for path in _FOLDER.glob("*/*/console.mo")))

Wording = NullTranslations

# Placeholders, tags and entities stay what they are.
_KEPT: Final = re.compile(r"(%\(\w+\)[sd]|%%|<[^>]*>|&\w+;)")
_ACCENTED: Final = str.maketrans("aeiouyAEIOUYcnszCNSZ", "åéîøüýÅÉÎØÜÝçñšžÇÑŠŽ")


class _Pseudo(NullTranslations):
    """Accents and brackets every text, and makes it a third longer, as many languages are."""

    def gettext(self, message: str) -> str:
        """Return the text, marked."""
        return _marked(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return the text for a number, marked."""
        return _marked(msgid1 if n == 1 else msgid2)


@cache
def wording(locale: str) -> Wording:
    """Return the texts for a locale such as `en-GB`: those of its language."""
    if locale == PSEUDO:
        return _Pseudo()
    names = [locale.replace("-", "_"), locale.partition("-")[0]]
    return translation("console", _FOLDER, names, fallback=True)


def _marked(message: str) -> str:
    parts = _KEPT.split(message)
    accented = "".join(
        part if place % 2 else part.translate(_ACCENTED) for place, part in enumerate(parts)
    )
    return f"⟦{accented}{'~' * (len(message) // 3)}⟧" if message.strip() else message
