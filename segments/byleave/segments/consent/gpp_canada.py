"""The Canadian section (5) of GPP strings: IAB Canada's framework, version 1.

Layout: IAB Tech Lab, "IAB Canada TCF Technical Specification". It differs from the European one
in a few fields, and in calling the two legal grounds express and implied consent.
"""

from dataclasses import dataclass

from byleave.segments.consent.bits import Bits, Ranges
from byleave.segments.consent.errors import ConsentStringError
from byleave.segments.consent.tcf import (
    DISCLOSED,
    PUBLISHER,
    PublisherTc,
    Restriction,
    read_cmp_id,
    read_publisher,
    read_restrictions,
)


@dataclass(frozen=True, slots=True)
class CanadaString:
    """A decoded Canadian section; purposes by their 1-based numbers.

    In `publisher`, `consent` is express and `legitimate_interest` is implied consent.
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
    uses_non_standard_stacks: bool
    special_features: tuple[int, ...]
    express_consent: tuple[int, ...]
    implied_consent: tuple[int, ...]
    vendor_express_consent: Ranges
    vendor_implied_consent: Ranges
    restrictions: tuple[Restriction, ...]
    disclosed: Ranges
    publisher: PublisherTc | None


def decode_canada(text: str) -> CanadaString:
    """Decode the Canadian section.

    Raises:
        ConsentStringError: The section does not follow its layout.
    """
    head, *others = text.split(".")
    core = Bits(head)
    version = core.integer(6)
    if version != 1:
        raise ConsentStringError(f"expected a Canadian section of version 1, got {version}")
    disclosed: Ranges = ()
    publisher = None
    for other in others:
        bits = Bits(other)
        part = bits.integer(3)
        if part == DISCLOSED:
            disclosed = bits.fibonacci_vendors()
        elif part == PUBLISHER:
            publisher = read_publisher(bits)
        else:
            raise ConsentStringError(f"expected parts of type 1 or 3, got {part}")
    return CanadaString(  # the fields in the order of the bits
        version=version,
        created_ms=core.time_ms(),
        last_updated_ms=core.time_ms(),
        cmp_id=read_cmp_id(core),
        cmp_version=core.integer(12),
        consent_screen=core.integer(6),
        consent_language=core.letters(),
        vendor_list_version=core.integer(12),
        policy_version=core.integer(6),
        uses_non_standard_stacks=core.flag(),
        special_features=core.positions(12),
        express_consent=core.positions(24),
        implied_consent=core.positions(24),
        vendor_express_consent=core.fibonacci_vendors(),
        vendor_implied_consent=core.fibonacci_vendors(),
        restrictions=read_restrictions(core, Bits.fibonacci_vendors),
        disclosed=disclosed,
        publisher=publisher,
    )
