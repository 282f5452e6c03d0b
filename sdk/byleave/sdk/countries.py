"""Where visitors are: as a trusted proxy says, or as a file of addresses says."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from byleave.sdk.asgi_types import Scope
from byleave.sdk.request_attributes import header

#: Returns two capital letters; None where the country is not known.
FindCountry = Callable[[Scope], str | None]

_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_NO_COUNTRY: Final = frozenset({"XX", "ZZ", "T1"})  # what proxies say when they do not know


def from_header(name: str) -> FindCountry:
    """Return what reads the country from a header that a proxy sets."""
    key = name.lower().encode()
    return lambda scope: _known(header(scope, key))


def from_file(path: str | Path) -> FindCountry:
    """Return what looks up the address that a request came from in a MaxMind DB file.

    The address is used for this and kept nowhere.

    Raises:
        ModuleNotFoundError: maxminddb is not installed.
        OSError: There is no such file.
        ValueError: It is no such file.
    """
    try:
        import maxminddb  # only sites with such a file need it
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("country_file needs maxminddb: pip install 'byleave[geo]'") from (
            error
        )
    try:
        reader = maxminddb.open_database(Path(path))
    except maxminddb.InvalidDatabaseError as error:
        raise ValueError(f"{path}: expected a MaxMind DB file") from error

    def find(scope: Scope) -> str | None:
        client = scope.get("client")
        try:
            return _known(_code(reader.get(client[0]))) if client else None
        except ValueError:  # a socket's name, or an IPv6 address in a file of IPv4 ones
            return None

    return find


def _code(record: Any) -> str:
    """Return the country in a record, as the makers of such files variously write it."""
    if not isinstance(record, dict):
        return ""
    country = record.get("country", record.get("country_code"))
    if isinstance(country, dict):
        country = country.get("iso_code")
    return country if isinstance(country, str) else ""


def _known(text: str) -> str | None:
    value = text.strip().upper()
    return value if _COUNTRY.fullmatch(value) and value not in _NO_COUNTRY else None
