"""What a service does with what is kept of visitors: record, show, join, observe, forget."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from threading import Event
from typing import Any

from sqlalchemy import Connection

from byleave.server import counters, schema, visitors
from byleave.server.aliases import known_as
from byleave.server.attributes import Observation, Observed, Value, observe, read_attributes
from byleave.server.batches import site_rows
from byleave.server.consents import StatedChoice
from byleave.server.learning import Measurement
from byleave.server.publishing import Published
from byleave.server.purging import AT_ONCE, Purged, purge
from byleave.server.recalling import Recalled, recall
from byleave.server.retaining import Retained, Retention
from byleave.server.runs import goals_of, measured
from byleave.server.sites import Site
from byleave.server.storage import Storage
from byleave.server.telling import tell_no_more, tell_of_visitors
from byleave.server.visitors import Cause


class VisitorCare(ABC):
    """The part of a service that is about single visitors.

    Attributes:
        storage: The store.
        site: The site.
        clock: Returns the time in milliseconds since the Unix epoch.
        is_ending: Set when long work is to leave the rest for another time.
    """

    storage: Storage
    site: Site
    clock: Callable[[], int]
    is_ending: Event

    @property
    @abstractmethod
    def published(self) -> Published:
        """The publication in force."""

    @abstractmethod
    def _measured(self, connection: Connection) -> Measurement:
        """Return what every run measures, also those that another process has begun."""

    def record_consent(self, visitor: str, stated: StatedChoice) -> bool:
        """Record a choice; return whether the visitor is erased, by it or before."""
        with self.storage.writing() as connection:
            now_ms = self.clock()
            is_erased = visitors.record_consent(
                connection,
                self.site,
                visitor,
                stated,
                measurement=self._measured(connection),
                now_ms=now_ms,
            )
            if not is_erased:
                tell_no_more(connection, self.site, visitor)
                tell_of_visitors(connection, self.site, {visitor}, now_ms=now_ms)
            return is_erased

    def export(self, visitor: str) -> dict[str, Any]:
        """Return all that is kept of a visitor, as plain data."""
        with self.storage.reading() as connection:
            return visitors.export(connection, self.site, visitor)

    def attributes(self, visitor: str) -> dict[str, Value]:
        """Return what other systems know of a visitor now: values by attribute.

        Raises:
            NothingPublishedError: There are no definitions that declare attributes.
        """
        declared = self.published.snapshot.definitions.attributes
        with self.storage.reading() as connection:
            name = known_as(connection, self.site.key, {visitor}).get(visitor, visitor)
            found = read_attributes(
                connection, self.site, [name], declared, now_ms=self.clock()
            ).get(name, {})
        return {name: value for name, (value, _) in found.items() if value is not None}

    def recall(self, visitor: str) -> Recalled:
        """Return what is known of a visitor that deciding may look at.

        Raises:
            NothingPublishedError: There is nothing to decide by.
        """
        decider = self.published.decider
        with self.storage.reading() as connection:
            return recall(connection, self.site, visitor, decider, now_ms=self.clock())

    def erase(self, visitor: str) -> None:
        """Forget a visitor and refuse their id from now on."""
        with self.storage.writing() as connection:
            visitors.erase(
                connection,
                self.site,
                visitor,
                cause=Cause.REQUESTED,
                measurement=self._measured(connection),
                now_ms=self.clock(),
            )

    def purge(self, made_up: Collection[str], *, author: str) -> Purged:
        """Take visitors or page views who were made up out of the log and the books."""
        ids, purged = sorted(set(made_up)), Purged()
        for start in range(0, len(ids), AT_ONCE):
            with self.storage.writing() as connection:
                purged += purge(
                    connection,
                    self.site,
                    ids[start : start + AT_ONCE],
                    measurement=self._measured(connection),
                    author=author,
                    now_ms=self.clock(),
                )
        return purged

    def merge(self, visitor: str, other: str) -> str:
        """Keep two visitors as one person from now on; return the id that they are kept under.

        Raises:
            ErasedError: One of them was erased.
        """
        with self.storage.writing() as connection:
            now_ms = self.clock()
            kept = visitors.merge(
                connection,
                self.site,
                visitor,
                other,
                measurement=self._measured(connection),
                now_ms=now_ms,
            )
            tell_of_visitors(connection, self.site, {kept}, now_ms=now_ms)
            return kept

    def observe(self, observations: Iterable[Observation]) -> Observed:
        """Keep what another system knows of visitors, each value where no later one is known.

        Raises:
            NothingPublishedError: There are no definitions that declare attributes.
        """
        told, now_ms = list(observations), self.clock()
        declared = self.published.snapshot.definitions.attributes
        with self.storage.writing() as connection:
            observed = observe(connection, self.site, told, declared=declared, now_ms=now_ms)
            taken = {each.visitor for n, each in enumerate(told) if n not in observed.refused}
            tell_of_visitors(connection, self.site, taken, now_ms=now_ms)
        return observed

    def retain(self) -> Retained:
        """Delete what has been kept for as long as its definition allows.

        Raises:
            NothingPublishedError: There are no definitions that say how long.
        """
        now_ms = self.clock()
        with self.storage.writing() as connection:
            measurement = self._measured(connection)
            counters.forget_reports(connection, self.site, now_ms=now_ms)
            runs = site_rows(connection, schema.runs, site=self.site.key)
        published = self.published
        retention = Retention(
            published.snapshot.definitions,
            measurement,
            is_whole=published.is_whole,
            of_views=[
                run.run for run in runs if goals_of(run) and measured(run).experiment.unit == "view"
            ],
            now_ms=now_ms,
        )
        return retention.apply(self.storage, self.site, is_over=self.is_ending)
