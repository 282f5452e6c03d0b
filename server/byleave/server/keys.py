"""API keys: shown once, kept as hashes, compared in constant time, good until they expire."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import Connection, delete, func, select, update

from byleave.server import schema
from byleave.server.batches import add_rows
from byleave.server.errors import UnknownNameError
from byleave.server.sites import Entropy, Site


class Role(StrEnum):
    """What somebody may do. Keys have any of them, people those from `VIEWER` on."""

    SERVER = "server"  # what a site's own machines need; never leaves them
    PUBLIC = "public"  # sending events; may stand in a page
    VIEWER = "viewer"  # reading definitions and results
    ANALYST = "analyst"  # also what the figures came from: versions, exports, the audit trail
    MARKETER = "marketer"  # also drafting and publishing definitions
    ADMIN = "admin"  # also people, keys and single visitors


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key, without what makes it one.

    Attributes:
        site: The site that it is for.
        name: The part of it that may be shown.
        role: What it may be used for.
        created_ms: When it was made.
        expires_ms: From when on it opens nothing; None for never.
        secret_hash: What its secret is compared with.
    """

    site: str
    name: str
    role: Role
    created_ms: int
    expires_ms: int | None
    secret_hash: str

    def is_over(self, now_ms: int) -> bool:
        """Whether it opens nothing any more."""
        return self.expires_ms is not None and self.expires_ms <= now_ms


def create_key(
    connection: Connection,
    site: Site,
    role: Role,
    *,
    entropy: Entropy,
    now_ms: int,
    expires_ms: int | None = None,
) -> str:
    """Return a new key; this is the only time that anyone sees it."""
    keys = schema.api_keys.c
    count = connection.execute(select(func.count()).where(keys.site == site.key)).scalar_one()
    fresh = entropy(f"key/{count + 1}").hex()
    name, secret = f"{role}_{fresh[:8]}", fresh[8:]
    row = (site.key, name, str(role), _hash(secret), now_ms, expires_ms)
    add_rows(connection, schema.api_keys, [row])
    return f"byleave_{name}_{secret}"


def end_key(connection: Connection, site: Site, name: str, *, at_ms: int) -> None:
    """Let a key expire at a moment; one that expires earlier stays as it is.

    A key is rotated by making its successor, and ending it once all who hold it have that one.

    Raises:
        UnknownNameError: The site has no such key.
    """
    table = schema.api_keys
    is_it = (table.c.site == site.key) & (table.c.key == name)
    found = connection.execute(select(table).where(is_it)).one_or_none()
    if found is None:
        raise UnknownNameError("this site has no such key")
    if found.expires_ms is None or found.expires_ms > at_ms:
        connection.execute(update(table).where(is_it).values(expires_ms=at_ms))


def drop_key(connection: Connection, site: Site, name: str) -> None:
    """Take a key away, at once.

    Raises:
        UnknownNameError: The site has no such key.
    """
    keys = schema.api_keys
    is_it = (keys.c.site == site.key) & (keys.c.key == name)
    if not connection.execute(delete(keys).where(is_it)).rowcount:
        raise UnknownNameError("this site has no such key")


class KeyRing:
    """The keys of a store, to ask who a caller is."""

    def __init__(self, keys: Iterable[StoredKey]) -> None:
        """Hold these keys."""
        self._keys = {(key.site, key.name): key for key in keys}

    @classmethod
    def load(cls, connection: Connection) -> "KeyRing":
        """Return the keys of every site of the store, as they are stored."""
        return cls(
            StoredKey(
                site=row.site,
                name=row.key,
                role=Role(row.role),
                created_ms=row.created_ms,
                expires_ms=row.expires_ms,
                secret_hash=row.secret_hash,
            )
            for row in connection.execute(select(schema.api_keys))
        )

    def of(self, site: str) -> list[StoredKey]:
        """Return the keys of a site, the oldest first."""
        found = [key for key in self._keys.values() if key.site == site]
        return sorted(found, key=lambda key: (key.created_ms, key.name))

    def find(self, key: str, site: str) -> StoredKey | None:
        """Return the key that a text is; None when it is none of the store.

        Args:
            key: What a caller brought.
            site: The site that was asked: of two keys of one name, its own is compared.
        """
        name, _, secret = key.removeprefix("byleave_").rpartition("_")
        found = self._keys.get((site, name)) or next(
            (each for each in self._keys.values() if each.name == name), None
        )
        # An unknown name takes as long as a wrong secret, so neither can be told from the other.
        expected = _hash("") if found is None else found.secret_hash
        return found if hmac.compare_digest(_hash(secret), expected) else None


def _hash(secret: str) -> str:
    # The secret is 28 random bytes: nothing to guess, so nothing to slow down.
    return sha256(secret.encode()).hexdigest()
