"""A month in the shop: simulated visitors arrive, the server learns, and what happened is kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from byleave.server.demo.browser import Browser, Page, Request, Transport
from byleave.server.demo.stage import Stage, example
from byleave.server.demo.timeline import Timeline

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS

#: How often, in simulated time, the site and its server tell each other what is new.
EVERY_MS: Final = 2 * HOUR_MS

#: Monday, 5 October 2026, 00:00 UTC.
START_MS: Final = 1_791_158_400_000

#: People arrive for two weeks; ten days later the last row of weights is mature.
ARRIVALS_MS: Final = 14 * DAY_MS
END_MS: Final = ARRIVALS_MS + 10 * DAY_MS

Progress = Callable[[str], None]


@dataclass(slots=True)
class Visitors:
    """Who came, and what became of them.

    Attributes:
        people: The simulated people, with the browser of each.
        pages: How many requests were answered.
        failures: How many answers were errors.
    """

    people: list[tuple[Any, Browser]] = field(default_factory=list)
    pages: int = 0
    failures: int = 0

    @property
    def without_consent(self) -> int:
        """How many people were never enrolled because they did not agree; crawlers apart."""
        return sum(p.choice != "accept" and not p.is_crawler for p, _ in self.people)


def simulate(
    stage: Stage,
    transport: Transport,
    *,
    seed: int,
    count: int,
    progress: Progress,
) -> Visitors:
    """Let that many people visit the shop for two weeks, and wait for the last window.

    Args:
        stage: The shop and the server; its clock is stepped.
        transport: How browsers reach the shop.
        seed: What people do follows from it.
        count: How many people come.
        progress: Told once a simulated day how far it is.
    """
    kept = Visitors()

    def counted(request: Request) -> Page:
        page = transport(request)
        kept.pages += 1
        kept.failures += page.status >= 400
        return page

    begin_ms = stage.clock()
    rounds = 0

    def regularly() -> None:
        nonlocal rounds
        stage.catch_up()
        rounds += 1
        day, rest_ms = divmod(rounds * EVERY_MS, DAY_MS)
        if rest_ms == 0:
            progress(f"day {day}: {len(kept.people)} people, {kept.pages} pages")

    timeline = Timeline(stage.clock, every_ms=EVERY_MS, regularly=regularly)
    stage.catch_up()
    for person in example("people").people(
        Random(f"people/{seed}"), count=count, over_ms=ARRIVALS_MS
    ):
        browser = Browser(
            counted,
            stage.clock,
            headers=person.headers,
            keeps_cookies=not person.is_crawler,
        )
        timeline.add(begin_ms + person.arrives_ms, _arrival(person, browser, kept))
    timeline.run(begin_ms + END_MS)
    return kept


def _arrival(person: Any, browser: Browser, kept: Visitors) -> Iterator[int]:
    kept.people.append((person, browser))
    yield from person.script(browser)
