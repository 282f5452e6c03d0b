"""The books: enrolments, outcomes and sums in the store, brought up to date with the log."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, update

from byleave.experiments import HOLDOUT
from byleave.server import schema
from byleave.server.batches import count_rows, drop_rows, find_rows, put_rows
from byleave.server.events import Exposure, Happening, Reward, WireEvent, event_of
from byleave.server.learning import (
    Change,
    Enrolment,
    Measurement,
    Outcome,
    Outcomes,
    earliest,
    holdout_stratum,
    outcomes,
)
from byleave.server.rows import last_draw_ms, weights_of
from byleave.server.sealing import sealed

#: A unit and a run.
Key = tuple[str, str]


def learn(
    connection: Connection, site: str, events: Sequence[WireEvent], measurement: Measurement
) -> None:
    """Work out anew what new events touch, and change the sums by what differs.

    The events are in the log already. Whoever is counted in a sealed stratum stays there as
    they are.
    """
    exposed = read_exposed(connection, site, events, measurement)
    happened: defaultdict[str, set[str]] = defaultdict(set)
    for event in events:
        name = event.log_name
        if name is not None and name in measurement.every_name:
            happened[event.visitor].add(name)
    known = read_enrolments(connection, site, {*happened, *(unit for unit, _ in exposed)})
    closed = sealed(connection, site, {enrolment.stratum for enrolment in known.values()})
    before = {key: each for key, each in known.items() if each.stratum not in closed}
    exposed = {key: each for key, each in exposed.items() if key in before or key not in known}
    after = before | {key: earliest(before.get(key), exposed[key]) for key in exposed}
    moved = {key: enrolment for key, enrolment in after.items() if enrolment != before.get(key)}
    touched = moved | {
        key: enrolment
        for key, enrolment in after.items()
        if not happened[enrolment.unit].isdisjoint(measurement.names[enrolment.run])
    }
    units = {unit for unit, _ in touched}
    deeds = read_deeds(connection, site, units, measurement.every_name)
    found = read_outcomes(connection, site, units)
    change = Change()
    rows: list[tuple[Any, ...]] = []
    # Most units are new and did nothing yet; they differ in little that is counted.
    alike: Counter[tuple[str, str, str, tuple[str, ...]]] = Counter()
    for key, enrolment in touched.items():
        if enrolment.unit not in deeds and key not in before and not enrolment.is_conflict:
            alike[enrolment.run, enrolment.stratum, enrolment.arm, enrolment.segments] += 1
            continue
        goals = measurement.runs[enrolment.run]
        reached = outcomes(goals, deeds[enrolment.unit], assigned_ms=enrolment.assigned_ms)
        if key in before:
            change.add(before[key], goals.items(), found[key], times=-1)
        change.add(enrolment, goals.items(), reached)
        rows += outcome_rows(site, key, before=found[key], after=reached)
    for (run, stratum, arm, segments), times in alike.items():
        change.add_new(run, stratum, arm, segments, measurement.runs[run], times=times)
    put_rows(connection, schema.enrolments, [enrolment_row(site, e) for e in moved.values()])
    put_rows(connection, schema.outcomes, rows)
    write_change(connection, site, change)


def settle(connection: Connection, site: str, unit: str, measurement: Measurement) -> None:
    """Note in the ledger what a unit has contributed to the sums; its rows may then go."""
    contributed = Change()
    reached = read_outcomes(connection, site, {unit})
    for key, enrolment in read_enrolments(connection, site, {unit}).items():
        contributed.add(enrolment, measurement.runs[enrolment.run].items(), reached[key])
    rows = [(site, *place, *sums) for place, sums in contributed.sums.items()]
    count_rows(connection, schema.ledger, rows)
    delays = [(site, *place, units) for place, units in contributed.delays.items()]
    count_rows(connection, schema.delay_ledger, delays)


def combine(
    connection: Connection, site: str, unit: str, other: str, measurement: Measurement
) -> None:
    """Count two units as one: of each run, the earlier enrolment is theirs.

    The log names only `unit` already. What the sums come to is what they would be if there had
    never been another id. What is sealed cannot be taken back; who is counted there stays so,
    and is counted nowhere else.
    """
    units = {unit, other}
    enrolled = read_enrolments(connection, site, units)
    known = read_outcomes(connection, site, units)
    deeds = read_deeds(connection, site, {unit}, measurement.every_name)
    closed = sealed(connection, site, {enrolment.stratum for enrolment in enrolled.values()})
    change = Change()
    combined: dict[str, Enrolment] = {}
    kept: dict[str, Enrolment] = {}
    for key, enrolment in enrolled.items():
        theirs = msgspec.structs.replace(enrolment, unit=unit)
        if enrolment.stratum in closed:
            first = kept.setdefault(enrolment.run, enrolment)
            kept[enrolment.run] = min(first, enrolment, key=lambda each: each.assigned_ms)
        else:
            change.add(enrolment, measurement.runs[enrolment.run].items(), known[key], times=-1)
            combined[enrolment.run] = earliest(combined.get(enrolment.run), theirs)
    rows: list[tuple[Any, ...]] = []
    for run, enrolment in kept.items():
        combined[run] = msgspec.structs.replace(enrolment, unit=unit)
        reached = known[enrolment.unit, run]
        rows += outcome_rows(site, (unit, run), before=dict(known[unit, run]), after=dict(reached))
    for run, enrolment in combined.items():
        if run not in kept:
            goals = measurement.runs[run]
            reached = outcomes(goals, deeds[unit], assigned_ms=enrolment.assigned_ms)
            change.add(enrolment, goals.items(), reached)
            rows += outcome_rows(site, (unit, run), before=known[unit, run], after=reached)
    for table in (schema.enrolments, schema.outcomes):
        drop_rows(connection, table, site=site, column="unit", value=other)
    put_rows(connection, schema.enrolments, [enrolment_row(site, e) for e in combined.values()])
    put_rows(connection, schema.outcomes, rows)
    write_change(connection, site, change)


def read_enrolments(
    connection: Connection, site: str, units: Collection[str]
) -> dict[Key, Enrolment]:
    """Return every enrolment of some units."""
    return {
        (row.unit, row.run): Enrolment(
            unit=row.unit,
            run=row.run,
            stratum=row.stratum,
            arm=row.arm,
            assigned_ms=row.assigned_ms,
            event=row.event,
            segments=tuple(msgspec.json.decode(row.segments)),
            is_conflict=row.is_conflict,
        )
        for row in find_rows(connection, schema.enrolments, site=site, unit=units)
    }


def read_outcomes(
    connection: Connection, site: str, units: Collection[str]
) -> defaultdict[Key, dict[str, Outcome]]:
    """Return every outcome of some units, by the goal's key."""
    found: defaultdict[Key, dict[str, Outcome]] = defaultdict(dict)
    for row in find_rows(connection, schema.outcomes, site=site, unit=units):
        if row.delay_ms is not None:
            found[row.unit, row.run][row.goal] = Outcome(row.value, row.delay_ms)
    return found


def read_exposed(
    connection: Connection, site: str, events: Iterable[WireEvent], measurement: Measurement
) -> dict[Key, Enrolment]:
    """Return the earliest exposure of each unit and run that counts.

    One counts when its run is measured here, and its arm was drawn from an allocation row of
    the run, in time, that is not sealed; all others are in the log only.
    """
    exposures = [e for e in events if isinstance(e, Exposure) and e.run in measurement.runs]
    wanted = {e.allocation for e in exposures if e.allocation is not None}
    rows = {
        row.allocation: (row.run, last_draw_ms(row), weights_of(row))
        for row in find_rows(connection, schema.allocations, site=site, allocation=wanted)
    }
    strata = {e.id: _stratum(e, rows) for e in exposures}
    closed = sealed(connection, site, {each for each in strata.values() if each is not None})
    found: dict[Key, Enrolment] = {}
    for exposure in exposures:
        stratum = strata[exposure.id]
        if stratum is not None and stratum not in closed:
            key = (exposure.visitor, exposure.run)
            enrolment = Enrolment(
                unit=exposure.visitor,
                run=exposure.run,
                stratum=stratum,
                arm=exposure.arm,
                assigned_ms=exposure.assigned_ms,
                event=exposure.id,
                segments=exposure.segments,
            )
            found[key] = earliest(found.get(key), enrolment)
    return found


def _stratum(
    exposure: Exposure, rows: Mapping[str, tuple[str, int, Mapping[str, float]]]
) -> str | None:
    """Return the stratum of an exposure; None when it does not count."""
    if exposure.allocation is None:
        is_held_out = exposure.arm == HOLDOUT
        return holdout_stratum(exposure.run, exposure.assigned_ms) if is_held_out else None
    run, until_ms, weights = rows.get(exposure.allocation, ("", 0, {}))
    if run != exposure.run or exposure.assigned_ms > until_ms:
        return None
    return exposure.allocation if weights.get(exposure.arm, 0.0) > 0 else None


def read_deeds(
    connection: Connection, site: str, units: Collection[str], names: Collection[str]
) -> defaultdict[str, dict[str, list[Happening | Reward]]]:
    """Return what units did that may concern a goal, by unit and by the log's name for it."""
    deeds: defaultdict[str, dict[str, list[Happening | Reward]]] = defaultdict(dict)
    for row in find_rows(connection, schema.events, site=site, visitor=units, name=names):
        event = event_of(row.body)
        if not isinstance(event, Exposure):
            deeds[row.visitor].setdefault(row.name, []).append(event)
    return deeds


def enrolment_row(site: str, enrolment: Enrolment) -> tuple[Any, ...]:
    """Return the row of an enrolment."""
    return (
        site,
        enrolment.unit,
        enrolment.run,
        enrolment.stratum,
        enrolment.arm,
        enrolment.assigned_ms,
        enrolment.event,
        _text_of(enrolment.segments),
        enrolment.is_conflict,
    )


@lru_cache(maxsize=1_000)
def _text_of(segments: tuple[str, ...]) -> str:
    return msgspec.json.encode(segments).decode()


def outcome_rows(
    site: str, key: Key, *, before: Outcomes, after: Outcomes
) -> Iterable[tuple[Any, ...]]:
    """Yield the rows that differ once a unit's outcomes are others than before."""
    for goal, found in after.items():
        if found != before.get(goal):
            yield (site, *key, goal, found.value, found.delay_ms)
    for goal in before:
        if goal not in after:
            yield (site, *key, goal, 0.0, None)


def write_change(connection: Connection, site: str, change: Change) -> None:
    """Change the sums by what some units come to."""
    sums = [(site, *place, *sums) for place, sums in change.sums.items() if any(sums)]
    count_rows(connection, schema.stratum_stats, sums)
    delays = [(site, *place, units) for place, units in change.delays.items() if units]
    count_rows(connection, schema.delay_stats, delays)
    runs = schema.runs.c
    for run, units in change.conflicts.items():
        if units:
            connection.execute(
                update(schema.runs)
                .where(runs.site == site, runs.run == run)
                .values(conflicts=runs.conflicts + units)
            )
