"""Retention: what has been kept for as long as its definition allows goes.

Events and attributes go by their ttl. An event that a goal counts stays at least until the
last row of weights that it may count for is sealed: until then a recount needs it. Exposures
and rewards, which nobody declares, stay for thirteen months and for their goals' windows.

Who was enrolled, and what they reached, goes after thirteen months where it is sealed and nobody
can come again: in experiments on page views, and in runs that have been over for as long. While
a run goes on it says that a visitor was counted already.

Of an event that is younger than repeated ones may be, the id stays, without visitor, name and
body, so that it still has the effect of once.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from threading import Event
from typing import Final

from sqlalchemy import (
    Column,
    Delete,
    Update,
    and_,
    delete,
    exists,
    false,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from byleave.experiments import Definitions
from byleave.experiments.allocation import GRACE_MS, LONGEST_ROW_MS
from byleave.segments import Source
from byleave.segments.vocabulary import THIRTEEN_MONTHS
from byleave.server import schema
from byleave.server.attributes import kept_since
from byleave.server.events import AHEAD_MS, OLDEST_MS, reward_name
from byleave.server.learning import Measurement, longest_window_ms
from byleave.server.outbox import drop_given_up
from byleave.server.sites import Site
from byleave.server.storage import Storage

#: Rows that one transaction looks at: a few milliseconds during which events wait.
_AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """How much went: events, those of which only the id stays for now, attributes, enrolments."""

    events: int
    emptied: int
    attributes: int
    enrolments: int = 0


class Retention:
    """How long everything may be kept, and the job that sees to it.

    Attributes:
        lasts_ms: How long an event of each name is kept, by the log's name for it.
    """

    def __init__(
        self,
        definitions: Definitions,
        measurement: Measurement,
        *,
        is_whole: bool,
        of_views: Collection[str] = (),
        now_ms: int,
    ) -> None:
        """Work out what goes now.

        Args:
            definitions: Those in force.
            measurement: What every run measures, those that are over included.
            is_whole: Whether these are all; if some were set aside, what they declare stays.
            of_views: The runs whose units are page views.
            now_ms: The time.
        """
        self._attributes = definitions.attributes
        self._is_whole = is_whole
        self._of_views = of_views
        self._now_ms = now_ms
        needed = Counter[str]()
        for goals in measurement.runs.values():
            sealed_ms = longest_window_ms(goals.values()) + LONGEST_ROW_MS + GRACE_MS
            for key, goal in goals.items():
                for name in (goal.event, reward_name(key)):
                    needed[name] = max(needed[name], sealed_ms)
        declared = {
            name: THIRTEEN_MONTHS if event.ttl is None else event.ttl
            for name, event in definitions.events.items()
        }
        # A recount needs to know who was enrolled, too.
        self._exposures_last_ms = max(THIRTEEN_MONTHS, *needed.values(), 0)
        self.lasts_ms: Mapping[str, int] = {
            name: max(needed[name], declared.get(name, 0)) for name in {**declared, **needed}
        }

    def apply(self, storage: Storage, site: Site, *, is_over: Event) -> Retained:
        """Delete what has been kept for long enough, a little at a time.

        Args:
            storage: The store.
            site: The site.
            is_over: When set, the rest is left for another time.
        """
        events = emptied = attributes = enrolments = 0
        for piece in _pieces(storage, site, schema.events.c.id, is_over):
            with storage.writing() as connection:
                events += connection.execute(self._deletion(piece)).rowcount
                emptied += connection.execute(self._emptying(piece)).rowcount
        for piece in _pieces(storage, site, schema.server_attributes.c.visitor, is_over):
            with storage.writing() as connection:
                attributes += connection.execute(self._forgetting(piece)).rowcount
        for piece in _pieces(storage, site, schema.enrolments.c.unit, is_over):
            with storage.writing() as connection:
                enrolments += connection.execute(self._leaving(piece)).rowcount
        for piece in _pieces(storage, site, schema.outcomes.c.unit, is_over):
            with storage.writing() as connection:
                connection.execute(_left_behind(piece))
        with storage.writing() as connection:
            drop_given_up(connection, site, now_ms=self._now_ms)
        return Retained(
            events=events, emptied=emptied, attributes=attributes, enrolments=enrolments
        )

    def _deletion(self, piece: ColumnElement[bool]) -> Delete:
        # Nobody can send an event again that was received before, and may be that old.
        is_settled = schema.events.c.received_ms < self._now_ms - OLDEST_MS - AHEAD_MS
        return delete(schema.events).where(piece, is_settled, self._is_over)

    def _emptying(self, piece: ColumnElement[bool]) -> Update:
        is_whole = schema.events.c.body != ""
        return (
            update(schema.events)
            .where(piece, is_whole, self._is_over)
            .values(visitor="", name=None, body="")
        )

    @property
    def _is_over(self) -> ColumnElement[bool]:
        events = schema.events.c
        declared = [
            and_(events.name == name, events.at_ms < self._now_ms - lasts_ms)
            for name, lasts_ms in self.lasts_ms.items()
        ]
        others = [
            and_(which, events.at_ms < self._now_ms - lasts_ms)
            for which, lasts_ms in (
                (events.name.is_(None), self._exposures_last_ms),
                (events.name.not_in([*self.lasts_ms]), THIRTEEN_MONTHS),
            )
        ]
        return or_(events.body == "", *others, *declared)

    def _forgetting(self, piece: ColumnElement[bool]) -> Delete:
        table = schema.server_attributes.c
        declared = {
            name: each for name, each in self._attributes.items() if each.source is Source.SERVER
        }
        kept = [
            and_(table.attribute == name, table.observed_ms > kept_since(each, self._now_ms))
            for name, each in declared.items()
        ]
        if not self._is_whole:
            kept.append(table.attribute.not_in([*declared]))
        return delete(schema.server_attributes).where(piece, not_(or_(false(), *kept)))

    def _leaving(self, piece: ColumnElement[bool]) -> Delete:
        enrolments, runs, seals = schema.enrolments.c, schema.runs.c, schema.seals.c
        before_ms = self._now_ms - self._exposures_last_ms
        is_sealed = exists().where(
            seals.site == enrolments.site, seals.stratum == enrolments.stratum
        )
        is_over = exists().where(
            runs.site == enrolments.site, runs.run == enrolments.run, runs.ended_ms < before_ms
        )
        nobody_returns = or_(enrolments.run.in_([*self._of_views]), is_over)
        return delete(schema.enrolments).where(
            piece, enrolments.assigned_ms < before_ms, is_sealed, nobody_returns
        )


def _left_behind(piece: ColumnElement[bool]) -> Delete:
    """Return what deletes the outcomes of enrolments that are gone."""
    outcomes, enrolments = schema.outcomes.c, schema.enrolments.c
    has_one = exists().where(
        enrolments.site == outcomes.site,
        enrolments.unit == outcomes.unit,
        enrolments.run == outcomes.run,
    )
    return delete(schema.outcomes).where(piece, ~has_one)


def _pieces(
    storage: Storage, site: Site, column: Column[str], is_over: Event
) -> Iterator[ColumnElement[bool]]:
    """Yield what divides a site's rows of a table into pieces, by a column of its key."""
    after: str | None = ""
    while after is not None and not is_over.is_set():
        rest = and_(column.table.c.site == site.key, column > after)
        with storage.reading() as connection:
            until = connection.execute(
                select(column).where(rest).order_by(column).offset(_AT_ONCE - 1).limit(1)
            ).scalar_one_or_none()
        yield rest if until is None else and_(rest, column <= until)
        after = until
