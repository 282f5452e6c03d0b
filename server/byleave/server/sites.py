"""A site of the store: its key, and the secrets that follow from its one secret."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from byleave.server import schema
from byleave.server.errors import UnknownNameError

#: Makes a fresh secret, 32 bytes, for what the label names.
Entropy = Callable[[str], bytes]

_SIZE: Final = 32


def fresh(_label: str) -> bytes:
    """Return 32 bytes that nobody can guess."""
    return secrets.token_bytes(_SIZE)


def reproducible(seed: str) -> Entropy:
    """Return a source that gives each label the same bytes every time: for simulations only."""
    return lambda label: blake2b(label.encode(), key=seed.encode()[:64], digest_size=_SIZE).digest()


@dataclass(frozen=True, slots=True)
class Site:
    """One web property in one environment.

    Attributes:
        key: Its name in every table.
        is_simulated: Whether its visitors are made up, which every page then says.
        secret: What its other secrets derive from.
    """

    key: str
    is_simulated: bool
    secret: bytes = field(repr=False)

    def derived(self, use: str) -> str:
        """Return the secret of one use, 32 hexadecimal digits, which tell nothing of others."""
        return blake2b(use.encode(), key=self.secret, digest_size=16).hexdigest()

    def visitor_hash(self, visitor: str) -> str:
        """Return what is kept of a visitor's id after they were erased."""
        return self.derived(f"visitor/{visitor}")


def open_site(
    connection: Connection, key: str, *, entropy: Entropy, is_simulated: bool, now_ms: int
) -> Site:
    """Return a site of the store, made when it is not there; once simulated, always simulated."""
    table = schema.sites
    row = connection.execute(select(table).where(table.c.site == key)).one_or_none()
    if row is None:
        secret = entropy(f"site/{key}")
        connection.execute(
            insert(table).values(
                site=key,
                secret=secret.hex(),
                generation=1,
                number=0,
                published_ms=now_ms,
                is_simulated=is_simulated,
            )
        )
        return Site(key, is_simulated, secret)
    if is_simulated and not row.is_simulated:
        connection.execute(update(table).where(table.c.site == key).values(is_simulated=True))
    return Site(key, row.is_simulated or is_simulated, bytes.fromhex(row.secret))


def site_keys(connection: Connection) -> list[str]:
    """Return the keys of the sites that a store has, in their order."""
    key = schema.sites.c.site
    return [*connection.execute(select(key).order_by(key)).scalars()]


def find_site(connection: Connection, key: str) -> Site:
    """Return a site of the store.

    Raises:
        UnknownNameError: It has none of this name; the message names those it has.
    """
    rows = connection.execute(select(schema.sites).order_by(schema.sites.c.site)).all()
    for row in rows:
        if row.site == key:
            return site_of(row)
    known = ", ".join(row.site for row in rows) or "none"
    raise UnknownNameError(f"the store has no site {key!r}. Known: {known}")


def site_of(row: Row[Any]) -> Site:
    """Return the site that a row of the store describes."""
    return Site(row.site, row.is_simulated, bytes.fromhex(row.secret))


def next_number(connection: Connection, site: str, last: int | None) -> int:
    """Return the number that follows the last one of a series, such as the runs of an experiment.

    A store that was restored does not know which numbers were given after its backup; it leaves
    a million of them out, so that no name can ever mean two things.
    """
    sites = schema.sites.c
    query = select(sites.generation).where(sites.site == site)
    generation = int(connection.execute(query).scalar_one())
    return max((last or 0) + 1, (generation - 1) * 1_000_000 + 1)


def touch(connection: Connection, site: Site) -> None:
    """Write to the store without changing anything, which fails where writing would."""
    row = schema.sites.c
    connection.execute(update(schema.sites).where(row.site == site.key).values(number=row.number))
