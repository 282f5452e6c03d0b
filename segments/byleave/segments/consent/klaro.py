"""Klaro: the cookie `klaro`, percent-encoded JSON with a boolean per service.

Klaro asks by service and not by purpose, and writes no time.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from byleave.segments.consent.adapters import Keys, mapped, read_or_refuse, statement
from byleave.segments.consent.cookie_text import json_object, percent_decoded
from byleave.segments.consent.errors import ConsentStringError
from byleave.segments.consent.purposes import Consent


@dataclass(frozen=True, slots=True)
class Klaro:
    """Reads Klaro's services.

    Attributes:
        purposes: The services that must all be granted, per purpose; there is no default.
        cookie: The name of the cookie, Klaro's `storageName`.
    """

    purposes: Keys
    cookie: str = "klaro"

    def read(self, cookies: Mapping[str, str], now_ms: int) -> Consent | None:
        """Return the choice; None if there is none."""
        text = cookies.get(self.cookie)
        if text is None:
            return None
        return read_or_refuse("klaro", lambda: self._parse(text, now_ms))

    def _parse(self, text: str, now_ms: int) -> Consent:
        services = json_object(percent_decoded(text))
        if not all(isinstance(value, bool) for value in services.values()):
            raise ConsentStringError("expected true or false for each service")
        choices = mapped([name for name, value in services.items() if value], self.purposes)
        return statement("klaro", choices, at_ms=None, now_ms=now_ms)
