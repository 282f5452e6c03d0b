"""The US sections of GPP strings: the national one (7) and those of the states (8 to 23).

Layouts: IAB Tech Lab, "GPP Extension: US National Privacy" and one like it for each state. A
section is a version of 6 bits, then fields of 2 bits each; a second part may carry the Global
Privacy Control signal.

Sections 24 to 27 (Maryland, Indiana, Kentucky, Rhode Island) have no layout here: their
specification begins with a header that the reference library leaves out, so nobody can tell
what a string means.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from byleave.segments.consent.bits import Bits
from byleave.segments.consent.errors import ConsentStringError

Fields = tuple[tuple[str, int], ...]
"""Names and how many values each holds, in order."""

_MSPA: Final = ("MspaCoveredTransaction", "MspaOptOutOptionMode", "MspaServiceProviderMode")
_UNDEFINED: Final = 3  # of the four values that two bits can hold


@dataclass(frozen=True, slots=True)
class UsLayout:
    """How one section is written.

    Attributes:
        name: As scripts on a page call it, for example `usca`.
        versions: The fields after the version number, by version.
        has_gpc: Whether a part with the Global Privacy Control signal may follow.
    """

    name: str
    versions: Mapping[int, Fields]
    has_gpc: bool


@dataclass(frozen=True, slots=True)
class UsSection:
    """A decoded US section.

    Attributes:
        layout: How it was written.
        version: Of the section's specification.
        fields: One value, or one per kind of data. Of opt-outs 0 means does not apply, 1 opted
            out, 2 did not opt out; of notices 1 means given; of consents 1 means refused.
        gpc: The Global Privacy Control signal; None if the string does not carry it.
    """

    layout: UsLayout
    version: int
    fields: Mapping[str, tuple[int, ...]]
    gpc: bool | None


def _fields(names: str, *, sensitive: int, child: int, consent: str | None = None) -> Fields:
    """Return the fields `names`, then those that every section ends in."""
    return (
        *((name, 1) for name in names.split()),
        ("SensitiveDataProcessing", sensitive),
        ("KnownChildSensitiveDataConsents", child),
        *(((consent, 1),) if consent else ()),
        *((name, 1) for name in _MSPA),
    )


def _state(
    name: str,
    first: str = "ProcessingNotice",
    *,
    more: str = "",
    sensitive: int = 8,
    child: int = 1,
    additional: bool = True,
    has_gpc: bool = True,
) -> UsLayout:
    """Return the layout of a state: all but California's differ in these few points."""
    names = (
        f"{first} SaleOptOutNotice TargetedAdvertisingOptOutNotice {more}"
        " SaleOptOut TargetedAdvertisingOptOut"
    )
    consent = "AdditionalDataProcessingConsent" if additional else None
    fields = _fields(names, sensitive=sensitive, child=child, consent=consent)
    return UsLayout(name=name, versions={1: fields}, has_gpc=has_gpc)


_NATIONAL: Final = (
    "SharingNotice SaleOptOutNotice SharingOptOutNotice TargetedAdvertisingOptOutNotice"
    " SensitiveDataProcessingOptOutNotice SensitiveDataLimitUseNotice"
    " SaleOptOut SharingOptOut TargetedAdvertisingOptOut"
)
_CALIFORNIA: Final = (
    "SaleOptOutNotice SharingOptOutNotice SensitiveDataLimitUseNotice SaleOptOut SharingOptOut"
)
_PERSONAL: Final = "PersonalDataConsents"

US_LAYOUTS: Final[Mapping[int, UsLayout]] = {
    7: UsLayout(
        name="usnat",
        versions={
            1: _fields(_NATIONAL, sensitive=12, child=2, consent=_PERSONAL),
            2: _fields(_NATIONAL, sensitive=16, child=3, consent=_PERSONAL),
        },
        has_gpc=True,
    ),
    8: UsLayout(
        name="usca",
        versions={1: _fields(_CALIFORNIA, sensitive=9, child=2, consent=_PERSONAL)},
        has_gpc=True,
    ),
    9: _state("usva", "SharingNotice", additional=False, has_gpc=False),
    10: _state("usco", "SharingNotice", sensitive=7, additional=False),
    11: _state(
        "usut",
        "SharingNotice",
        more="SensitiveDataProcessingOptOutNotice",
        additional=False,
        has_gpc=False,
    ),
    12: _state("usct", "SharingNotice", child=3, additional=False),
    13: _state("usfl", child=3, has_gpc=False),
    14: _state("usmt", "SharingNotice", child=3),
    15: _state("usor", sensitive=11, child=3),
    16: _state("ustx"),
    17: _state("usde", sensitive=9, child=5),
    18: _state("usia", more="SensitiveDataOptOutNotice", additional=False),
    19: _state("usne"),
    20: _state("usnh", child=3),
    21: _state("usnj", sensitive=10, child=5),
    22: _state("ustn"),
    23: _state("usmn"),
}
"""Layouts by section number."""


def decode_us(text: str, layout: UsLayout) -> UsSection | None:
    """Decode a US section; None if it is of a version that has no layout here.

    Raises:
        ConsentStringError: The section does not follow its layout, holds a value that is not
            defined, or has bits set after its last field. The reference library lets such
            values and bits through.
    """
    core, *others = text.split(".")
    bits = Bits(core)
    version = bits.integer(6)
    if version not in layout.versions:
        return None
    fields: dict[str, tuple[int, ...]] = {}
    for name, count in layout.versions[version]:
        values = tuple(bits.integer(2) for _ in range(count))
        if _UNDEFINED in values:
            raise ConsentStringError(f"expected 0, 1 or 2 for {name}, got 3")
        fields[name] = values
    bits.end()
    return UsSection(
        layout=layout, version=version, fields=fields, gpc=_gpc(others, has_gpc=layout.has_gpc)
    )


def _gpc(parts: list[str], *, has_gpc: bool) -> bool | None:
    if len(parts) > has_gpc:
        raise ConsentStringError("expected fewer parts in the section")
    if not parts:
        return None
    bits = Bits(parts[0])
    if bits.integer(2) != 1:
        raise ConsentStringError("expected the part with the Global Privacy Control signal")
    signal = bits.flag()
    bits.end()
    return signal
