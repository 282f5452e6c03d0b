"""Everything personalised against the holdout, and whether the holdout has its size.

A holdout whose share changes is another comparison: under a trend, groups that are mixed over
time in different proportions differ by that alone. The figure therefore rests on the time since
the share last changed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, select

from byleave.experiments import Definitions
from byleave.experiments.lift import Population, holdout_ratio, holdout_sentence
from byleave.segments import read
from byleave.server import schema
from byleave.server.history import LEAST_SHOWN
from byleave.server.sites import Site
from byleave.server.sums import RunSums


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
    *_, (share, since_ms) = holdout_shares(connection, site, sums.run)
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
    connection: Connection, site: Site, run: Row[Any]
) -> Iterator[tuple[float, int]]:
    """Yield every share of the holdout that was in force during a run, and since when.

    The first is that of the run's beginning. A version that changes it not at all is left out.
    """
    versions = schema.definition_versions.c
    statement = select(versions.definitions, versions.published_ms).where(versions.site == site.key)
    share, since_ms = 0.0, run.started_ms
    for row in connection.execute(statement.order_by(versions.generation, versions.number)):
        if run.ended_ms is not None and row.published_ms > run.ended_ms:
            break
        found = _share(row.definitions)
        if row.published_ms > run.started_ms and found != share:
            yield share, since_ms
            since_ms = row.published_ms
        share = found
    yield share, since_ms


@lru_cache(maxsize=256)
def _share(definitions: str) -> float:
    """Return the share of the holdout; a version never changes, and every report asks."""
    return float(read(Definitions, json.loads(definitions)).holdout)
