"""Leases: of several processes one works out new weights, and the others are spared the work.

Nothing is right only because of a lease. Two holders, as clocks that differ may make them, come
to the same, because what is published is compared and set; it is only worked out twice.
"""

import secrets
from collections.abc import Callable

from sqlalchemy import select

from byleave.server import schema
from byleave.server.batches import put_rows
from byleave.server.sites import Site
from byleave.server.storage import Storage


class Leases:
    """What one process may do for a site instead of all others."""

    def __init__(self, storage: Storage, site: Site, *, clock: Callable[[], int]) -> None:
        """Take part under a name that no other process has."""
        self._storage = storage
        self._site = site
        self._clock = clock
        self._holder = secrets.token_hex(8)

    def hold(self, job: str, *, lasts_ms: int) -> bool:
        """Take or keep a lease; return whether the job is this process's for so long."""
        if not self._storage.is_shared:
            return True
        table, now_ms = schema.leases, self._clock()
        held = select(table).where(table.c.site == self._site.key, table.c.job == job)
        with self._storage.writing() as connection:
            row = connection.execute(held).one_or_none()
            others_until_ms = 0 if row is None or row.holder == self._holder else row.until_ms
            # One that would last for longer was taken by a clock that was far ahead.
            if now_ms < others_until_ms <= now_ms + 2 * lasts_ms:
                return False
            lease = (self._site.key, job, self._holder, now_ms + lasts_ms)
            put_rows(connection, table, [lease])
        return True
