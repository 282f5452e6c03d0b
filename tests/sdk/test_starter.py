"""The starter library on a site: scripted visits, and what each one makes of the visitor."""

import re
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from byleave.experiments import Definitions
from byleave.experiments.advising import advise
from byleave.sdk import Personalise, record
from byleave.sdk.starter import PAGES, starter
from byleave.segments import DefinitionError, Segment, canonical_json, read

SHOP = read(Definitions, {"site": "shop", "slots": {"hero": {"kind": "content"}}})
NUMBERS = ("hours", "amount", "results")
MINUTE_MS = 60_000
BREAK_MS = 30 * MINUTE_MS  # after which somebody who comes back makes another visit

VISITS = Path(__file__).resolve().parent.parent / "data" / "starter_visits.txt"


def minutes(when: str) -> int:
    """Return the minutes since the first visit."""
    day, hours, rest = map(int, when.replace(":", " ").split())
    return (day * 24 + hours) * 60 + rest


class Site:
    """A site that records what a form posts, as its own code would."""

    def __init__(self, kit: Any, clock: Any, definitions: Definitions) -> None:
        self.app = Personalise(
            self._answer,
            definitions=definitions,
            secrets=["a secret that only tests know"],  # it guards nothing
            consent=kit.granted,
            clock=clock,
        )
        self._page = kit.html_app()
        self._visit: Any = None

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        self._visit = scope["byleave"]
        if scope["method"] == "POST":
            given = dict(parse_qsl(scope["query_string"].decode()))
            numbers = {key: float(given.pop(key)) for key in NUMBERS if key in given}
            record(scope, scope["path"][1:], {**given, **numbers})
        await self._page(scope, receive, send)

    @property
    def facts(self) -> Any:
        """What holds for the visitor after their last request."""
        visit = self._visit
        return visit.decider.rules.facts(
            consent=visit.consent,
            attributes=visit.attributes,
            profile=visit.memory.state.profile,
            now_ms=visit.now_ms,
        )


def do(browser: Any, what: str) -> None:
    """Open a page, or have the site record something, once or more often."""
    times, _, once = what.rpartition(" ")
    for _ in range(int(times or 1)):
        answer = browser.get(once) if once.startswith("/") else browser.post(f"/{once}", {})
        assert answer.status == 200


def told(definitions: Definitions) -> str:
    """Everything that definitions say, as one text."""
    return canonical_json(definitions)


def test_the_library_can_do_what_it_says() -> None:
    advice = advise(starter(SHOP))

    assert [str(each) for each in advice if "depends on segment" not in each.message] == []


def test_each_phase_has_two_signals_and_a_metric() -> None:
    definitions = starter(SHOP)

    for step in definitions.journeys["lifecycle"].steps:
        words = tuple(word for word in step.key.split("-") if word not in ("get", "or"))
        signals = [key for key in definitions.segments if key.startswith(words)]
        assert len(signals) >= 2, step.key
        assert any(key.startswith(words) for key in definitions.goals), step.key


def test_events_and_pages_have_the_names_of_the_site() -> None:
    definitions = starter(
        SHOP, events={"purchase": "order_paid", "form_submit": "sent"}, pages={"/pricing": "/plans"}
    )

    assert "order_paid" in definitions.events
    assert definitions.goals["buy-revenue"].event == "order_paid"
    for name in ('"purchase"', '"form_submit"', "/pricing"):
        assert name in told(starter(SHOP))
        assert name not in told(definitions)


def test_what_the_site_defines_stays_as_it_is() -> None:
    own = {"when": {"attribute": "campaign", "equals": "spring"}}
    shop = replace(SHOP, segments={"discover-channel-entry": read(Segment, own)})

    definitions = starter(shop)

    assert definitions.segments["discover-channel-entry"] == read(Segment, own)
    assert len(definitions.segments) == len(starter(SHOP).segments)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"events": {"purchas": "paid"}}, "no event 'purchas'. Did you mean 'purchase'?"),
        ({"pages": {"/price": "/plans"}}, "no page '/price'. Did you mean '/pricing'?"),
    ],
)
def test_what_the_library_does_not_have_is_refused(
    given: dict[str, dict[str, str]], message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        starter(SHOP, **given)


def test_a_site_whose_events_do_not_fit_is_told(kit: Any) -> None:
    data = {"site": "shop", "events": {"page_view": {"purposes": ["analytics"], "ttl": "30d"}}}

    with pytest.raises(DefinitionError, match="unknown property 'path'"):
        starter(read(Definitions, data))


def test_the_pages_are_those_that_the_library_looks_at() -> None:
    assert set(re.findall(r'"starts_with":"([^"]+)"', told(starter(SHOP)))) == set(PAGES)


def test_visits_lead_through_all_phases(kit: Any, clock: Any) -> None:
    definitions = starter(SHOP)
    signals = [key for key in definitions.segments if not key.startswith("phase-")]
    seen, steps, visits = set[str](), set[str](), 0
    lines = [line.split("|") for line in VISITS.read_text(encoding="utf-8").splitlines()[1:]]

    for _, history in groupby(lines, key=itemgetter(0)):
        site, start_ms, expected = Site(kit, clock, definitions), clock.now_ms, set[str]()
        browser, left_ms = kit.browser(site.app), 0
        for line in history:
            _, when, what, phase, changes = (cell.strip() for cell in line)
            clock.now_ms = start_ms + minutes(when) * MINUTE_MS
            visits += clock.now_ms - left_ms > BREAK_MS
            left_ms = clock.now_ms
            do(browser, what)

            expected -= {change[1:] for change in changes.split() if change.startswith("-")}
            expected |= {change[1:] for change in changes.split() if change.startswith("+")}
            assert {key for key in signals if site.facts.segment(key).is_true} == expected, line
            key, _, entered = phase.partition(" ")
            journey = site.facts.journey("lifecycle")
            assert journey.current == key, line
            assert journey.reached[key] == start_ms + minutes(entered) * MINUTE_MS, line
            seen |= expected
            steps.add(key)

    assert visits >= 30
    assert seen == set(signals)
    assert steps == {step.key for step in definitions.journeys["lifecycle"].steps}
