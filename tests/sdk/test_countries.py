"""Where a visitor is: by a proxy's header, or by a file of addresses."""

import struct
from pathlib import Path
from typing import Any

import pytest

from byleave.sdk.countries import from_file, from_header


@pytest.mark.parametrize(
    ("value", "country"), [("gb", "GB"), ("XX", None), ("T1", None), ("GBR", None), ("", None)]
)
def test_a_proxys_country_is_two_letters_or_unknown(value: str, country: str | None) -> None:
    find = from_header("X-Country")

    assert find({"headers": [(b"x-country", value.encode())]}) == country


def packed(value: Any) -> bytes:
    """Return a value as MaxMind's format 2.0 writes it, as far as it is needed here."""
    if isinstance(value, str):
        return bytes([2 << 5 | len(value)]) + value.encode()
    if isinstance(value, bytes):  # a number: its length is its type
        return {2: b"\xa2", 4: b"\xc4", 8: b"\x08\x02"}[len(value)] + value
    if isinstance(value, list):
        return bytes([len(value), 11 - 7]) + b"".join(map(packed, value))
    return bytes([7 << 5 | len(value)]) + b"".join(packed(k) + packed(v) for k, v in value.items())


def address_file(path: Path, record: Any) -> Path:
    """Write a file in which all addresses that begin with a 1 bit have one record."""
    nodes = 1
    tree = struct.pack(">I", nodes)[1:] + struct.pack(">I", nodes + 16)[1:]
    about = {
        "node_count": struct.pack(">I", nodes),
        "record_size": struct.pack(">H", 24),
        "ip_version": struct.pack(">H", 4),
        "database_type": "Test",
        "languages": [],
        "binary_format_major_version": struct.pack(">H", 2),
        "binary_format_minor_version": struct.pack(">H", 0),
        "build_epoch": struct.pack(">Q", 1),
        "description": {},
    }
    marker = b"\xab\xcd\xefMaxMind.com"
    path.write_bytes(tree + bytes(16) + packed(record) + marker + packed(about))
    return path


@pytest.mark.parametrize(
    "record",
    [{"country": {"iso_code": "US"}}, {"country": "US"}, {"country_code": "us"}],
    ids=["nested", "flat", "code"],
)
def test_an_address_is_looked_up_in_a_file(tmp_path: Path, record: Any) -> None:
    find = from_file(address_file(tmp_path / "addresses.mmdb", record))

    assert find({"client": ("192.0.2.7", 1)}) == "US"
    assert find({"client": ("10.0.0.1", 1)}) is None
    assert find({"client": ("2001:db8::1", 1)}) is None
    assert find({"client": ("/run/site.sock", 0)}) is None
    assert find({"client": None}) is None


@pytest.mark.parametrize("record", ["US", {"country": ["US"]}, {"country": {}}, {}])
def test_a_record_without_a_country_tells_none(tmp_path: Path, record: Any) -> None:
    find = from_file(address_file(tmp_path / "addresses.mmdb", record))

    assert find({"client": ("192.0.2.7", 1)}) is None


def test_what_is_no_such_file_is_refused_at_once(tmp_path: Path, personalise: Any) -> None:
    (tmp_path / "text").write_text("no addresses")

    with pytest.raises(ValueError, match="MaxMind"):
        personalise(country_file=tmp_path / "text")
    with pytest.raises(FileNotFoundError):
        personalise(country_file=tmp_path / "none")
    with pytest.raises(ValueError, match="one of"):
        personalise(country_file=tmp_path / "text", country_header="X-Country")


def test_the_region_of_an_address_decides_what_silence_means(
    tmp_path: Path, kit: Any, personalise: Any
) -> None:
    file = address_file(tmp_path / "addresses.mmdb", {"country": {"iso_code": "US"}})

    known = kit.browser(personalise(country_file=file)).get()
    unknown = kit.browser(personalise()).get()

    assert b"Variant" in known.body
    assert unknown.body == kit.page
