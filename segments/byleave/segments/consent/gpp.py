"""Strings of the IAB's Global Privacy Platform: a header, then one section per law.

Layout: IAB Tech Lab, "Global Privacy Platform String", version 1.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from byleave.segments.consent.bits import Bits, check_length
from byleave.segments.consent.errors import ConsentStringError
from byleave.segments.consent.gpp_canada import CanadaString, decode_canada
from byleave.segments.consent.gpp_us import US_LAYOUTS, UsSection, decode_us
from byleave.segments.consent.tcf import TcString, decode_tc
from byleave.segments.consent.usprivacy import UsPrivacyString, decode_us_privacy

EUROPE, CANADA, US_PRIVACY = 2, 5, 6
"""Numbers of the sections that are no plain lists of opt-outs."""

Section = TcString | CanadaString | UsPrivacyString | UsSection

_DECODERS: Final[Mapping[int, Callable[[str], Section]]] = {
    EUROPE: decode_tc,
    CANADA: decode_canada,
    US_PRIVACY: decode_us_privacy,
}


@dataclass(frozen=True, slots=True)
class GppString:
    """A decoded GPP string.

    Attributes:
        section_ids: The sections that the header announces, in order.
        sections: Those that could be read. One that is announced and missing here is of a
            kind or version without a layout: it must count as an opt-out, never as consent.
    """

    section_ids: tuple[int, ...]
    sections: Mapping[int, Section]

    @property
    def unreadable(self) -> tuple[int, ...]:
        """The announced sections that could not be read."""
        return tuple(number for number in self.section_ids if number not in self.sections)


def decode_gpp(text: str) -> GppString:
    """Decode a GPP string; a bare TC string, which some tools store in its place, is section 2.

    Raises:
        ConsentStringError: The header, or a section whose layout is known, does not follow
            its specification; or sections and header do not match.
    """
    check_length(text)
    head, *texts = text.split("~")
    if not texts and text.startswith("C"):
        return GppString(section_ids=(EUROPE,), sections={EUROPE: decode_tc(text)})
    ids = _section_ids(head, count=len(texts))
    sections = {
        number: section
        for number, text in zip(ids, texts, strict=True)
        if (section := _section(number, text)) is not None
    }
    return GppString(section_ids=ids, sections=sections)


def _section(number: int, text: str) -> Section | None:
    if number in _DECODERS:
        return _DECODERS[number](text)
    layout = US_LAYOUTS.get(number)
    return decode_us(text, layout) if layout else None


def _section_ids(header: str, *, count: int) -> tuple[int, ...]:
    bits = Bits(header)
    kind, version = bits.integer(6), bits.integer(6)
    if (kind, version) != (3, 1):
        raise ConsentStringError(f"expected a header of type 3, version 1, got {kind}, {version}")
    ranges = bits.fibonacci_ranges()
    bits.end()
    announced = sum(last - first + 1 for first, last in ranges)
    if announced != count:  # before the ranges are spelled out: they may be huge
        raise ConsentStringError(f"expected {announced} sections, as announced, got {count}")
    return tuple(number for first, last in ranges for number in range(first, last + 1))
