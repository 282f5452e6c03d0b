"""What a TC string means for the site: which strings count, and for which of our purposes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from byleave.segments.consent.adapters import MONTHS_VALID
from byleave.segments.consent.bits import contains
from byleave.segments.consent.gpp_canada import CanadaString
from byleave.segments.consent.instants import from_iso, is_older
from byleave.segments.consent.purposes import Choice, Consent, Purpose, refused
from byleave.segments.consent.tcf import ALLOWED, DISCLOSED, TcString

_DAY_MS: Final = 86_400_000
_LAST_PURPOSE: Final = 11
_CONSENT_ONLY: Final = {3, 4, 5, 6}  # no legitimate interest for these since version 2.2
_DISCLOSURE_DUE_MS: Final = from_iso("2026-03-01T00:00:00Z")  # version 2.3 is binding

INVALIDATING: Final = frozenset(
    {
        "not_service_specific",
        "policy_version_below_4",
        "no_disclosed_vendors_segment",
        "repeated_segment",
        "older_than_13_months",
        "last_updated_after",
    }
)
"""The problems for which a string is not believed."""


@dataclass(frozen=True, slots=True)
class TcRules:
    """How a site reads TC strings.

    The choice comes from the Publisher TC segment: `PurposesConsent` speaks for vendors only.
    Legitimate interest never counts as a grant.

    Attributes:
        purposes: The purposes of the framework that must all be consented to, for each of
            ours. 5 is building a profile for content and 6 using it: both are needed, since
            we have one word for the two. 7 measures advertising, 8 content, 9 audiences.
        vendor: The site's own number in the Global Vendor List, if it has one. Without a
            Publisher TC, `PurposesConsent` then counts where this vendor was disclosed, was
            consented to and is not restricted.
        vendors_speak_for_site: Without a Publisher TC, take `PurposesConsent` as it is.
        invalidating: The names of problems (see `problems`) that make a string count as a
            refusal; a site may take some out, for example a policy version.
    """

    purposes: Mapping[Purpose, frozenset[int]] = field(
        default_factory=lambda: {
            Purpose.PREFERENCES: frozenset({1}),
            Purpose.ANALYTICS: frozenset({1, 8}),
            Purpose.PERSONALISATION: frozenset({1, 5, 6}),
            Purpose.MARKETING: frozenset({1, 2, 3, 4, 7}),
        }
    )
    vendor: int | None = None
    vendors_speak_for_site: bool = False
    invalidating: frozenset[str] = INVALIDATING


def problems(tc: TcString, now_ms: int) -> tuple[str, ...]:
    """Return what the specification objects to in a string that could be decoded."""
    held = {*tc.consent, *tc.legitimate_interest}
    if tc.publisher:
        held |= {*tc.publisher.consent, *tc.publisher.legitimate_interest}
    times = (tc.created_ms, tc.last_updated_ms)
    undisclosed = DISCLOSED not in tc.segments
    late = tc.last_updated_ms >= _DISCLOSURE_DUE_MS
    found = {
        "not_service_specific": not tc.is_service_specific,
        "policy_version_below_4": tc.policy_version < 4,
        "no_disclosed_vendors_segment": undisclosed and late,
        "no_disclosed_vendors_segment_before_2026_03_01": undisclosed and not late,
        "allowed_vendors_segment_deprecated": ALLOWED in tc.segments,
        "repeated_segment": len(set(tc.segments)) < len(tc.segments),
        "li_set_for_3_to_6": not _CONSENT_ONLY.isdisjoint(tc.legitimate_interest),
        "li_set_for_1": 1 in tc.legitimate_interest,
        "purpose_without_definition": max(held, default=0) > _LAST_PURPOSE,
        "created_differs_from_last_updated": tc.created_ms != tc.last_updated_ms,
        "timestamp_not_day_level": any(time % _DAY_MS for time in times),
        "older_than_13_months": is_older(tc.last_updated_ms, now_ms, months=MONTHS_VALID),
        "last_updated_after": tc.last_updated_ms > now_ms,
    }
    return tuple(name for name, holds in found.items() if holds)


def tc_consent(tc: TcString, now_ms: int, rules: TcRules) -> Consent:
    """Return what a TC string says about our purposes.

    A string with an invalidating problem refuses every purpose; one that says nothing of the
    site leaves them unset.
    """
    broken = [name for name in problems(tc, now_ms) if name in rules.invalidating]
    if broken:
        return _refused(tc.last_updated_ms, now_ms, broken)
    if tc.publisher:
        held, reason = frozenset(tc.publisher.consent), "Publisher TC"
    elif rules.vendor is not None:
        held, reason = _vendor_purposes(tc, rules.vendor), "vendor consent"
    elif rules.vendors_speak_for_site:
        held, reason = frozenset(tc.consent), "purposes consented to for vendors"
    else:
        return Consent({}, source="tcf", at_ms=tc.last_updated_ms)
    return _said(rules.purposes, held, reason=reason, at_ms=tc.last_updated_ms)


def canada_consent(section: CanadaString, now_ms: int, rules: TcRules) -> Consent:
    """Return what a Canadian section says about our purposes: express consent only.

    Purpose 1, storage, is not used in Canada and not asked for; a purpose of ours that needs
    nothing else stays unset.
    """
    times = {
        "older_than_13_months": is_older(section.last_updated_ms, now_ms, months=MONTHS_VALID),
        "last_updated_after": section.last_updated_ms > now_ms,
    }
    broken = [name for name, holds in times.items() if holds and name in rules.invalidating]
    if broken:
        return _refused(section.last_updated_ms, now_ms, broken)
    if section.publisher is None:
        return Consent({}, source="tcf", at_ms=section.last_updated_ms)
    return _said(
        {purpose: needed - {1} for purpose, needed in rules.purposes.items() if needed - {1}},
        frozenset(section.publisher.consent),
        reason="express consent for the publisher",
        at_ms=section.last_updated_ms,
    )


def _said(
    purposes: Mapping[Purpose, frozenset[int]],
    held: frozenset[int],
    *,
    reason: str,
    at_ms: int,
) -> Consent:
    return Consent(
        {
            purpose: Choice.GRANTED if needed and needed <= held else Choice.DENIED
            for purpose, needed in purposes.items()
        },
        source="tcf",
        at_ms=at_ms,
        why=dict.fromkeys(purposes, reason),
    )


def _refused(at_ms: int, now_ms: int, broken: list[str]) -> Consent:
    reason = f"TC string refused: {', '.join(broken)}"
    return refused("tcf", reason, at_ms=at_ms if at_ms <= now_ms else None)


def _vendor_purposes(tc: TcString, vendor: int) -> frozenset[int]:
    """The purposes that `vendor` has consent for; restrictions but type 1 forbid theirs."""
    if not contains(tc.vendor_consent, vendor):
        return frozenset()
    if DISCLOSED in tc.segments and not contains(tc.disclosed, vendor):
        return frozenset()
    forbidden = {
        restriction.purpose
        for restriction in tc.restrictions
        if restriction.type != 1 and contains(restriction.vendors, vendor)
    }
    return frozenset(tc.consent) - forbidden
