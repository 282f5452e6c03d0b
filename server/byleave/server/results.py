"""The results of an experiment, from sums alone: as quick for a billion events as for ten."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection

from byleave.experiments import Definitions
from byleave.experiments.lift import (
    Phase,
    Population,
    Report,
    RunFacts,
    Status,
    build_report,
    exploratory,
    looked_at_together,
)
from byleave.experiments.schedule import bounds_ms
from byleave.segments import Purpose
from byleave.server.counters import Pages, pages, totals
from byleave.server.errors import UnknownNameError
from byleave.server.few import shown
from byleave.server.held_out import Holdout, holdout_of
from byleave.server.history import (
    DayOfEnrolment,
    LookBack,
    enrolment,
    looks,
    units_in_30_days,
)
from byleave.server.learning import EVERYONE
from byleave.server.runs import goals_of, newest_run
from byleave.server.sites import Site
from byleave.server.sums import RunSums


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationStep:
    """One allocation row, as the history of the weights shows it."""

    allocation: str
    cell: str
    opened_ms: int
    closed_ms: int | None
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """All that is known about the newest run of an experiment.

    Attributes:
        experiment: The experiment's key.
        title: What people call it.
        run: The run.
        started_ms: When it began.
        ended_ms: When it ended; None while it lives.
        as_of_ms: When these results were made.
        is_simulated: Whether the visitors are made up.
        policy: How the weights come about: `thompson` or `fixed`.
        has_comparison: Whether any row so far divides units between the control and another
            arm; without one no lift can be known, however long the run lasts.
        page_views: Page views that sites reported since the day the run began, UTC, measured or
            not.
        enrolled: Units enrolled so far, mature or not; None for fewer than 10.
        report: The primary goal, for everyone.
        holdout: The primary goal, everything personalised against the holdout; None while
            there is too little of either.
        others: The other goals and the guards, for everyone.
        segments: The primary goal for each reporting segment: exploratory.
        allocation: The rows so far, oldest first.
        looks: What looks at the primary goal showed, oldest first, at most 16; none while the
            report gives no lift for anyone.
        enrolment: How many units came day by day.
        units_in_30_days: How many units come in 30 days at the pace so far; None without
            mature rows.
    """

    experiment: str
    title: str
    run: str
    started_ms: int
    ended_ms: int | None
    as_of_ms: int
    is_simulated: bool
    policy: str
    has_comparison: bool
    page_views: int
    enrolled: int | None
    report: Report
    holdout: Holdout | None
    others: tuple[Report, ...]
    segments: Mapping[str, Report]
    allocation: tuple[AllocationStep, ...]
    looks: tuple[LookBack, ...]
    enrolment: tuple[DayOfEnrolment, ...]
    units_in_30_days: float | None

    @property
    def standing_out(self) -> list[tuple[str, str]]:
        """Arms and goals that stand out of all that are looked at together."""
        return [
            (row.arm, report.goal)
            for report in (self.report, *self.others)
            for row in report.arms
            if row.stands_out
        ]

    def to_plain(self) -> dict[str, Any]:
        """Return the results as dicts, lists and scalars, ready for JSON."""
        return asdict(self)


def results(
    connection: Connection,
    site: Site,
    definitions: Definitions,
    key: str,
    *,
    now_ms: int,
    is_past: bool = False,
) -> Results:
    """Return the results of the newest run of an experiment.

    Args:
        connection: A transaction that reads.
        site: The site.
        definitions: What is in force now: titles, schedule and reporting segments.
        key: The experiment's key.
        now_ms: The moment as of which the results are.
        is_past: Whether that moment is past.

    Raises:
        UnknownNameError: The experiment never ran here.
    """
    run = newest_run(connection, site, key, begun_by_ms=now_ms)
    if run is None:
        raise UnknownNameError("no experiment of this name ever ran here")
    if not goals_of(run):
        raise UnknownNameError("this version cannot read what the run of this experiment measures")
    sums = RunSums(connection, site, run, now_ms=now_ms, is_past=is_past)
    ended_ms = run.ended_ms if run.ended_ms is not None and run.ended_ms <= now_ms else None
    goals = sums.fixed.experiment.goals
    current = definitions.experiments.get(key)
    enrolled = sums.enrolled(goals.primary)
    population = population_of(connection, site, sums, until_ms=now_ms)
    is_over = ended_ms is not None or (
        current is not None and bounds_ms(current.schedule)[1] <= now_ms
    )

    def report(goal: str, segment: str = EVERYONE) -> Report:
        named = definitions.segments.get(segment)
        title = (named.title if named else "") or segment
        return goal_report(
            sums,
            goal,
            population=replace(population, segment=title or None),
            segment=segment,
            phase=Phase.STOPPED if is_over else Phase.RUNNING,
            now_ms=now_ms,
        )

    others = dict.fromkeys([*goals.others, *(guard.goal for guard in goals.guards)])
    whole, *rest = looked_at_together(
        [report(goal) for goal in dict.fromkeys([goals.primary, *others])]
    )
    by_segment = {
        segment: report(goals.primary, segment)
        for segment in (current.report_by if current else ())
    }
    return Results(
        experiment=key,
        title=current.title if current else "",
        run=run.run,
        started_ms=run.started_ms,
        ended_ms=ended_ms,
        as_of_ms=now_ms,
        is_simulated=site.is_simulated,
        policy=str(sums.fixed.experiment.allocate.policy),
        has_comparison=sums.has_comparison,
        page_views=pages_of(connection, site, sums, until_ms=now_ms).total,
        enrolled=shown(enrolled),
        report=whole,
        holdout=holdout_of(connection, site, sums, goals.primary, population),
        others=tuple(rest),
        segments=exploratory(whole, by_segment),
        allocation=tuple(_steps(sums)),
        looks=() if whole.status is Status.UNHEALTHY else looks(sums, goals.primary),
        enrolment=enrolment(sums, goals.primary),
        units_in_30_days=units_in_30_days(sums, goals.primary),
    )


def pages_of(
    connection: Connection, site: Site, sums: RunSums, *, until_ms: int | None = None
) -> Pages:
    """Return the page views of the site since a run began."""
    return pages(totals(connection, site, since_ms=sums.run.started_ms, until_ms=until_ms))


def population_of(
    connection: Connection, site: Site, sums: RunSums, *, until_ms: int | None = None
) -> Population:
    """Return whom the results of a run are about."""
    seen = pages_of(connection, site, sums, until_ms=until_ms)
    return Population(
        unit=sums.fixed.experiment.unit,
        page_share=seen.share((Purpose.PERSONALISATION, Purpose.ANALYTICS)),
    )


def goal_report(
    sums: RunSums,
    goal: str,
    *,
    population: Population,
    segment: str = EVERYONE,
    phase: Phase = Phase.RUNNING,
    alpha: float = 0.05,
    now_ms: int,
) -> Report:
    """Return the report of one goal of a run.

    Args:
        sums: What is kept of the run.
        goal: The goal's key.
        population: Whom it is about.
        segment: The reporting segment; everyone without it.
        phase: Where the run is in its life.
        alpha: Error level in (0, 1) of all intervals together.
        now_ms: The time.
    """
    experiment = sums.fixed.experiment
    guards = {guard.goal: float(guard.worse_by_at_most) for guard in experiment.goals.guards}
    return build_report(
        sums.strata(goal, segment),
        arms=sums.arms,
        goal_key=goal,
        goal=sums.fixed.goals[goal],
        population=population,
        run=RunFacts(
            phase=phase,
            age_ms=max(now_ms - sums.run.started_ms, 0),
            mature_until_ms=sums.mature_until_ms(goal),
            enrolled=sums.enrolled(experiment.goals.primary),
            conflicts=sums.run.conflicts,
        ),
        alpha=alpha,
        worse_by_at_most=guards.get(goal),
        advises=goal == experiment.goals.primary and segment == EVERYONE,
        withdrawals=sums.withdrawn(goal, segment),
    )


def _steps(sums: RunSums) -> Iterable[AllocationStep]:
    for row, closed_ms, weights in zip(sums.rows, sums.closed_ms, sums.weights, strict=True):
        yield AllocationStep(
            allocation=row.allocation,
            cell=row.cell,
            opened_ms=row.opened_ms,
            closed_ms=closed_ms,
            weights=weights,
        )
