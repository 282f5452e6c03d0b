"""API keys: shown once, kept as hashes, compared in constant time, good until they expire."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select, update

from byleave.server import schema
from byleave.server.audit import Action, note
from byleave.server.batches import add_rows
from byleave.server.errors import UnknownNameError
from byleave.server.sites import Entropy, Site, fresh
from byleave.server.storage import Storage

_NO_KEY: Final = "this site has no such key"


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

    def told(self) -> dict[str, Any]:
        """Return what those are told of it who look after keys."""
        return {
            "name": self.name,
            "role": str(self.role),
            "created_ms": self.created_ms,
            "expires_ms": self.expires_ms,
        }

    def is_over(self, now_ms: int) -> bool:
        """Whether it opens nothing any more."""
        return self.expires_ms is not None and self.expires_ms <= now_ms


def name_of(key: str) -> str:
    """Return the part of a key that may be shown."""
    return _parts(key)[0]


class KeyRing:
    """The keys of a store, to ask who a caller is, and to make and end those of a site."""

    def __init__(
        self, storage: Storage, site: Site, *, clock: Callable[[], int], entropy: Entropy
    ) -> None:
        """Load the keys as they are stored."""
        self._storage = storage
        self._site = site
        self._clock = clock
        self._entropy = entropy
        self._keys: dict[tuple[str, str], StoredKey] = {}
        self._own: dict[tuple[str, str], StoredKey] = {}
        self.refresh()

    def refresh(self) -> None:
        """Take the keys that other processes made or ended."""
        with self._storage.reading() as connection:
            self._load(connection)

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
        name, secret = _parts(key)
        found = (
            self._keys.get((site, name))
            or self._own.get((site, name))
            or next((each for each in self._keys.values() if each.name == name), None)
        )
        # An unknown name takes as long as a wrong secret, so neither can be told from the other.
        expected = _hash("") if found is None else found.secret_hash
        return found if hmac.compare_digest(_hash(secret), expected) else None

    def create_own(self) -> str:
        """Return a new server key that is stored nowhere, and ends with this process."""
        name, secret = _named(Role.SERVER, fresh("own key").hex())
        self._own[self._site.key, name] = StoredKey(
            site=self._site.key,
            name=name,
            role=Role.SERVER,
            created_ms=self._clock(),
            expires_ms=None,
            secret_hash=_hash(secret),
        )
        return f"byleave_{name}_{secret}"

    def create(self, role: Role, *, expires_ms: int | None = None, author: str) -> str:
        """Return a new key; this is the only time that anyone sees it."""
        keys, site = schema.api_keys.c, self._site
        with self._storage.writing() as connection:
            count = connection.execute(
                select(func.count()).where(keys.site == site.key)
            ).scalar_one()
            name, secret = _named(role, self._entropy(f"key/{count + 1}").hex())
            row = (site.key, name, str(role), _hash(secret), self._clock(), expires_ms)
            add_rows(connection, schema.api_keys, [row])
            self._changed(connection, Action.KEY_CREATED, name, author)
        return f"byleave_{name}_{secret}"

    def end(self, name: str, *, at_ms: int, author: str) -> None:
        """Let a key expire at a moment; one that expires earlier stays as it is.

        A key is rotated by making its successor, and ending it once all who hold it have that
        one.

        Raises:
            UnknownNameError: The site has no such key.
        """
        if (self._site.key, name) not in self._keys:
            raise UnknownNameError(_NO_KEY)
        table = schema.api_keys
        is_it = (table.c.site == self._site.key) & (table.c.key == name)
        is_later = table.c.expires_ms.is_(None) | (table.c.expires_ms > at_ms)
        with self._storage.writing() as connection:
            connection.execute(update(table).where(is_it, is_later).values(expires_ms=at_ms))
            self._changed(connection, Action.KEY_ENDED, name, author)

    def drop(self, name: str, *, author: str) -> None:
        """Take a key away, at once.

        Raises:
            UnknownNameError: The site has no such key.
        """
        table = schema.api_keys
        is_it = (table.c.site == self._site.key) & (table.c.key == name)
        with self._storage.writing() as connection:
            if not connection.execute(delete(table).where(is_it)).rowcount:
                raise UnknownNameError(_NO_KEY)
            self._changed(connection, Action.KEY_REMOVED, name, author)

    def _changed(self, connection: Connection, action: Action, name: str, author: str) -> None:
        note(connection, self._site, action, author=author, subject=name, now_ms=self._clock())
        self._load(connection)

    def _load(self, connection: Connection) -> None:
        self._keys = {
            (row.site, row.key): StoredKey(
                site=row.site,
                name=row.key,
                role=Role(row.role),
                created_ms=row.created_ms,
                expires_ms=row.expires_ms,
                secret_hash=row.secret_hash,
            )
            for row in connection.execute(select(schema.api_keys))
        }


def _named(role: Role, secret: str) -> tuple[str, str]:
    """Return the name and the secret of a new key, from what nobody can guess."""
    return f"{role}_{secret[:8]}", secret[8:]


def _parts(key: str) -> tuple[str, str]:
    """Return the name and the secret that a key is made of."""
    name, _, secret = key.removeprefix("byleave_").rpartition("_")
    return name, secret


def _hash(secret: str) -> str:
    # The secret is 28 random bytes: nothing to guess, so nothing to slow down.
    return sha256(secret.encode()).hexdigest()
