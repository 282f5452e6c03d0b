"""What the store knows of visitors, read for many of them at once."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, case, func, select, union

from byleave.experiments import Definitions
from byleave.server import schema
from byleave.server.attributes import read_attributes
from byleave.server.batches import find_frequent, find_rows
from byleave.server.consents import newest_choices
from byleave.server.events import Happening, event_of
from byleave.server.membership import Known
from byleave.server.sites import Site
from byleave.server.storage import Storage

#: How many characters at the end of an id say who is drawn.
_END: Final = 6
#: So many are drawn; to judge one takes about a fifth of a millisecond.
MOST_DRAWN: Final = 2_000
#: Of what a visitor did more often than twice this, only the first and the last times are looked
#: at: nobody who sends one event again and again keeps the server busy.
_MOST_ALIKE: Final = 500
_FEW_MS: Final = 60_000
_MANY_MS: Final = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnVisitors:
    """Visitors that were drawn from all whom the store knows something of.

    Attributes:
        visitors: The ids under which they are kept.
        total: How many the store knows.
    """

    visitors: tuple[str, ...]
    total: int

    @property
    def is_whole(self) -> bool:
        """Whether these are all."""
        return len(self.visitors) == self.total


def draw(connection: Connection, site: Site, *, most: int) -> DrawnVisitors:
    """Draw visitors, always the same ones of the same store: which, say the ends of their ids.

    Ids that a site makes itself may begin with a number or a time; their ends vary at any age.
    The database draws, so that a process that also decides is not kept busy by many visitors.
    """
    everybody = union(
        *(
            select(table.c.visitor).where(table.c.site == site.key, table.c.visitor != "")
            for table in (schema.events, schema.server_attributes)
        )
    ).subquery()
    visitor = everybody.c.visitor
    start = func.length(visitor) - _END + 1
    end = func.substr(visitor, case((start > 0, start), else_=1))
    drawn = connection.execute(select(visitor).order_by(end, visitor).limit(most)).scalars().all()
    total = len(drawn)
    if total == most:
        total = connection.execute(select(func.count()).select_from(everybody)).scalar_one()
    return DrawnVisitors(visitors=tuple(drawn), total=total)


class Drawing:
    """Visitors who stand for all: of few those of a minute ago, of many those of ten minutes."""

    def __init__(
        self, storage: Storage, site: Site, *, clock: Callable[[], int], most: int = MOST_DRAWN
    ) -> None:
        """Draw nobody yet; drawing takes the longer the more visitors there are."""
        self._storage = storage
        self._site = site
        self._clock = clock
        self._most = most
        self._drawn: tuple[int, DrawnVisitors] | None = None  # and until when they may be looked at

    def visitors(self) -> DrawnVisitors:
        """Return the visitors, drawn now if those of before are too old."""
        known = self._drawn
        if known is None or self._clock() >= known[0]:
            return self.draw()
        return known[1]

    def draw(self) -> DrawnVisitors:
        """Draw them again, and return them."""
        now_ms = self._clock()
        with self._storage.reading() as connection:
            drawn = draw(connection, self._site, most=self._most)
        # Of many, a few new ones matter less.
        self._drawn = (now_ms + (_FEW_MS if drawn.is_whole else _MANY_MS), drawn)
        return drawn


def read_known(
    connection: Connection, site: Site, visitor: str, definitions: Definitions, *, now_ms: int
) -> Known:
    """Return what is known of a visitor, by the id under which they are kept."""
    return read_all_known(connection, site, [visitor], definitions, now_ms=now_ms)[visitor]


def read_all_known(
    connection: Connection,
    site: Site,
    visitors: Collection[str],
    definitions: Definitions,
    *,
    now_ms: int,
) -> dict[str, Known]:
    """Return what is known of visitors, by the ids under which they are kept.

    It takes five statements, however many visitors there are, unless some did one thing all the
    time.
    """
    happened: defaultdict[str, list[Happening]] = defaultdict(list)
    for row in _deeds(connection, site.key, visitors, set(definitions.events)):
        if isinstance(event := event_of(row.body), Happening):
            happened[row.visitor].append(event)
    attributes = read_attributes(connection, site, visitors, definitions.attributes, now_ms=now_ms)
    ids = {visitor: {visitor} for visitor in visitors}
    for row in find_rows(connection, schema.aliases, site=site.key, visitor=visitors):
        ids[row.visitor].add(row.alias)
    stated = newest_choices(connection, site, ids)
    return {
        visitor: Known(
            happened=sorted(happened[visitor], key=lambda event: (event.at_ms, event.id)),
            attributes=attributes.get(visitor, {}),
            stated=stated.get(visitor),
        )
        for visitor in visitors
    }


def _deeds(
    connection: Connection, site: str, visitors: Collection[str], names: Collection[str]
) -> Iterator[Row[Any]]:
    """Yield the rows of the log that tell what visitors did."""
    often: defaultdict[str, set[str]] = defaultdict(set)
    for row in find_frequent(
        connection, schema.events, site=site, most=2 * _MOST_ALIKE, visitor=visitors, name=names
    ):
        often[row.visitor].add(row.name)
    yield from find_rows(
        connection, schema.events, site=site, visitor={*visitors} - often.keys(), name=names
    )
    for visitor, every_time in often.items():
        yield from find_rows(
            connection, schema.events, site=site, visitor={visitor}, name={*names} - every_time
        )
        for name in every_time:
            yield from _first_and_last(connection, site, visitor, name)


def _first_and_last(
    connection: Connection, site: str, visitor: str, name: str
) -> Iterator[Row[Any]]:
    events = schema.events.c
    statement = select(schema.events).where(
        events.site == site, events.visitor == visitor, events.name == name
    )
    for order in (events.id, events.id.desc()):
        yield from connection.execute(statement.order_by(order).limit(_MOST_ALIKE))
