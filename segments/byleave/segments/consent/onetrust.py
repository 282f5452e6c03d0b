"""OneTrust: the cookies `OptanonConsent` and `OptanonAlertBoxClosed`.

The first is a query string, `…&groups=C0001%3A1%2CC0002%3A0&…`, with the state of every cookie
category; it is there from the first page on. The second is the time at which the visitor closed
the banner: without it no choice was made.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from byleave.segments.consent.adapters import Keys, mapped, read_or_refuse, statement
from byleave.segments.consent.bits import check_length
from byleave.segments.consent.cookie_text import percent_decoded
from byleave.segments.consent.errors import ConsentStringError
from byleave.segments.consent.instants import from_iso
from byleave.segments.consent.purposes import Consent, Purpose

_GROUP: Final = re.compile("([A-Za-z0-9_]+):([01])")


@dataclass(frozen=True, slots=True)
class OneTrust:
    """Reads OneTrust's categories.

    Attributes:
        purposes: The categories that must all be on, per purpose. OneTrust has none for
            personalisation: name one of your own, for example `C0006`.
    """

    purposes: Keys = field(
        default_factory=lambda: {
            Purpose.PREFERENCES: ("C0003",),
            Purpose.ANALYTICS: ("C0002",),
            Purpose.MARKETING: ("C0004",),
        }
    )

    def read(self, cookies: Mapping[str, str], now_ms: int) -> Consent | None:
        """Return the choice; None if there is none yet."""
        text, closed = cookies.get("OptanonConsent"), cookies.get("OptanonAlertBoxClosed")
        if text is None or closed is None:
            return None
        return read_or_refuse("onetrust", lambda: self._parse(text, closed, now_ms))

    def _parse(self, text: str, closed: str, now_ms: int) -> Consent:
        choices = mapped(_granted_groups(text), self.purposes)
        at_ms = from_iso(percent_decoded(closed))
        return statement("onetrust", choices, at_ms=at_ms, now_ms=now_ms)


def _granted_groups(text: str) -> set[str]:
    check_length(text)
    if "=" not in text:  # some sites encode the whole once more
        text = percent_decoded(text)
    pairs = [pair.partition("=") for pair in text.split("&")]
    groups = [percent_decoded(value) for name, _, value in pairs if name == "groups"]
    if len(groups) != 1:
        raise ConsentStringError(f"expected one field `groups`, got {len(groups)}")
    states: dict[str, str] = {}
    for group in groups[0].split(","):
        match = _GROUP.fullmatch(group)
        if match is None or match[1] in states:
            raise ConsentStringError("expected each category once, as in C0001:1")
        states[match[1]] = match[2]
    return {name for name, state in states.items() if state == "1"}
