"""What silence means where the visitor is, as dated data.

Not legal advice: the tables say what Byleave takes for granted. A place is a country (`DE`) or
a country and a subdivision (`US-CA`), in ISO 3166 codes.
"""

import re
from collections.abc import Mapping
from typing import Final

from byleave.segments.consent.instants import from_iso
from byleave.segments.consent.purposes import Regime

DEFAULT: Final = "default"
"""The key, in a site's regions, for every known place that is not listed."""

_PLACE: Final = re.compile("([A-Z]{2})(?:-[A-Z0-9]{1,3})?")

# What services that locate addresses answer instead of a country.
_NOWHERE: Final = frozenset({"AP", "EU", "XX", "ZZ"})

_EUROPE: Final = (
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"  # EU
    " AX GF GP MF MQ RE YT"  # parts of it with codes of their own
    " IS LI NO"  # the rest of the European Economic Area
    " GB CH"
    " EL UK"  # what some call GR and GB
)

OPT_IN_COUNTRIES: Final = frozenset(_EUROPE.split())
"""Where storing and reading on a device needs consent, whatever a site's default says."""

_SIGNAL_BINDS_SINCE: Final = {
    "US-CA": "2023-01-01",
    "US-CO": "2024-07-01",
    "US-CT": "2025-01-01",
    "US-DE": "2026-01-01",
    "US-MD": "2025-10-01",
    "US-MN": "2025-07-31",
    "US-MT": "2025-01-01",
    "US-NE": "2025-01-01",
    "US-NH": "2025-01-01",
    "US-NJ": "2025-07-15",
    "US-OR": "2026-01-01",
    "US-TX": "2025-01-01",
}


def regime_of(place: str | None, regions: Mapping[str, Regime]) -> Regime:
    """Return what silence means in a place.

    Args:
        place: Where the visitor is; None or anything that is no place is unknown.
        regions: The site's own rules by place, with `DEFAULT` for the rest.

    Returns:
        The rule of the subdivision or else of the country; opt-in where the law asks for it or
        the place is unknown; the site's default elsewhere, opt-in if it has none.
    """
    key = _key(place, regions)
    if key is None or (key == DEFAULT and (place or "")[:2] in OPT_IN_COUNTRIES):
        return Regime.OPT_IN
    return regions.get(key, Regime.OPT_IN)


def opt_in_regions(place: str | None, regions: Mapping[str, Regime]) -> frozenset[str]:
    """Return the keys of a site's regions where a visitor may be and silence means no.

    Args:
        place: Where the visitor is; None or anything that is no place is unknown.
        regions: The site's own rules by place, with `DEFAULT` for the rest.

    Returns:
        The key of the place's region, or nothing where silence means yes; every key of a region
        where it means no, and `DEFAULT`, where the place is unknown.
    """
    key = _key(place, regions)
    if key is None:
        listed = (key for key, regime in regions.items() if regime is Regime.OPT_IN)
        return frozenset({DEFAULT, *listed})
    return frozenset({key} if regime_of(place, regions) is Regime.OPT_IN else ())


def _key(place: str | None, regions: Mapping[str, Regime]) -> str | None:
    """Return the key of the region that a place is in; None where the place is unknown."""
    match = _PLACE.fullmatch(place or "")
    if match is None or match[1] in _NOWHERE:
        return None
    return next((key for key in (match[0], match[1]) if key in regions), DEFAULT)


def is_place(text: str) -> bool:
    """Return whether a text is written as a place is, whichever country it names."""
    return _PLACE.fullmatch(text) is not None


def region_faults(regions: Mapping[str, Regime]) -> dict[str, str]:
    """Return what is wrong with a site's regions: a sentence for each key with a fault."""
    faults: dict[str, str] = {}
    for key, regime in regions.items():
        match = _PLACE.fullmatch(key)
        if key != DEFAULT and (match is None or match[1] in _NOWHERE):
            faults[key] = "expected `default`, a country such as DE, or a state such as US-CA"
        elif match and match[1] in OPT_IN_COUNTRIES and regime is Regime.OPT_OUT:
            faults[key] = "expected opt-in: storing on a device needs consent there"
    return faults


def signal_binds(place: str | None, on_ms: int) -> bool:
    """Whether the law of a place makes Global Privacy Control binding on that day.

    Byleave honours the signal everywhere; this is for showing that a duty was met. Sources:
    Koley Jessen, "Universal Opt-Out Mechanisms Explained" (2025); Olender Feldman (2025).
    """
    since = _SIGNAL_BINDS_SINCE.get(place or "")
    return since is not None and from_iso(f"{since}T00:00:00Z") <= on_ms
