"""The cookies in which tools of the IAB's frameworks keep TC, GPP and US Privacy strings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from byleave.segments.consent.adapters import read_or_refuse
from byleave.segments.consent.conflicts import intersection
from byleave.segments.consent.gpp import CANADA, EUROPE, GppString, decode_gpp
from byleave.segments.consent.gpp_canada import CanadaString
from byleave.segments.consent.gpp_us import UsSection
from byleave.segments.consent.purposes import Choice, Consent, Purpose
from byleave.segments.consent.tcf import TcString, decode_tc
from byleave.segments.consent.tcf_rules import TcRules, canada_consent, tc_consent
from byleave.segments.consent.usprivacy import UsPrivacyString, decode_us_privacy

_OPT_OUTS = ("SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut")


@dataclass(frozen=True, slots=True)
class Tcf:
    """Reads the choice that a TC string holds, alone or as a section of a GPP string.

    Where several are there and differ, only what all of them grant is granted; an expired or
    void one refuses, so it cannot be revived through the other.

    Attributes:
        rules: How the strings are read.
        cookie: The name of the cookie with the TC string.
        gpp_cookie: The name of the cookie with the GPP string.
    """

    rules: TcRules = field(default_factory=TcRules)
    cookie: str = "euconsent-v2"
    gpp_cookie: str = "__gpp"

    def read(self, cookies: Mapping[str, str], now_ms: int) -> Consent | None:
        """Return the choice; None if there is no such string."""
        said: list[Consent | None] = []
        text = cookies.get(self.cookie)
        if text is not None:
            said.append(
                read_or_refuse("tcf", lambda: tc_consent(decode_tc(text), now_ms, self.rules))
            )
        gpp = cookies.get(self.gpp_cookie)
        if gpp is not None:
            said.append(read_or_refuse("tcf", lambda: self._sections(decode_gpp(gpp), now_ms)))
        return _agreed([one for one in said if one is not None])

    def _sections(self, gpp: GppString, now_ms: int) -> Consent | None:
        said: list[Consent] = []
        europe, canada = gpp.sections.get(EUROPE), gpp.sections.get(CANADA)
        if isinstance(europe, TcString):
            said.append(tc_consent(europe, now_ms, self.rules))
        if isinstance(canada, CanadaString):
            said.append(canada_consent(canada, now_ms, self.rules))
        return _agreed(said)


@dataclass(frozen=True, slots=True)
class Gpp:
    """Reads the opt-outs in the US sections of a GPP string; having none is not a grant."""

    cookie: str = "__gpp"

    def read(self, cookies: Mapping[str, str], now_ms: int) -> Consent | None:
        """Return the refusal of marketing and sharing if a section opts out or is unreadable."""
        text = cookies.get(self.cookie)
        if text is None:
            return None
        return read_or_refuse("gpp", lambda: _opt_out("gpp", _reasons(decode_gpp(text))))


@dataclass(frozen=True, slots=True)
class UsPrivacy:
    """Reads the opt-out in a US Privacy string; having none is not a grant."""

    cookies: tuple[str, ...] = ("usprivacy", "us_privacy")

    def read(self, cookies: Mapping[str, str], now_ms: int) -> Consent | None:
        """Return the refusal of marketing and sharing if one of the cookies opts out."""
        texts = [cookies[name] for name in self.cookies if name in cookies]
        return read_or_refuse(
            "usprivacy",
            lambda: _opt_out(
                "usprivacy",
                ["OptOutSale" for text in texts if decode_us_privacy(text).opt_out_sale == "Y"],
            ),
        )


def _agreed(said: list[Consent]) -> Consent | None:
    if len(said) < 2:
        return said[0] if said else None
    return intersection(said, source="tcf")


def _opt_out(source: str, reasons: list[str]) -> Consent | None:
    if not reasons:
        return None
    purposes = (Purpose.MARKETING, Purpose.SHARING)
    return Consent(
        dict.fromkeys(purposes, Choice.DENIED),
        source=source,
        why=dict.fromkeys(purposes, f"opted out: {', '.join(reasons)}"),
    )


def _reasons(gpp: GppString) -> list[str]:
    """What in the string counts as an opt-out, each with its section.

    Besides the opt-outs: the Global Privacy Control signal, a child without consent, and a
    section that cannot be read.
    """
    reasons = [f"unreadable section {number}" for number in gpp.unreadable]
    for section in gpp.sections.values():
        if isinstance(section, UsPrivacyString) and section.opt_out_sale == "Y":
            reasons.append("uspv1 OptOutSale")
        elif isinstance(section, UsSection):
            reasons += [f"{section.layout.name} {name}" for name in _us_reasons(section)]
    return reasons


def _us_reasons(section: UsSection) -> list[str]:
    names = (*_OPT_OUTS, "KnownChildSensitiveDataConsents")
    found = [name for name in names if 1 in section.fields.get(name, ())]
    return [*found, "Gpc"] if section.gpc else found
