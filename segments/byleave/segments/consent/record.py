"""The proof of a choice: a consent record shaped like ISO/IEC TS 27560:2023.

Byleave's own purposes are stored; the terms of the W3C's Data Privacy Vocabulary (DPV) stand
beside them, so that other systems can read the record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from byleave.segments.consent.instants import iso
from byleave.segments.consent.purposes import CHOOSABLE, Choice, Consent, Purpose

SCHEMA: Final = "ISO/IEC TS 27560:2023"

DPV_PURPOSES: Final[Mapping[Purpose, str]] = {
    Purpose.NECESSARY: "dpv:ServiceProvision",
    Purpose.PREFERENCES: "dpv:UserInterfacePersonalisation",
    Purpose.ANALYTICS: "dpv:ServiceUsageAnalytics",
    Purpose.PERSONALISATION: "dpv:ServicePersonalisation",
    Purpose.MARKETING: "dpv:TargetedAdvertising",
    Purpose.SHARING: "dpv:Share",  # the vocabulary has it as an operation, not as a purpose
}
"""Our purposes in the words of the vocabulary."""

_STATUS: Final[Mapping[Choice, str]] = {
    Choice.GRANTED: "dpv:ConsentGiven",
    Choice.DENIED: "dpv:ConsentRefused",
    Choice.UNSET: "dpv:ConsentUnknown",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What the visitor was shown when they chose.

    Attributes:
        address: Where the text can be read; it is also where consent can be taken back.
        version: Which text it was.
        language: Its language, as in `en` or `de-AT`.
    """

    address: str
    version: str
    language: str


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One choice and the circumstances that prove it.

    Attributes:
        record_id: Unique for the site.
        principal: A pseudonym of the visitor, never a name or an address.
        controller: Who is responsible: the site.
        consent: What was chosen, after conflicts were settled.
        previous: What held before; a grant that is gone since counts as withdrawn.
        notice: What the visitor was shown; None for a signal of the browser alone.
        place: Where the visitor was, as `DE` or `US-CA`; None if unknown.
        method: How the choice was expressed, for example `banner` or `settings`.
        signals: What arrived, unchanged, by the name of the cookie or header.
        recorded_ms: When the record was made.
    """

    record_id: str
    principal: str
    controller: str
    consent: Consent
    previous: Consent | None
    notice: Notice | None
    place: str | None
    method: str
    signals: Mapping[str, str]
    recorded_ms: int

    def plain(self) -> dict[str, Any]:
        """Return the record as plain data, in the sections that the standard names."""
        chosen_ms = self.recorded_ms if self.consent.at_ms is None else self.consent.at_ms
        return {
            "schema_version": SCHEMA,
            "record_id": self.record_id,
            "pii_principal_id": self.principal,
            "recorded_at": iso(self.recorded_ms),
            "pii_processing": {
                "privacy_notice": self.notice
                and {"url": self.notice.address, "version": self.notice.version},
                "language": self.notice and self.notice.language,
                "jurisdiction": self.place,
                "regime": self.consent.regime.value,
                "withdrawal_method": self.notice and self.notice.address,
                "purposes": [self._purpose(purpose) for purpose in CHOOSABLE],
            },
            "party_identification": [
                {"party_id": self.controller, "party_role": "dpv:DataController"}
            ],
            "event": {
                "event_time": iso(chosen_ms),
                "entity_id": self.principal,
                "method": self.method,
                "source": self.consent.source,
                "number": self.consent.number,
                "signals": dict(self.signals),
            },
        }

    def _purpose(self, purpose: Purpose) -> dict[str, Any]:
        choice = self.consent.choice(purpose)
        held = self.previous is not None and self.previous.choice(purpose) is Choice.GRANTED
        withdrawn = held and choice is not Choice.GRANTED
        return {
            "purpose": purpose.value,
            "purpose_type": DPV_PURPOSES[purpose],
            "lawful_basis": None if choice is Choice.UNSET else "dpv:Consent",
            "choice": choice.value,
            "allowed": self.consent.allows(purpose),
            "event_state": "dpv:ConsentWithdrawn" if withdrawn else _STATUS[choice],
            "reason": self.consent.why.get(purpose),
        }
