"""vanilla-cookieconsent 3: the cookie `cc_cookie`, percent-encoded JSON.

`categories` lists the accepted categories and `services` the accepted services of each. A
category counts as accepted as soon as one of its services is, so a site that asks by service
must name services.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from byleave.segments.consent.adapters import Keys, mapped, read_or_refuse, statement
from byleave.segments.consent.cookie_text import json_object, percent_decoded
from byleave.segments.consent.errors import ConsentStringError
from byleave.segments.consent.instants import from_iso
from byleave.segments.consent.purposes import Consent, Purpose


@dataclass(frozen=True, slots=True)
class VanillaCookieConsent:
    """Reads the categories and services of vanilla-cookieconsent.

    Attributes:
        purposes: What must all be accepted, per purpose: a category as in `analytics`, or a
            service as in `analytics/byleave`.
        revision: The revision of the site's terms; a choice made under another one is void.
            None takes any.
        cookie: The name of the cookie.
    """

    purposes: Keys = field(
        default_factory=lambda: {
            Purpose.PREFERENCES: ("functionality",),
            Purpose.ANALYTICS: ("analytics",),
            Purpose.PERSONALISATION: ("personalisation",),
            Purpose.MARKETING: ("marketing",),
        }
    )
    revision: int | None = None
    cookie: str = "cc_cookie"

    def read(self, cookies: Mapping[str, str], now_ms: int) -> Consent | None:
        """Return the choice; None if there is none under this revision."""
        text = cookies.get(self.cookie)
        if text is None:
            return None
        return read_or_refuse("cookieconsent", lambda: self._parse(text, now_ms))

    def _parse(self, text: str, now_ms: int) -> Consent | None:
        value = json_object(percent_decoded(text))
        if self.revision is not None and value.get("revision") != self.revision:
            return None
        accepted = _names(value.get("categories"))
        services = value.get("services", {})
        if not isinstance(services, dict):
            raise ConsentStringError("expected services by category")
        for category, names in services.items():
            accepted += [f"{category}/{name}" for name in _names(names)]
        at = value.get("lastConsentTimestamp")
        if not isinstance(at, str):
            raise ConsentStringError("expected the time of the choice")
        choices = mapped(accepted, self.purposes)
        return statement("cookieconsent", choices, at_ms=from_iso(at), now_ms=now_ms)


def _names(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ConsentStringError("expected a list of names")
    return list(value)
