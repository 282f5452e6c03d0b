"""Transparency and Consent strings of IAB Europe's framework, versions 2.0 to 2.3.

A string says what vendors may do and, in its Publisher TC segment, what the site itself may.
Layout: IAB Tech Lab, "Transparency and Consent String with Global Vendor & CMP List Formats",
as of April 2025 (2.3).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from byleave.segments.consent.bits import Bits, Ranges, check_length, merged
from byleave.segments.consent.errors import ConsentStringError

CORE, DISCLOSED, ALLOWED, PUBLISHER = range(4)

_LOWEST_CMP_ID: Final = 2  # 0 and 1 were never given to a consent tool


@dataclass(frozen=True, slots=True)
class PublisherTc:
    """What the visitor agreed to for the site itself, by the 1-based numbers of purposes."""

    consent: tuple[int, ...] = ()
    legitimate_interest: tuple[int, ...] = ()
    custom_purposes: int = 0
    custom_consent: tuple[int, ...] = ()
    custom_legitimate_interest: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Restriction:
    """What the site demands of vendors for one purpose.

    Attributes:
        purpose: The number of the purpose.
        type: 0 forbids it, 1 demands consent, 2 demands legitimate interest; 3 is undefined.
        vendors: Whom it binds.
    """

    purpose: int
    type: int
    vendors: Ranges


@dataclass(frozen=True, slots=True)
class TcString:
    """A decoded TC string; purposes and features by their 1-based numbers.

    `segments` lists the types of its segments in their order: `CORE`, `DISCLOSED`, `ALLOWED`,
    `PUBLISHER`. A segment that is absent reads as empty, or None for the Publisher TC.
    """

    version: int
    created_ms: int
    last_updated_ms: int
    cmp_id: int
    cmp_version: int
    consent_screen: int
    consent_language: str
    vendor_list_version: int
    policy_version: int
    is_service_specific: bool
    uses_non_standard_texts: bool
    special_features: tuple[int, ...]
    consent: tuple[int, ...]
    legitimate_interest: tuple[int, ...]
    purpose_one_treatment: bool
    publisher_country: str
    vendor_consent: Ranges
    vendor_legitimate_interest: Ranges
    restrictions: tuple[Restriction, ...]
    segments: tuple[int, ...]
    disclosed: Ranges
    allowed: Ranges
    publisher: PublisherTc | None


def decode_tc(text: str) -> TcString:
    """Decode a TC string: a core, then any other segments in any order.

    Of a segment that comes twice the last one counts, as in the reference library. Bits after
    the last field of a segment are ignored, since the specification lets fields be added there.

    Raises:
        ConsentStringError: The string does not follow its specification. Ranges that run
            backwards and country codes that are no letters are refused as well, although the
            reference library lets them through.
    """
    check_length(text)
    head, *others = text.split(".")
    core = Bits(head)
    version = core.integer(6)
    if version != 2:
        raise ConsentStringError(f"expected a TC string of version 2, got {version}")
    segments = [CORE]
    vendors: dict[int, Ranges] = {}
    publisher = None
    for other in others:
        bits = Bits(other)
        segment = bits.integer(3)
        if segment in (DISCLOSED, ALLOWED):
            vendors[segment] = bits.vendors()
        elif segment == PUBLISHER:
            publisher = read_publisher(bits)
        else:
            raise ConsentStringError(f"expected segments of type 1, 2 or 3, got {segment}")
        segments.append(segment)
    return TcString(  # the fields in the order of the bits: the arguments read as they are named
        version=version,
        created_ms=core.time_ms(),
        last_updated_ms=core.time_ms(),
        cmp_id=read_cmp_id(core),
        cmp_version=core.integer(12),
        consent_screen=core.integer(6),
        consent_language=core.letters(),
        vendor_list_version=core.integer(12),
        policy_version=core.integer(6),
        is_service_specific=core.flag(),
        uses_non_standard_texts=core.flag(),
        special_features=core.positions(12),
        consent=core.positions(24),
        legitimate_interest=core.positions(24),
        purpose_one_treatment=core.flag(),
        publisher_country=core.letters(),
        vendor_consent=core.vendors(),
        vendor_legitimate_interest=core.vendors(),
        restrictions=read_restrictions(core, Bits.ranges),
        segments=tuple(segments),
        disclosed=vendors.get(DISCLOSED, ()),
        allowed=vendors.get(ALLOWED, ()),
        publisher=publisher,
    )


def read_cmp_id(bits: Bits) -> int:
    """Read the id of the consent tool that wrote the string."""
    number = bits.integer(12)
    if number < _LOWEST_CMP_ID:
        raise ConsentStringError(f"expected the id of a consent tool, got {number}")
    return number


def read_restrictions(bits: Bits, vendors: Callable[[Bits], Ranges]) -> tuple[Restriction, ...]:
    """Read the publisher restrictions, joined by purpose and type; `vendors` reads their ids."""
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for _ in range(bits.integer(12)):
        key = (bits.integer(6), bits.integer(2))
        found.setdefault(key, []).extend(vendors(bits))
    return tuple(
        Restriction(purpose=purpose, type=kind, vendors=merged(found[purpose, kind]))
        for purpose, kind in sorted(found)
        if found[purpose, kind]
    )


def read_publisher(bits: Bits) -> PublisherTc:
    """Read what follows the type of a Publisher TC segment."""
    consent, legitimate_interest = bits.positions(24), bits.positions(24)
    custom = bits.integer(6)
    return PublisherTc(
        consent=consent,
        legitimate_interest=legitimate_interest,
        custom_purposes=custom,
        custom_consent=bits.positions(custom),
        custom_legitimate_interest=bits.positions(custom),
    )
