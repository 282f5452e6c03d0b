"""Decoded consent strings as plain data, under the names that the reference libraries use."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from byleave.segments.consent.bits import Ranges
from byleave.segments.consent.errors import ConsentStringError
from byleave.segments.consent.gpp import CANADA, EUROPE, US_PRIVACY, GppString, Section, decode_gpp
from byleave.segments.consent.gpp_canada import CanadaString
from byleave.segments.consent.gpp_us import US_LAYOUTS, UsSection
from byleave.segments.consent.instants import iso
from byleave.segments.consent.tcf import (
    ALLOWED,
    DISCLOSED,
    PUBLISHER,
    PublisherTc,
    Restriction,
    TcString,
    decode_tc,
)
from byleave.segments.consent.usprivacy import UsPrivacyString, decode_us_privacy

Format = Literal["tc", "gpp", "usp"]
Plain = dict[str, Any]

SECTION_NAMES: Final[Mapping[int, str]] = {
    EUROPE: "tcfeuv2",
    CANADA: "tcfcav1",
    US_PRIVACY: "uspv1",
    **{number: layout.name for number, layout in US_LAYOUTS.items()},
}

_MOST_IDS: Final = 200_000  # spelt out; a short string can name millions


def decode_line(format: Format, text: str) -> Plain:
    """Decode a consent string and return it as plain data.

    Args:
        format: `tc` for a Transparency and Consent string, `gpp` for a Global Privacy Platform
            string, `usp` for a US Privacy string.
        text: The string.

    Returns:
        `{"ok": True, "decoded": {...}}`, or `{"ok": False, "error": "..."}` if it does not
        follow its specification. GPP sections that have no layout here are in `sectionIds`
        and not in `sections`.
    """
    try:
        decoded = _DECODERS[format](text)
    except ConsentStringError as error:
        return {"ok": False, "error": str(error)}
    return {"ok": True, "decoded": decoded}


def tc_plain(tc: TcString) -> Plain:
    """Return a TC string under the names of the TCF library; vendors as ranges."""
    publisher = tc.publisher or PublisherTc()
    return {
        "version": tc.version,
        "created": iso(tc.created_ms),
        "lastUpdated": iso(tc.last_updated_ms),
        "cmpId": tc.cmp_id,
        "cmpVersion": tc.cmp_version,
        "consentScreen": tc.consent_screen,
        "consentLanguage": tc.consent_language,
        "vendorListVersion": tc.vendor_list_version,
        "tcfPolicyVersion": tc.policy_version,
        "isServiceSpecific": tc.is_service_specific,
        "useNonStandardTexts": tc.uses_non_standard_texts,
        "specialFeatureOptins": list(tc.special_features),
        "purposesConsent": list(tc.consent),
        "purposesLITransparency": list(tc.legitimate_interest),
        "purposeOneTreatment": tc.purpose_one_treatment,
        "publisherCC": tc.publisher_country,
        "vendorConsents": _pairs(tc.vendor_consent),
        "vendorLegitimateInterests": _pairs(tc.vendor_legitimate_interest),
        "publisherRestrictions": [
            {
                "purposeId": restriction.purpose,
                "restrictionType": restriction.type,
                "vendors": _pairs(restriction.vendors),
            }
            for restriction in tc.restrictions
        ],
        "vendorsDisclosed": _pairs(tc.disclosed),
        "vendorsAllowed": _pairs(tc.allowed),
        "publisherTC": {
            "purposesConsent": list(publisher.consent),
            "purposesLITransparency": list(publisher.legitimate_interest),
            "numCustomPurposes": publisher.custom_purposes,
            "customPurposesConsent": list(publisher.custom_consent),
            "customPurposesLITransparency": list(publisher.custom_legitimate_interest),
        },
        "segmentTypes": list(tc.segments),
    }


def _pairs(ranges: Ranges) -> list[list[int]]:
    return [list(pair) for pair in ranges]


def _ids(ranges: Ranges) -> list[int]:
    return [number for first, last in ranges for number in range(first, last + 1)]


def _entries(restrictions: tuple[Restriction, ...]) -> list[Plain]:
    total = sum(last - first + 1 for entry in restrictions for first, last in entry.vendors)
    if total > _MOST_IDS:
        raise ConsentStringError(f"expected restrictions of at most {_MOST_IDS} ids in all")
    return [
        {"key": entry.purpose, "type": entry.type, "ids": _ids(entry.vendors)}
        for entry in restrictions
    ]


def _gpp_plain(gpp: GppString) -> Plain:
    return {
        "sectionIds": list(gpp.section_ids),
        "sections": {
            SECTION_NAMES[number]: _section_plain(section)
            for number, section in gpp.sections.items()
        },
    }


def _section_plain(section: Section) -> Plain:
    if isinstance(section, TcString):
        return _europe(section)
    if isinstance(section, CanadaString):
        return _canada(section)
    if isinstance(section, UsPrivacyString):
        return _us_privacy(section)
    return _us(section)


def _europe(tc: TcString) -> Plain:
    publisher = tc.publisher or PublisherTc()
    return {
        "Version": tc.version,
        "Created": iso(tc.created_ms),
        "LastUpdated": iso(tc.last_updated_ms),
        "CmpId": tc.cmp_id,
        "CmpVersion": tc.cmp_version,
        "ConsentScreen": tc.consent_screen,
        "ConsentLanguage": tc.consent_language,
        "VendorListVersion": tc.vendor_list_version,
        "PolicyVersion": tc.policy_version,
        "IsServiceSpecific": tc.is_service_specific,
        "UseNonStandardStacks": tc.uses_non_standard_texts,
        "SpecialFeatureOptins": list(tc.special_features),
        "PurposeConsents": list(tc.consent),
        "PurposeLegitimateInterests": list(tc.legitimate_interest),
        "PurposeOneTreatment": tc.purpose_one_treatment,
        "PublisherCountryCode": tc.publisher_country,
        "VendorConsents": _ids(tc.vendor_consent),
        "VendorLegitimateInterests": _ids(tc.vendor_legitimate_interest),
        "PublisherRestrictions": _entries(tc.restrictions),
        "PublisherPurposesSegmentType": PUBLISHER,
        "PublisherConsents": list(publisher.consent),
        "PublisherLegitimateInterests": list(publisher.legitimate_interest),
        "NumCustomPurposes": publisher.custom_purposes,
        "PublisherCustomConsents": list(publisher.custom_consent),
        "PublisherCustomLegitimateInterests": list(publisher.custom_legitimate_interest),
        "VendorsAllowedSegmentType": ALLOWED,
        "VendorsAllowed": _ids(tc.allowed),
        "VendorsDisclosedSegmentType": DISCLOSED,
        "VendorsDisclosed": _ids(tc.disclosed),
    }


def _canada(section: CanadaString) -> Plain:
    publisher = section.publisher or PublisherTc()
    return {
        "Version": section.version,
        "Created": iso(section.created_ms),
        "LastUpdated": iso(section.last_updated_ms),
        "CmpId": section.cmp_id,
        "CmpVersion": section.cmp_version,
        "ConsentScreen": section.consent_screen,
        "ConsentLanguage": section.consent_language,
        "VendorListVersion": section.vendor_list_version,
        "TcfPolicyVersion": section.policy_version,
        "UseNonStandardStacks": section.uses_non_standard_stacks,
        "SpecialFeatureExpressConsent": list(section.special_features),
        "PurposesExpressConsent": list(section.express_consent),
        "PurposesImpliedConsent": list(section.implied_consent),
        "VendorExpressConsent": _ids(section.vendor_express_consent),
        "VendorImpliedConsent": _ids(section.vendor_implied_consent),
        "PubRestrictions": _entries(section.restrictions),
        "PubPurposesSegmentType": PUBLISHER,
        "PubPurposesExpressConsent": list(publisher.consent),
        "PubPurposesImpliedConsent": list(publisher.legitimate_interest),
        "NumCustomPurposes": publisher.custom_purposes,
        "CustomPurposesExpressConsent": list(publisher.custom_consent),
        "CustomPurposesImpliedConsent": list(publisher.custom_legitimate_interest),
        "DisclosedVendorsSegmentType": DISCLOSED,
        "DisclosedVendors": _ids(section.disclosed),
    }


def _us_privacy(section: UsPrivacyString) -> Plain:
    return {
        "Version": 1,
        "Notice": section.notice,
        "OptOutSale": section.opt_out_sale,
        "LspaCovered": section.lspa_covered,
    }


def _us(section: UsSection) -> Plain:
    plain: Plain = {"Version": section.version}
    for name, (first, *more) in section.fields.items():
        plain[name] = [first, *more] if more else first
    if section.layout.has_gpc:  # the reference library reports an absent part as false
        plain |= {"GpcSegmentType": 1, "Gpc": section.gpc is True}
    return plain


_DECODERS: Final[Mapping[Format, Callable[[str], Plain]]] = {
    "tc": lambda text: tc_plain(decode_tc(text)),
    "gpp": lambda text: _gpp_plain(decode_gpp(text)),
    "usp": lambda text: _us_privacy(decode_us_privacy(text)),
}
