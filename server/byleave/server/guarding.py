"""Guards: an experiment that makes worse what must not get worse is paused, by itself.

The test is the always-valid interval of the guard's own report, so that asking again and again
raises no false alarm: over the whole life of a run, all of its guards together, at most 5 %.
A pause is a publication like any other, with its reason: the experiment's schedule ends. Who
wants to go on publishes a schedule with other limits or variants, which begins a new run.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from byleave.experiments import Snapshot
from byleave.experiments.lift import GuardVerdict
from byleave.experiments.schedule import bounds_ms
from byleave.server.publishing import publish
from byleave.server.results import goal_report, population_of
from byleave.server.runs import readable_runs
from byleave.server.sites import Entropy, Site
from byleave.server.sums import RunSums

#: Error level of all guards of a run together.
_ALPHA: Final = 0.05


def broken_guards(
    connection: Connection, site: Site, runs: Iterable[str], *, now_ms: int
) -> dict[str, str]:
    """Return which runs have a broken guard, and the first sentence of its report.

    Args:
        connection: The store.
        site: The site.
        runs: The runs to look at.
        now_ms: The time.
    """
    asked, found = {*runs}, {}
    for run in readable_runs(connection, site):
        if run.run not in asked:
            continue
        sums = RunSums(connection, site, run, now_ms=now_ms)
        guards = sums.fixed.experiment.goals.guards
        population = population_of(connection, site, sums)
        for guard in guards:
            report = goal_report(
                sums,
                guard.goal,
                population=population,
                alpha=_ALPHA / len(guards),
                now_ms=now_ms,
            )
            if any(row.guard is GuardVerdict.BROKEN for row in report.arms):
                found[run.run] = report.sentence
    return found


def pause(
    connection: Connection,
    site: Site,
    snapshot: Snapshot,
    broken: Mapping[str, str],
    *,
    entropy: Entropy,
    now_ms: int,
) -> None:
    """Publish the definitions in force with the schedules of some runs ending now.

    Runs that are over by now, or out of their schedule, stay as they are.

    Args:
        connection: The store.
        site: The site.
        snapshot: What is in force.
        broken: Why, by run.
        entropy: Source of secrets and ids.
        now_ms: The time.
    """
    definitions = snapshot.definitions
    end = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds")
    paused = {
        key: replace(experiment, schedule=replace(experiment.schedule, end=end))
        for key, experiment in definitions.experiments.items()
        if snapshot.runs[key].id in broken and bounds_ms(experiment.schedule)[1] > now_ms
    }
    if paused:
        publish(
            connection,
            site,
            replace(definitions, experiments={**definitions.experiments, **paused}),
            reason="\n".join(f"{key} is paused. {broken[snapshot.runs[key].id]}" for key in paused),
            author="guard",
            entropy=entropy,
            now_ms=now_ms,
            keeps_aside=True,
        )
