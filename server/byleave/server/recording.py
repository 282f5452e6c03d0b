"""The transaction that stores events: the log, enrolments, outcomes and sums, all or nothing."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, update

from byleave.experiments import HOLDOUT, Goal
from byleave.server import schema
from byleave.server.batches import add_rows, count_rows, find_rows, put_rows
from byleave.server.events import (
    Exposure,
    Happening,
    Reward,
    WireEvent,
    body_of,
    event_of,
    log_name,
)
from byleave.server.learning import (
    Change,
    Enrolment,
    Outcome,
    Outcomes,
    earliest,
    holdout_stratum,
    outcome,
    signals,
)
from byleave.server.rows import last_draw_ms, weights_of
from byleave.server.sites import Site

Goals = Mapping[str, Mapping[str, Goal]]
"""What each run measures, by the run's id and the goal's name."""


class Verdict(StrEnum):
    """What became of an event; the texts of refusals are told to the sender."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    OTHER_BODY = "another event has this id"
    ERASED = "this visitor was erased"


def record(
    connection: Connection, site: Site, events: Sequence[WireEvent], *, goals: Goals, now_ms: int
) -> list[Verdict]:
    """Store events that are new, learn from them, and return what became of each."""
    hashes = {event.visitor: site.visitor_hash(event.visitor) for event in events}
    erased = {
        row.visitor_hash
        for row in find_rows(
            connection, schema.tombstones, site=site.key, visitor_hash=set(hashes.values())
        )
    }
    ids = {event.id for event in events}
    bodies = {
        row.id: row.body for row in find_rows(connection, schema.events, site=site.key, id=ids)
    }
    verdicts, new = [], []
    for event in events:
        body = body_of(event)
        if hashes[event.visitor] in erased:
            verdicts.append(Verdict.ERASED)
        elif event.id in bodies:
            is_same = bodies[event.id] == body
            verdicts.append(Verdict.DUPLICATE if is_same else Verdict.OTHER_BODY)
        else:
            bodies[event.id] = body
            verdicts.append(Verdict.ACCEPTED)
            new.append(event)
    add_rows(
        connection,
        schema.events,
        [
            (
                site.key,
                event.id,
                event.visitor,
                log_name(event),
                event.at_ms,
                now_ms,
                bodies[event.id],
            )
            for event in new
        ],
    )
    _learn(connection, site.key, new, goals)
    return verdicts


def _learn(connection: Connection, site: str, events: Sequence[WireEvent], goals: Goals) -> None:
    """Work out anew what the events touch, and change the sums by what differs."""
    exposed = _enrolments(connection, site, events, goals)
    names = {
        name
        for measured in goals.values()
        for key, goal in measured.items()
        for name in signals(key, goal)
    }
    happened: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if (name := log_name(event)) in names:
            happened[event.visitor].add(name)
    before = read_enrolments(connection, site, {*happened, *(unit for unit, _ in exposed)})
    after = before | {
        key: earliest(before.get(key), enrolment) for key, enrolment in exposed.items()
    }
    touched = {
        key: enrolment
        for key, enrolment in after.items()
        if enrolment != before.get(key)
        or any(
            happened[enrolment.unit] & signals(name, goal)
            for name, goal in goals[enrolment.run].items()
        )
    }
    units = {unit for unit, _ in touched}
    log = _goal_events(connection, site, units, names)
    reached_before = read_outcomes(connection, site, units)
    change = Change()
    outcome_rows: list[tuple[Any, ...]] = []
    for key, enrolment in touched.items():
        measured, known = goals[enrolment.run], reached_before[key]
        reached = {
            name: found
            for name, goal in measured.items()
            if (found := outcome(name, goal, log[key[0]], assigned_ms=enrolment.assigned_ms))
        }
        if key in before:
            change.add(before[key], measured, known, times=-1)
        change.add(enrolment, measured, reached)
        outcome_rows += _outcome_rows(site, key, before=known, after=reached)
    moved = [after[key] for key in touched if after[key] != before.get(key)]
    put_rows(connection, schema.enrolments, [_enrolment_row(site, e) for e in moved])
    put_rows(connection, schema.outcomes, outcome_rows)
    write_change(connection, site, change)


def _enrolments(
    connection: Connection, site: str, events: Iterable[WireEvent], goals: Goals
) -> dict[tuple[str, str], Enrolment]:
    """Return the earliest exposure of each unit and run that counts.

    One counts when its run is measured here and its arm was drawn from an allocation row of
    the run, in time; all others are in the log only.
    """
    exposures = [e for e in events if isinstance(e, Exposure) and e.run in goals]
    wanted = {e.allocation for e in exposures if e.allocation is not None}
    rows = {
        row.allocation: row
        for row in find_rows(connection, schema.allocations, site=site, allocation=wanted)
    }
    found: dict[tuple[str, str], Enrolment] = {}
    for exposure in exposures:
        stratum = _stratum(exposure, rows)
        if stratum is not None:
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


def _stratum(exposure: Exposure, rows: Mapping[str, Row[Any]]) -> str | None:
    if exposure.allocation is None:
        is_held_out = exposure.arm == HOLDOUT
        return holdout_stratum(exposure.run, exposure.assigned_ms) if is_held_out else None
    row = rows.get(exposure.allocation)
    if row is None or row.run != exposure.run or exposure.assigned_ms > last_draw_ms(row):
        return None
    return exposure.allocation if weights_of(row).get(exposure.arm, 0.0) > 0 else None


def read_enrolments(
    connection: Connection, site: str, units: Collection[str]
) -> dict[tuple[str, str], Enrolment]:
    """Return every enrolment of some units, by unit and run."""
    return {
        (row.unit, row.run): Enrolment(
            unit=row.unit,
            run=row.run,
            stratum=row.stratum,
            arm=row.arm,
            assigned_ms=row.assigned_ms,
            event=row.event,
            segments=tuple(json.loads(row.segments)),
            is_conflict=row.is_conflict,
        )
        for row in find_rows(connection, schema.enrolments, site=site, unit=units)
    }


def read_outcomes(
    connection: Connection, site: str, units: Collection[str]
) -> defaultdict[tuple[str, str], dict[str, Outcome]]:
    """Return every outcome of some units, by unit and run, then by goal."""
    found: defaultdict[tuple[str, str], dict[str, Outcome]] = defaultdict(dict)
    for row in find_rows(connection, schema.outcomes, site=site, unit=units):
        if row.delay_ms is not None:
            found[row.unit, row.run][row.goal] = Outcome(row.value, row.delay_ms)
    return found


def _goal_events(
    connection: Connection, site: str, units: Collection[str], names: Collection[str]
) -> defaultdict[str, list[Happening | Reward]]:
    log: defaultdict[str, list[Happening | Reward]] = defaultdict(list)
    for row in find_rows(connection, schema.events, site=site, visitor=units, name=names):
        event = event_of(row.body)
        if not isinstance(event, Exposure):
            log[row.visitor].append(event)
    return log


def _enrolment_row(site: str, enrolment: Enrolment) -> tuple[Any, ...]:
    return (
        site,
        enrolment.unit,
        enrolment.run,
        enrolment.stratum,
        enrolment.arm,
        enrolment.assigned_ms,
        enrolment.event,
        json.dumps(enrolment.segments),
        enrolment.is_conflict,
    )


def _outcome_rows(
    site: str, key: tuple[str, str], *, before: Outcomes, after: Outcomes
) -> Iterable[tuple[Any, ...]]:
    for goal in {**before, **after}:
        found = after.get(goal)
        if found != before.get(goal):
            yield (site, *key, goal, *(astuple(found) if found else (0.0, None)))


def write_change(connection: Connection, site: str, change: Change) -> None:
    """Add a change to the sums that reports and the allocator read."""
    count_rows(
        connection,
        schema.stratum_stats,
        [(site, *key, *sums) for key, sums in change.sums.items() if any(sums)],
    )
    count_rows(
        connection,
        schema.delay_stats,
        [(site, *key, units) for key, units in change.delays.items() if units],
    )
    runs = schema.runs.c
    for run, units in change.conflicts.items():
        if units:
            connection.execute(
                update(schema.runs)
                .where(runs.site == site, runs.run == run)
                .values(conflicts=runs.conflicts + units)
            )
