"""What silence means, by place and day."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.segments.consent.instants import from_iso
from byleave.segments.consent.purposes import Regime
from byleave.segments.consent.regions import (
    DEFAULT,
    OPT_IN_COUNTRIES,
    is_place,
    opt_in_regions,
    regime_of,
    region_faults,
    signal_binds,
)

OPT_IN, OPT_OUT = Regime.OPT_IN, Regime.OPT_OUT
SHIPPED = {DEFAULT: OPT_IN, "US": OPT_OUT}
OPEN = {DEFAULT: OPT_OUT, "US-CA": OPT_IN}


@pytest.mark.parametrize(
    ("place", "regions", "expected"),
    [
        ("US", SHIPPED, OPT_OUT),
        ("US-TX", SHIPPED, OPT_OUT),
        ("BR", SHIPPED, OPT_IN),
        ("BR", OPEN, OPT_OUT),
        ("US-CA", OPEN, OPT_IN),
        ("US-NY", OPEN, OPT_OUT),
        ("BR", {}, OPT_IN),
        ("DE", OPEN, OPT_IN),
        ("GB-SCT", OPEN, OPT_IN),
    ],
)
def test_the_nearest_rule_decides(place: str, regions: dict[str, Regime], expected: Regime) -> None:
    assert regime_of(place, regions) is expected


@pytest.mark.parametrize("place", [None, "", "XX", "ZZ", "EU", "AP", "T1", "us", "USA", "US-", "*"])
def test_an_unknown_place_is_opt_in_whatever_the_default(place: str | None) -> None:
    assert regime_of(place, OPEN) is OPT_IN


@pytest.mark.parametrize("country", sorted(OPT_IN_COUNTRIES))
def test_no_default_opts_europe_out(country: str) -> None:
    assert regime_of(country, OPEN) is OPT_IN


@pytest.mark.parametrize(
    ("place", "regions", "expected"),
    [
        ("BR", SHIPPED, {DEFAULT}),
        ("US-TX", SHIPPED, set()),
        ("US-CA", OPEN, {"US-CA"}),
        ("US-NY", OPEN, set()),
        ("DE", OPEN, {DEFAULT}),
        ("DE", {"DE": OPT_IN}, {"DE"}),
        (None, SHIPPED, {DEFAULT}),
        ("XX", OPEN, {DEFAULT, "US-CA"}),
    ],
)
def test_a_visitor_is_in_one_region_or_may_be_in_all_where_silence_means_no(
    place: str | None, regions: dict[str, Regime], expected: set[str]
) -> None:
    assert opt_in_regions(place, regions) == expected


@given(
    place=st.sampled_from(["BR", "DE", "JP", "US", "US-CA", "US-TX"]),
    regions=st.dictionaries(
        st.sampled_from([DEFAULT, "BR", "US", "US-CA"]), st.sampled_from(Regime)
    ),
)
def test_who_may_be_anywhere_may_be_in_each_region_where_silence_means_no(
    place: str, regions: dict[str, Regime]
) -> None:
    found = opt_in_regions(place, regions)

    assert found <= opt_in_regions(None, regions)
    assert bool(found) is (regime_of(place, regions) is OPT_IN)


def test_regions_without_a_fault_pass() -> None:
    assert region_faults(SHIPPED | OPEN | {"FR": OPT_IN}) == {}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("Germany", "expected `default`"),
        ("us", "expected `default`"),
        ("EU", "expected `default`"),
        ("DE", "expected opt-in"),
        ("GB-SCT", "expected opt-in"),
    ],
)
def test_a_region_that_is_no_place_or_opts_europe_out_is_a_fault(key: str, expected: str) -> None:
    faults = region_faults({DEFAULT: OPT_OUT, key: OPT_OUT})

    assert list(faults) == [key]
    assert faults[key].startswith(expected)


@pytest.mark.parametrize(
    ("place", "day", "expected"),
    [
        ("US-CA", "2026-11-22", True),
        ("US-DE", "2025-12-31", False),
        ("US-DE", "2026-01-01", True),
        ("US-NY", "2026-11-22", False),
        ("DE", "2026-11-22", False),
        (None, "2026-11-22", False),
    ],
)
def test_a_signal_binds_from_the_day_the_law_says(
    place: str | None, day: str, expected: bool
) -> None:
    assert signal_binds(place, from_iso(f"{day}T00:00:00Z")) is expected


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("DE", True), ("US-CA", True), ("XX", True), ("de", False), ("Germany", False), ("", False)],
)
def test_a_place_is_known_by_how_it_is_written(text: str, is_one: bool) -> None:
    assert is_place(text) == is_one
