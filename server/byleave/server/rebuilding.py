"""The books worked out again from the log and the ledger, and held against those that are kept.

Strata that are not sealed are recounted unit by unit. Of sealed ones the events may be gone
already: their sums must still have the checksum that they were sealed with.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from math import isclose
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, select

from byleave.experiments.replay import Difference
from byleave.server import schema
from byleave.server.batches import find_rows, next_texts, put_rows, site_rows
from byleave.server.bookkeeping import (
    enrolment_row,
    outcome_rows,
    read_deeds,
    read_enrolments,
    read_exposed,
    read_outcomes,
)
from byleave.server.events import event_of
from byleave.server.learning import Change, Measurement, outcomes
from byleave.server.sealing import Stratum, checksum
from byleave.server.sites import Site

#: Visitors that are recounted at once.
_AT_ONCE: Final = 1_000
#: Sums that are corrected again and again gather rounding errors; a wrong count is far larger.
_TOLERANCE: Final = 1e-6

_Place = tuple[Any, ...]
_Figures = Mapping[_Place, tuple[float, ...]]


@dataclass(slots=True, kw_only=True)
class Rebuilt:
    """What a recount came to.

    Attributes:
        units: Units that are enrolled in strata which are not sealed.
        open_strata: Strata that were recounted.
        sealed_strata: Strata whose checksum was looked at.
        differences: Where what is kept does not follow from the log; names no visitor.
    """

    units: int = 0
    open_strata: int = 0
    sealed_strata: int = 0
    differences: list[Difference] = field(default_factory=list)


def rebuild(
    connection: Connection, site: Site, measurement: Measurement, *, is_repairing: bool
) -> Rebuilt:
    """Recount what is not sealed, and check what is.

    Args:
        connection: The store, at one moment; one that writes where it is to be repaired.
        site: The site.
        measurement: What every run measures, those that are over included.
        is_repairing: Whether what is not sealed is replaced by what the recount came to.
    """
    rebuilt = Rebuilt()
    seals = _check_seals(connection, site, rebuilt)
    change = Change()
    for units in _visitors(connection, site):
        _recount(connection, site, units, measurement, seals, change, rebuilt, is_repairing)
    sums = _added(change.sums, _read(connection, site, schema.ledger, 5, seals))
    delays = _added(
        {place: (units,) for place, units in change.delays.items()},
        _read(connection, site, schema.delay_ledger, 4, seals),
    )
    for table, width, wanted in (
        (schema.stratum_stats, 5, sums),
        (schema.delay_stats, 4, delays),
    ):
        kept = _read(connection, site, table, width, seals)
        _compare(table, kept, wanted, rebuilt)
        if is_repairing:
            nothing = dict.fromkeys(kept, (0.0,) * (len(table.c) - 1 - width))
            rows = [(site.key, *place, *figures) for place, figures in (nothing | wanted).items()]
            put_rows(connection, table, rows)
    rebuilt.open_strata = len({place[1] for place in sums})
    return rebuilt


def _check_seals(connection: Connection, site: Site, rebuilt: Rebuilt) -> set[str]:
    rows = site_rows(connection, schema.seals, site=site.key)
    for row in rows:
        if checksum(connection, site, Stratum(row.run, row.stratum)) != row.checksum:
            rebuilt.differences.append(
                Difference(row.stratum, "its sums are not those that it was sealed with")
            )
    rebuilt.sealed_strata = len(rows)
    return {row.stratum for row in rows}


def _visitors(connection: Connection, site: Site) -> Iterator[set[str]]:
    """Yield everybody whom the log or an enrolment names, some at a time."""
    columns = (schema.events.c.visitor, schema.enrolments.c.unit)
    after = ""
    while units := next_texts(connection, columns, site=site.key, after=after, most=_AT_ONCE):
        yield set(units)
        after = units[-1]


def _recount(
    connection: Connection,
    site: Site,
    units: Collection[str],
    measurement: Measurement,
    seals: Collection[str],
    change: Change,
    rebuilt: Rebuilt,
    is_repairing: bool,
) -> None:
    """Add what some units come to, and compare their enrolments and outcomes."""
    rows = find_rows(connection, schema.events, site=site.key, visitor=units)
    shown = [event_of(row.body) for row in rows if row.name is None and row.body]
    kept = read_enrolments(connection, site.key, units)
    settled = {key for key, enrolment in kept.items() if enrolment.stratum in seals}
    exposed = read_exposed(connection, site.key, shown, measurement)
    wanted = {key: each for key, each in exposed.items() if key not in settled}
    deeds = read_deeds(connection, site.key, {unit for unit, _ in wanted}, measurement.every_name)
    found = read_outcomes(connection, site.key, units)
    enrolments, reached_rows = [], []
    wrong: Counter[tuple[str, str]] = Counter()
    invented = kept.keys() - settled - wanted.keys()
    for _, run in invented:
        wrong[run, "enrolled, and never shown it"] += 1
    for key, enrolment in wanted.items():
        goals = measurement.runs[enrolment.run]
        reached = outcomes(goals, deeds[enrolment.unit], assigned_ms=enrolment.assigned_ms)
        change.add(enrolment, goals.items(), reached)
        if kept.get(key) != enrolment:
            wrong[enrolment.run, "enrolled in another way than the log says"] += 1
            enrolments.append(enrolment_row(site.key, enrolment))
        if differing := list(outcome_rows(site.key, key, before=found[key], after=reached)):
            wrong[enrolment.run, "credited with other outcomes than the log says"] += 1
            reached_rows += differing
    rebuilt.units += len(wanted)
    rebuilt.differences += (
        Difference(run, f"{times} units are {words}") for (run, words), times in wrong.items()
    )
    if is_repairing:
        for unit, run in invented:
            for table in (schema.enrolments, schema.outcomes):
                is_it = (table.c.site == site.key) & (table.c.unit == unit) & (table.c.run == run)
                connection.execute(delete(table).where(is_it))
        put_rows(connection, schema.enrolments, enrolments)
        put_rows(connection, schema.outcomes, reached_rows)


def _read(
    connection: Connection, site: Site, table: Table, width: int, seals: Collection[str]
) -> dict[_Place, tuple[float, ...]]:
    """Return the figures of a table by their places of some columns, sealed strata left out."""
    found = connection.execute(select(table).where(table.c.site == site.key))
    return {
        tuple(row[1 : width + 1]): tuple(row[width + 1 :]) for row in found if row[2] not in seals
    }


def _added(
    figures: Mapping[_Place, Iterable[float]], others: _Figures
) -> dict[_Place, tuple[float, ...]]:
    sums = {place: tuple(values) for place, values in figures.items()}
    for place, values in others.items():
        known = sums.get(place, (0.0,) * len(values))
        sums[place] = tuple(a + b for a, b in zip(known, values, strict=True))
    return sums


def _compare(table: Table, kept: _Figures, wanted: _Figures, rebuilt: Rebuilt) -> None:
    wrong: Counter[str] = Counter()
    for place in {*kept, *wanted}:
        # What is kept nowhere is 0: rows of zeros are as good as none.
        pairs = zip_longest(kept.get(place, ()), wanted.get(place, ()), fillvalue=0.0)
        if not all(isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE) for a, b in pairs):
            wrong[place[1]] += 1
    rebuilt.differences += (
        Difference(stratum, f"{times} figures of {table.name} are not what the log comes to")
        for stratum, times in sorted(wrong.items())
    )
