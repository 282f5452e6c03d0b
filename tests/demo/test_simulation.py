"""A simulated month, through the whole product."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import pytest

from byleave.experiments import Decider, Visitor
from byleave.server.demo.simulation import START_MS, simulate
from byleave.server.demo.summary import as_text, summary
from byleave.server.demo.transports import AsgiTransport

COUNT = 220


@pytest.fixture(scope="module")
def performance(perform: Callable[..., Any]) -> Any:
    return perform(seed=3, count=COUNT)


def test_every_page_is_answered_and_some_visitors_are_enrolled(performance: Any) -> None:
    found = summary(performance.stage, performance.visitors)

    assert performance.visitors.failures == 0
    assert found["visitors"] == COUNT
    assert found["pages"] == len(performance.pages)
    assert 0 < found["not_enrolled"] < COUNT
    assert set(found["experiments"]) == {"pricing-hero", "welcome-nav"}
    for experiment in found["experiments"].values():
        assert set(experiment) == {
            "arm",
            "lift",
            "interval",
            "true_lift",
            "allocation",
            "srm_p",
        }
        assert sum(experiment["allocation"].values()) == pytest.approx(1)
        assert 0 < experiment["true_lift"] <= 0.4
    json.dumps(found, allow_nan=False)


def test_a_person_can_read_what_happened(performance: Any) -> None:
    text = "\n".join(as_text(performance.stage, performance.visitors))

    assert "simulated visitors" in text
    assert "for want of consent" in text
    assert "true lift of proof: +39.2%" in text


def test_the_same_seed_gives_the_same_pages_and_the_same_result(
    performance: Any, perform: Callable[..., Any]
) -> None:
    again = perform(seed=3, count=COUNT)

    assert again.pages == performance.pages
    assert summary(again.stage, again.visitors) == summary(performance.stage, performance.visitors)


def test_the_server_decides_every_page_as_the_process_does(
    performance: Any, perform: Callable[..., Any]
) -> None:
    asked = perform(seed=3, count=COUNT, decide="server")

    assert [page.body for _, page in asked.pages] == [page.body for _, page in performance.pages]


def test_refusers_get_no_cookie_and_leave_no_trace(performance: Any) -> None:
    refusers = [
        browser
        for person, browser in performance.visitors.people
        if person.choice != "accept" or person.is_crawler
    ]
    allowed = {"byleave_consent", "harbour_account"}

    assert len(refusers) > 20
    assert all(browser.set_cookies <= allowed for browser in refusers)


def test_the_store_holds_nothing_of_anybody_who_refused_or_withdrew(performance: Any) -> None:
    consenting = sum(
        person.choice == "accept" and not person.withdraws and not person.is_crawler
        for person, _ in performance.visitors.people
    )
    withdrawn = sum(person.withdraws for person, _ in performance.visitors.people)
    with performance.stage.service.storage.reading() as connection:
        stored = {
            table: {row[0] for row in connection.exec_driver_sql(query)}
            for table, query in {
                "events": "SELECT DISTINCT visitor FROM events",
                "enrolments": "SELECT DISTINCT unit FROM enrolments",
                "attributes": "SELECT DISTINCT visitor FROM server_attributes",
                "tombstones": "SELECT visitor_hash FROM tombstones",
            }.items()
        }
    live = {_id_of(browser) for _, browser in performance.visitors.people} - {None}

    assert withdrawn > 0
    assert len(live) <= consenting
    assert stored["events"] <= live
    assert stored["enrolments"] <= live
    assert not stored["attributes"]
    assert len(stored["tombstones"]) == withdrawn


def _id_of(browser: Any) -> str | None:
    value, _ = browser.cookies.get("__Host-byleave_id", ("", None))
    return value.split(".")[0] or None


def test_each_segment_was_true_and_false_and_undetermined_for_somebody(
    set_stage: Callable[..., Any],
) -> None:
    stage = set_stage(5)
    seen: Counter[tuple[str, str]] = Counter()
    source = _Observed(stage.shop.site.source, seen)
    stage.shop.site.source = source
    transport = AsgiTransport(stage.shop, "harbour-books.example")
    simulate(stage, transport, seed=5, count=120, progress=lambda _: None)
    transport.close()

    for segment in ("comparing-plans", "ready-to-start", "customers"):
        truths = {truth for key, truth in seen if key == segment}
        assert truths == {"true", "false", "undetermined"}, segment


class _Observed:
    """A source of decisions that lets each visitor's segments be counted on the way."""

    def __init__(self, source: Any, seen: Counter[tuple[str, str]]) -> None:
        self._source = source
        self._seen = seen
        self.start = source.start
        self.capture = source.capture
        self.withdraw = source.withdraw
        self.decide = source.decide
        self.counters = source.counters

    def decider(self) -> Any:
        decider = self._source.decider()
        return None if decider is None else _Watched(decider, self._seen)


class _Watched:
    def __init__(self, decider: Decider, seen: Counter[tuple[str, str]]) -> None:
        self._decider = decider
        self._seen = seen
        self.snapshot = decider.snapshot
        self.rules = decider.rules
        self.slots = decider.slots
        self.sensitive = decider.sensitive
        self.remember = decider.remember

    def decide(self, visitor: Visitor, slots: Iterable[str], *, now_ms: int) -> Any:
        facts = self.rules.facts(
            consent=visitor.consent,
            attributes=visitor.attributes,
            profile=visitor.profile,
            now_ms=now_ms,
        )
        for key in self.snapshot.definitions.segments:
            self._seen[key, str(facts.segment(key).truth)] += 1
        return self._decider.decide(visitor, slots, now_ms=now_ms)


def test_weeks_pass_and_weights_move(performance: Any) -> None:
    steps = performance.stage.service.results("pricing-hero").allocation
    opened = [step.opened_ms for step in steps]

    assert opened == sorted(opened)
    assert max(opened) - START_MS > 20 * 86_400_000
    assert len(set(chain.from_iterable(step.weights for step in steps))) == 3
