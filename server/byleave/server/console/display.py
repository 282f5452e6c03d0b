"""How a page is shown to whoever reads it: language, formats of numbers, time zone and theme.

Nothing of it is secret or about anybody, so it lives in one readable cookie of the browser. What
is not chosen follows the browser: its languages, its theme, and the zone that `console.js` finds.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import tzinfo
from operator import itemgetter
from re import fullmatch
from typing import Final, Literal, Self
from urllib.parse import parse_qs, quote, unquote, urlencode
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError

from byleave.server.console.wording import LANGUAGES, Wording, wording

Theme = Literal["auto", "light", "dark"]
THEMES: Final[tuple[Theme, ...]] = ("auto", "light", "dark")

COOKIE: Final = "byleave_display"
DEFAULT_LOCALE: Final = "en-GB"
DEFAULT_ZONE: Final = "UTC"

#: A locale goes into a header, and Babel takes almost anything for a variant of one.
_LOCALE: Final = r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """How pages are shown.

    Attributes:
        locale: The formats of numbers and dates, and by its language part the texts: `en-GB`.
        zone: The time zone by its IANA name.
        theme: `auto` follows the browser.
        has_zone: Whether the zone is known, and not just the default.
    """

    locale: str = DEFAULT_LOCALE
    zone: str = DEFAULT_ZONE
    theme: Theme = "auto"
    has_zone: bool = False

    @classmethod
    def of(cls, cookies: Mapping[str, str], accept_language: str = "") -> Self:
        """Return how to show pages to a browser; what it says wrongly counts as not said."""
        said = {
            name: values[0] for name, values in parse_qs(unquote(cookies.get(COOKIE, ""))).items()
        }
        zone = said.get("zone", "")
        wanted = [said["locale"]] if is_locale(said.get("locale", "")) else []
        wanted += [name for name in _preferred(accept_language) if is_locale(name)]
        return cls(
            locale=next(iter(wanted), DEFAULT_LOCALE),
            zone=zone if is_zone(zone) else DEFAULT_ZONE,
            theme=as_theme(said.get("theme", "")),
            has_zone=is_zone(zone),
        )

    @property
    def wording(self) -> Wording:
        """The texts of this language."""
        return wording(self.locale)

    @property
    def babel(self) -> Locale:
        """The formats of this locale."""
        return _babel_locale(self.locale)

    @property
    def tzinfo(self) -> tzinfo:
        """The time zone."""
        return ZoneInfo(self.zone)

    def to_cookie(self) -> str:
        """Return the value of the cookie that keeps these choices."""
        zone = {"zone": self.zone} if self.has_zone else {}
        return quote(urlencode({"theme": self.theme, "locale": self.locale, **zone}), safe="")


#: How the page that is being rendered is shown; filters and texts read it.
CURRENT: Final = ContextVar("display", default=Display())  # noqa: B039  # it is frozen


def as_theme(name: str) -> Theme:
    """Return the theme of a name; that of the browser for any other."""
    for theme in THEMES:
        if theme == name:
            return theme
    return "auto"


def is_locale(name: str) -> bool:
    """Whether a name such as `en-GB` is that of a locale whose language has texts."""
    languages = {language.partition("-")[0] for language in LANGUAGES}
    if not fullmatch(_LOCALE, name) or name.partition("-")[0] not in languages:
        return False
    try:
        _babel_locale(name)
    except (UnknownLocaleError, ValueError):
        return False
    return True


def is_zone(name: str) -> bool:
    """Whether a name is that of a time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # unknown, a folder of zones, or no name at all
        return False
    return bool(name)


def marked(text: str) -> str:
    """Return a text as it is: marks one that is translated where it is shown."""
    return text


def translated(text: str) -> str:
    """Return a text in the language of the page that is being rendered."""
    return CURRENT.get().wording.gettext(text)


def _babel_locale(name: str) -> Locale:
    # Babel knows no pseudo-locale; its numbers are those of its language.
    return Locale.parse(name.removesuffix("-XA"), sep="-")


def _preferred(accept_language: str) -> list[str]:
    """Return the names of an Accept-Language header, the most wanted first (RFC 9110, 12.5.4)."""
    weighted: list[tuple[float, str]] = []
    for part in accept_language.split(",")[:20]:
        name, _, weight = part.partition(";q=")
        try:
            weighted.append((-float(weight or 1), name.strip()))
        except ValueError:
            continue
    return [name for _, name in sorted(weighted, key=itemgetter(0))]
