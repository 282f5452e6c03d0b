"""What one line tells of each experiment: enough for the overview and the list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from byleave.experiments import Definitions
from byleave.experiments.lift import Phase, Report
from byleave.experiments.schedule import bounds_ms
from byleave.segments import Purpose
from byleave.server import schema
from byleave.server.console.experiments_life import begins_ms
from byleave.server.console.keeping import kept
from byleave.server.counters import Pages, pages, totals
from byleave.server.few import shown
from byleave.server.held_out import holdout_of
from byleave.server.publishing import kept_definitions, newest_definitions
from byleave.server.results import goal_report, population_of
from byleave.server.service import Service
from byleave.server.sums import RunSums

_MONTH_MS: Final = 30 * 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """One experiment.

    Attributes:
        key: Its key.
        title: What people call it.
        slot: The slot it fills.
        audience: The title of its audience; empty for everyone.
        started_ms: When its newest run began.
        ended_ms: When that ended; None while it lives.
        begins_ms: When it begins to be shown, where that is still to come.
        enrolled: Units enrolled so far; None for 1 to 9.
        report: Its primary goal.
        against_holdout: What everything personalised did to that goal; empty while there is
            too little of either.
        broken_guards: Goals that it made worse than allowed.
        has_comparison: Whether the control has a share, so that there is something to compare.
    """

    key: str
    title: str
    slot: str
    audience: str
    started_ms: int
    ended_ms: int | None
    begins_ms: int | None
    enrolled: int | None
    report: Report
    against_holdout: str
    broken_guards: tuple[str, ...]
    has_comparison: bool

    @property
    def is_live(self) -> bool:
        """Whether its newest run goes on."""
        return self.ended_ms is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Glances:
    """All experiments that ever ran, those that live first.

    Attributes:
        as_of_ms: When this was worked out.
        all: The experiments.
        pages: Page views of the last 30 days, by what they might use data for.
        drift: What files manage and was changed since they were published, by place.
    """

    as_of_ms: int
    all: tuple[Glance, ...]
    pages: Pages
    drift: tuple[str, ...]

    @property
    def live(self) -> tuple[Glance, ...]:
        """Those that go on."""
        return tuple(glance for glance in self.all if glance.is_live)

    @property
    def measurable_share(self) -> float | None:
        """The share of page views that may be personalised and measured."""
        return self.pages.share((Purpose.PERSONALISATION, Purpose.ANALYTICS))


def glances(service: Service) -> Glances:
    """Return all experiments at a glance, as of now or of up to a minute ago.

    Raises:
        NothingPublishedError: The site has no definitions yet.
    """
    return kept(service, "glances", lambda: _glances(service))


def _glances(service: Service) -> Glances:
    definitions, now_ms = service.published.snapshot.definitions, service.clock()
    with service.storage.reading() as connection:
        found = [
            _glance(connection, service, definitions, run, now_ms)
            for run in _newest_runs(connection, service.site.key)
        ]
        counts = totals(connection, service.site, since_ms=now_ms - _MONTH_MS)
        newest, managed = kept_definitions(newest_definitions(connection, service.site))
    found.sort(key=lambda glance: (not glance.is_live, glance.title.casefold()))
    return Glances(
        as_of_ms=now_ms,
        all=tuple(found),
        pages=pages(counts),
        drift=tuple(managed.drift(newest)),
    )


def _newest_runs(connection: Connection, site: str) -> list[Row[Any]]:
    runs = schema.runs.c
    newest: Mapping[str, Row[Any]] = {
        row.experiment: row
        for row in connection.execute(
            select(schema.runs).where(runs.site == site).order_by(runs.ordinal)
        )
    }
    return list(newest.values())


def _glance(
    connection: Connection,
    service: Service,
    definitions: Definitions,
    run: Row[Any],
    now_ms: int,
) -> Glance:
    sums = RunSums(connection, service.site, run, now_ms=now_ms)
    experiment = sums.fixed.experiment
    current = definitions.experiments.get(run.experiment)
    goal = experiment.goals.primary
    is_over = run.ended_ms is not None or (
        current is not None and bounds_ms(current.schedule)[1] <= now_ms
    )
    population = population_of(connection, service.site, sums)
    phase = Phase.STOPPED if is_over else Phase.RUNNING

    def report(key: str) -> Report:
        return goal_report(sums, key, population=population, phase=phase, now_ms=now_ms)

    enrolled = sums.enrolled(goal)
    audience = definitions.segments.get(experiment.audience or "")
    holdout = holdout_of(connection, service.site, sums, goal, population)
    return Glance(
        key=run.experiment,
        title=(current.title if current else "") or run.experiment,
        slot=experiment.slot,
        audience=(audience.title if audience else "") or experiment.audience or "",
        started_ms=run.started_ms,
        ended_ms=run.ended_ms,
        begins_ms=begins_ms(current, now_ms),
        enrolled=shown(enrolled),
        report=report(goal),
        against_holdout=holdout.sentence if holdout else "",
        broken_guards=tuple(
            guard.goal
            for guard in experiment.goals.guards
            if any(row.guard == "broken" for row in report(guard.goal).arms)
        ),
        has_comparison=sums.has_comparison,
    )
