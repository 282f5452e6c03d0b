"""What sites count of nobody in particular, added up by day.

Which pages may be measured, and for what, says how much of a site a result is about. No
visitor stands behind a count, and none can be found from it.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, func, select

from byleave.segments import Purpose
from byleave.server import schema
from byleave.server.batches import add_new_row, count_rows
from byleave.server.sites import Site

_DAY_MS: Final = 86_400_000

#: The pages that were seen, by the purposes that they might use data for.
_PAGE: Final = "page: "

#: How long a report that came before is known again.
REMEMBERED_MS: Final = 30 * _DAY_MS


@dataclass(frozen=True, slots=True)
class Pages:
    """Page views, by the purposes that their data might be used for."""

    views: Mapping[frozenset[Purpose], int]

    @property
    def total(self) -> int:
        """How many there were."""
        return sum(self.views.values())

    def share(self, purposes: Collection[Purpose]) -> float | None:
        """Return the share in [0, 1] that allowed all of some purposes; None without any page."""
        allowed = sum(
            count for granted, count in self.views.items() if granted.issuperset(purposes)
        )
        return allowed / self.total if self.total else None


def add_counts(
    connection: Connection,
    site: Site,
    report: str,
    counts: Mapping[str, int],
    *,
    at_ms: int,
    now_ms: int,
) -> bool:
    """Add a report to its day; return whether it is new.

    Args:
        connection: A transaction that writes.
        site: The site.
        report: The report's id; one that came before adds nothing.
        counts: How often each thing happened.
        at_ms: When it was made; never later than now.
        now_ms: The time.
    """
    if not add_new_row(connection, schema.counter_reports, [site.key, report, now_ms]):
        return False
    day = min(at_ms, now_ms) // _DAY_MS
    count_rows(
        connection, schema.counters, [[site.key, day, name, n] for name, n in counts.items()]
    )
    return True


def forget_reports(connection: Connection, site: Site, *, now_ms: int) -> None:
    """Forget which reports came, once none of them is sent again any more."""
    reports = schema.counter_reports.c
    connection.execute(
        delete(schema.counter_reports).where(
            reports.site == site.key, reports.received_ms < now_ms - REMEMBERED_MS
        )
    )


def totals(
    connection: Connection, site: Site, *, since_ms: int, until_ms: int | None = None
) -> Counter[str]:
    """Return how often each thing was counted from one day to another, both included, UTC."""
    counters = schema.counters.c
    statement = (
        select(counters.name, func.sum(counters.times))
        .where(counters.site == site.key, counters.day >= since_ms // _DAY_MS)
        .group_by(counters.name)
    )
    if until_ms is not None:
        statement = statement.where(counters.day <= until_ms // _DAY_MS)
    return Counter({name: int(count) for name, count in connection.execute(statement)})


def pages(counts: Mapping[str, int]) -> Pages:
    """Return the page views among some counts."""
    views: Counter[frozenset[Purpose]] = Counter()
    for name, count in counts.items():
        if name.startswith(_PAGE):
            granted = name.removeprefix(_PAGE).split()
            views[frozenset(purpose for purpose in Purpose if purpose in granted)] += count
    return Pages(views)
