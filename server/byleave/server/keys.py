"""API keys: shown once, kept as hashes, compared in constant time."""

import hmac
from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import Connection, func, select

from byleave.server import schema
from byleave.server.batches import add_rows
from byleave.server.sites import Entropy, Site


class Role(StrEnum):
    """What a key may be used for."""

    SERVER = "server"  # everything; never leaves the site's own servers
    PUBLIC = "public"  # sending events; may stand in a page
    ANALYST = "analyst"  # reading results


def create_key(
    connection: Connection, site: Site, role: Role, *, entropy: Entropy, now_ms: int
) -> str:
    """Return a new key; this is the only time that anyone sees it."""
    keys = schema.api_keys.c
    count = connection.execute(select(func.count()).where(keys.site == site.key)).scalar_one()
    fresh = entropy(f"key/{count + 1}").hex()
    name, secret = f"{role}_{fresh[:8]}", fresh[8:]
    row = (site.key, name, str(role), _hash(secret), now_ms)
    add_rows(connection, schema.api_keys, [row])
    return f"byleave_{name}_{secret}"


class KeyRing:
    """The keys of a site, to ask what a caller may do."""

    def __init__(self, rows: Iterable[tuple[str, Role, str]]) -> None:
        """Hold the keys: name, role and hash of the secret."""
        self._keys = {name: (role, secret_hash) for name, role, secret_hash in rows}

    @classmethod
    def load(cls, connection: Connection, site: Site) -> "KeyRing":
        """Return the keys of a site as they are stored."""
        keys = schema.api_keys.c
        rows = connection.execute(select(schema.api_keys).where(keys.site == site.key))
        return cls((row.key, Role(row.role), row.secret_hash) for row in rows)

    def __len__(self) -> int:
        """Return how many keys there are."""
        return len(self._keys)

    def role(self, key: str) -> Role | None:
        """Return what a key may be used for; None when it is not one of ours."""
        name, _, secret = key.removeprefix("byleave_").rpartition("_")
        # An unknown name takes as long as a wrong secret, so neither can be told from the other.
        role, expected = self._keys.get(name, (None, _hash("")))
        return role if hmac.compare_digest(_hash(secret), expected) else None


def _hash(secret: str) -> str:
    # The secret is 28 random bytes: nothing to guess, so nothing to slow down.
    return sha256(secret.encode()).hexdigest()
