"""What the page of results shows: the results, the figures made of them, and their addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from byleave.experiments.lift import ArmRow, Interval, Report
from byleave.server.console.figures import (
    Effect,
    IntervalPlot,
    effect_of,
    interval_plot,
    is_relative,
    places,
)
from byleave.server.console.timelines import (
    Band,
    Stack,
    TimeScale,
    allocation_stacks,
    bands,
    enrolment_stack,
)
from byleave.server.results import Results


@dataclass(frozen=True, slots=True)
class Compared:
    """One arm as a table shows it: its row, and its effect in the way that was chosen."""

    row: ArmRow
    place: int
    effect: tuple[float, Interval] | None

    @property
    def arm(self) -> str:
        """The arm's key."""
        return self.row.arm


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsView:
    """All that the page shows.

    Attributes:
        results: The results.
        effect: How changes are told.
        effects: The ways in which they can be told.
        place: The colour of each arm.
        plot: The intervals of the primary goal.
        bands: How they narrowed.
        enrolment: Who came when.
        allocations: How the weights moved, by cell.
        path: The page's path.
        query: What keeps it as it is: the link's leave, the effect and the moment.
    """

    results: Results
    effect: Effect
    effects: tuple[Effect, ...]
    place: Mapping[str, int]
    plot: IntervalPlot | None
    bands: list[Band]
    enrolment: Stack | None
    allocations: list[Stack]
    path: str
    query: Mapping[str, str]

    def compared(self, report: Report) -> list[Compared]:
        """Return the arms of a report; where it has no relative lift, with the difference."""
        effect = self.effect_for(report)
        return [
            Compared(row, self.place[row.arm], effect_of(row, effect, units=self.units))
            for row in report.arms
        ]

    def effect_for(self, report: Report) -> Effect:
        """Return how changes of a report are told: as chosen, where it can."""
        is_told = self.effect is not Effect.RELATIVE or is_relative(report)
        return self.effect if is_told else Effect.ABSOLUTE

    @property
    def units(self) -> float:
        """The units that a scaled effect is for."""
        return self.results.units_in_30_days or 0.0

    def address(self, file: str = "", **changes: str) -> str:
        """Return the address of this page, changed, or of one of its files."""
        query = urlencode({**self.query, **changes})
        return self.path + (f"/{file}" if file else "") + (f"?{query}" if query else "")

    def files(self, *names: str) -> dict[str, str]:
        """Return the addresses of files by what each is: CSV, JSON or SVG."""
        return {name.rpartition(".")[2].upper(): self.address(name) for name in names}


def results_view(
    results: Results, *, effect: str = "", path: str = "", query: Mapping[str, str] | None = None
) -> ResultsView:
    """Return what a page shows of results.

    Args:
        results: The results.
        effect: How changes are to be told; any other word lets the page
            choose.
        path: The page's path.
        query: What keeps the page as it is.
    """
    report = results.report
    possible = [e for e in Effect if e is not Effect.RELATIVE or is_relative(report)]
    chosen = Effect(effect) if effect in possible else possible[0]
    place = places(report)
    scale = TimeScale(from_ms=results.started_ms, until_ms=results.ended_ms or results.as_of_ms)
    return ResultsView(
        results=results,
        effect=chosen,
        effects=tuple(possible),
        place=place,
        plot=interval_plot(report, chosen, units=results.units_in_30_days or 0.0),
        bands=bands(
            results.looks,
            place=place,
            scale=TimeScale(from_ms=results.started_ms, until_ms=results.as_of_ms),
            is_relative=is_relative(report),
        ),
        enrolment=enrolment_stack(
            results.enrolment,
            [step.opened_ms for step in results.allocation],
            place=place,
            scale=scale,
        ),
        allocations=allocation_stacks(results.allocation, place=place, scale=scale),
        path=path,
        query=query or {},
    )
