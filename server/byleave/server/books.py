"""The care of the books: sealing what is over, and proving what is not."""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, select

from byleave.server import schema
from byleave.server.learning import Measurement
from byleave.server.rebuilding import Rebuilt, rebuild
from byleave.server.runs import goals_of
from byleave.server.sealing import due_seals, seal
from byleave.server.sites import Site
from byleave.server.storage import Storage

#: Strata that one transaction seals: a few milliseconds during which events wait.
_AT_ONCE: Final = 100


class Books:
    """What one site has learned, as a whole."""

    def __init__(self, storage: Storage, site: Site, *, clock: Callable[[], int]) -> None:
        """Take care of the books of a site in a store."""
        self._storage = storage
        self._site = site
        self._clock = clock

    def seal(self) -> int:
        """Seal the strata that no event may change any more; return how many there were."""
        now_ms = self._clock()
        with self._storage.reading() as connection:
            due = due_seals(connection, self._site, self._measurement(connection), now_ms=now_ms)
        for start in range(0, len(due), _AT_ONCE):
            with self._storage.writing() as connection:
                seal(connection, self._site, due[start : start + _AT_ONCE], now_ms=now_ms)
        return len(due)

    def rebuild(self, *, is_repairing: bool = False) -> Rebuilt:
        """Work the books out again from the log, and say where those that are kept differ.

        Args:
            is_repairing: Whether to keep what the recount came to. Events wait meanwhile.
        """
        storage = self._storage
        with storage.writing() if is_repairing else storage.reading() as connection:
            measurement = self._measurement(connection)
            return rebuild(connection, self._site, measurement, is_repairing=is_repairing)

    def _measurement(self, connection: Connection) -> Measurement:
        of_site = schema.runs.c.site == self._site.key
        runs = connection.execute(select(schema.runs).where(of_site))
        return Measurement({run.run: goals_of(run) for run in runs})
