"""Cookiebot: the cookie `CookieConsent`.

Its value is a percent-encoded JavaScript literal, not JSON: `{stamp:'…',necessary:true,
preferences:false,statistics:true,marketing:false,method:'explicit',ver:1,utc:1698057791350,
region:'gb'}`. It is parsed by a grammar and never evaluated. `-1` says that the visitor's region
needs no consent, and `method:'implied'` that nobody chose: neither is a choice. `0` refuses.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from byleave.segments.consent.adapters import Keys, mapped, read_or_refuse, statement
from byleave.segments.consent.cookie_text import percent_decoded
from byleave.segments.consent.errors import ConsentStringError
from byleave.segments.consent.purposes import Consent, Purpose, refused

_PAIR: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9]*):(?:'([^'\\]*)'|(true|false)|([0-9]{1,14}))(?:,(?=[A-Za-z])|\Z)"
)


@dataclass(frozen=True, slots=True)
class Cookiebot:
    """Reads Cookiebot's categories.

    Attributes:
        purposes: Which of `preferences`, `statistics` and `marketing` must all be granted, per
            purpose. Cookiebot has none for personalisation: say which of them you asked for it.
    """

    purposes: Keys = field(
        default_factory=lambda: {
            Purpose.PREFERENCES: ("preferences",),
            Purpose.ANALYTICS: ("statistics",),
            Purpose.MARKETING: ("marketing",),
        }
    )

    def read(self, cookies: Mapping[str, str], now_ms: int) -> Consent | None:
        """Return the choice; None if there is none or the region needs none."""
        text = cookies.get("CookieConsent")
        if text is None or text == "-1":
            return None
        if text == "0":
            return refused("cookiebot", "Cookiebot says that nothing was accepted")
        return read_or_refuse("cookiebot", lambda: self._parse(text, now_ms))

    def _parse(self, text: str, now_ms: int) -> Consent | None:
        values = _literal(percent_decoded(text))
        if values.get("method") == "implied":
            return None
        at_ms = values.get("utc")
        if values.get("method") != "explicit" or type(at_ms) is not int:
            raise ConsentStringError("expected a method, explicit or implied, and a time")
        choices = mapped([key for key, value in values.items() if value is True], self.purposes)
        return statement("cookiebot", choices, at_ms=at_ms, now_ms=now_ms)


def _literal(text: str) -> dict[str, str | bool | int]:
    """Parse `{key:value,…}` whose values are strings in single quotes, booleans and integers."""
    if not (text.startswith("{") and text.endswith("}")):
        raise ConsentStringError("expected a literal in braces")
    text = text[1:-1]
    values: dict[str, str | bool | int] = {}
    at = 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None or pair[1] in values:
            raise ConsentStringError(f"expected key:value, each key once, at character {at + 1}")
        key, string, boolean, number = pair.groups()
        if number:
            values[key] = int(number)
        else:
            values[key] = boolean == "true" if boolean else string
        at = pair.end()
    return values
