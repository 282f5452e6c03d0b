"""Everything personalised against the holdout, and whether the holdout has its size.

A holdout whose share changes is another comparison: under a trend, groups that are mixed over
time in different proportions differ by that alone. The figure therefore rests on the time since
the share last changed.
"""

import json
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Row, select

from byleave.experiments.lift import Population, holdout_ratio, holdout_sentence
from byleave.server import schema
from byleave.server.few import LEAST_SHOWN
from byleave.server.quarantine import sound
from byleave.server.sites import Site
from byleave.server.sums import RunSums

# The share of each version of a store; a version never changes, and every report asks.
_known: Final = WeakKeyDictionary[Engine, dict[tuple[str, int, int], float]]()


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdout:
    """Everything personalised against the holdout.

    Attributes:
        share: The share of visitors that is held out, in (0, 1].
        since_ms: From when on both are counted: the beginning of the run, or when the share
            last changed.
        personalised_units: Mature units that were personalised, control included.
        holdout_units: Mature units that got the site's own content everywhere.
        sample_ratio_p: P-value, valid at any look, of their sizes against the share.
        sentence: What the difference is, with its interval, or why there is none.
    """

    share: float
    since_ms: int
    personalised_units: int
    holdout_units: int
    sample_ratio_p: float
    sentence: str


def holdout_of(
    connection: Connection, site: Site, sums: RunSums, goal: str, population: Population
) -> Holdout | None:
    """Return everything personalised against the holdout; None while too few are mature."""
    if not sums.has_holdout:
        return None
    share, since_ms = holdout_shares(connection, site, sums.run, until_ms=sums.now_ms)[-1]
    groups = sums.against_holdout(goal, since_ms=since_ms)
    if groups is None or not 0 < share < 1:
        return None
    personalised, holdout = groups.personalised, groups.holdout
    if min(personalised.units, holdout.units) < LEAST_SHOWN:
        return None
    fit = holdout_ratio(personalised.units, groups.holdout_range, share=share)
    return Holdout(
        share=share,
        since_ms=since_ms,
        personalised_units=round(personalised.units),
        holdout_units=round(holdout.units),
        sample_ratio_p=fit,
        sentence=holdout_sentence(
            personalised,
            holdout,
            goal_key=goal,
            goal=sums.fixed.goals[goal],
            population=population,
            sample_ratio_p=fit,
        ),
    )


def holdout_shares(
    connection: Connection, site: Site, run: Row[Any], *, until_ms: int | None = None
) -> list[tuple[float, int]]:
    """Return every share of the holdout that was in force during a run, and since when.

    The first is that of the run's beginning. What cannot be used of a version counts as it does
    where it is served: not at all.

    Args:
        connection: A transaction that reads.
        site: The site.
        run: The run's row of the store.
        until_ms: Leaves out what was published later, if given.
    """
    versions = schema.definition_versions.c
    ends = [versions.published_ms <= end for end in (until_ms, run.ended_ms) if end is not None]
    statement = (
        select(versions.generation, versions.number, versions.published_ms)
        .where(versions.site == site.key, *ends)
        .order_by(versions.generation.desc(), versions.number.desc())
    )
    known = _known.setdefault(connection.engine, {})
    found: list[tuple[float, int]] = []
    for row in connection.execute(statement).all():
        name = (site.key, row.generation, row.number)
        if name not in known:
            known[name] = _share(connection, name)
        share, since_ms = known[name], max(row.published_ms, run.started_ms)
        if found and found[0][0] == share:
            found[0] = (share, since_ms)
        else:
            found.insert(0, (share, since_ms))
        if row.published_ms <= run.started_ms:
            break
    return found


def _share(connection: Connection, name: tuple[str, int, int]) -> float:
    """Return the share of the holdout in a version."""
    versions, (site, generation, number) = schema.definition_versions.c, name
    text = connection.execute(
        select(versions.definitions).where(
            versions.site == site, versions.generation == generation, versions.number == number
        )
    ).scalar_one()
    try:
        data = json.loads(text)
        # All the rest of it has no say in this, and takes long to read.
        usable = sound(json.dumps({key: data[key] for key in ("site", "holdout") if key in data}))
    except (ValueError, TypeError, RecursionError):
        usable = None
    return 0.0 if usable is None else float(usable.definitions.holdout)
