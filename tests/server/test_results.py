"""Results rest on mature rows, and their pages say what they show to everyone."""

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from byleave.experiments.lift import Status
from byleave.server.app import create_app
from byleave.server.errors import UnknownNameError
from byleave.server.keys import Role
from byleave.server.service import Service

HOUR_MS = 3_600_000
RATES = {"control": 0.10, "bold": 0.25, "calm": 0.12, "holdout": 0.10}


@pytest.fixture
def live(send: Any, clock: Any) -> Callable[[Service, int], None]:
    """Lets visitors come for some days, 40 every six hours, who differ by arm."""
    draw = Random(1)

    def do(service: Service, days: int) -> None:
        for _ in range(4 * days):
            [row] = service.published.snapshot.runs["welcome"].allocations
            events = []
            for number in range(40):
                arm = draw.choices(list(row.weights), list(row.weights.values()))[0]
                arm = "holdout" if number % 20 == 0 else arm
                drawn_from = None if arm == "holdout" else row.id
                visitor = send.id()
                groups = ["customers"] if draw.random() < 0.5 else []
                events.append(send.exposure(visitor, arm, allocation=drawn_from, groups=groups))
                if draw.random() < RATES[arm]:
                    events.append(send.event(visitor))
            service.ingest(events)
            service.tick(clock.advance(hours=6))

    return do


@pytest.fixture
def finished(
    open_service: Callable[..., Service], definitions: Any, live: Any, clock: Any
) -> Service:
    """A service of simulated visitors whose experiment has something to tell."""
    service = open_service(is_simulated=True)
    service.publish(definitions, reason="first", author="tests")
    live(service, 12)
    service.tick(clock.advance(days=3))
    return service


def test_without_visitors_the_results_say_that_nothing_is_there(service: Service) -> None:
    results = service.results("welcome")

    assert results.report.status is Status.COLLECTING
    assert results.report.rows == 0
    assert results.enrolled == 0
    assert results.holdout is None
    assert "No mature data yet" in results.report.sentence


def test_a_row_matures_a_day_and_a_window_after_it_was_closed(
    service: Service, live: Any, clock: Any
) -> None:
    live(service, 1)
    window_days = 2

    clock.advance(days=1 + window_days, hours=-0.01)
    before = service.results("welcome").report
    clock.advance(hours=0.01)
    after = service.results("welcome").report

    assert (before.rows, after.rows) == (0, 1)
    assert before.mature_until_ms is None
    assert after.mature_until_ms == clock() - 3 * 24 * HOUR_MS
    assert after.units == 152


def test_each_goal_matures_by_its_own_window(service: Service, live: Any, clock: Any) -> None:
    live(service, 1)
    clock.advance(days=3.5)

    results = service.results("welcome")

    assert results.report.rows == 1
    assert [other.rows for other in results.others] == [0, 0]


def test_the_better_variant_is_found_and_named(finished: Service) -> None:
    results = finished.results("welcome")

    bold = next(row for row in results.report.arms if row.arm == "bold")
    assert results.report.sentence.startswith(
        "Among visitors who may be measured, bold raised signup by"
    )
    assert bold.difference_interval is not None
    assert RATES["bold"] - RATES["control"] in bold.difference_interval
    assert results.report.health.sample_ratio_p > 0.001
    assert [row.arm for row in results.report.arms] == ["control", "bold", "calm"]


def test_everything_personalised_is_held_against_the_holdout_of_the_same_time(
    finished: Service,
) -> None:
    results = finished.results("welcome")

    assert results.holdout is not None
    assert results.report.units == results.holdout.personalised_units
    assert results.holdout.holdout_units * 19 == results.holdout.personalised_units
    assert "everything personalised" in results.holdout.sentence


def test_reporting_segments_are_parts_of_everyone(finished: Service) -> None:
    results = finished.results("welcome")

    part = results.segments["customers"]
    assert part.units is None or 0 < part.units < (results.report.units or 0)
    assert "customers" in part.sentence


def test_an_arm_that_drives_people_away_is_reported(
    finished: Service, send: Any, clock: Any
) -> None:
    before = finished.results("welcome").report.health.withdrawal_p
    with finished.storage.reading() as connection:
        fled = connection.exec_driver_sql("SELECT unit FROM enrolments WHERE arm = 'bold'").all()
    for row in fled[:60]:
        finished.erase(row.unit)

    report = finished.results("welcome").report

    assert before == 1
    assert report.health.withdrawal_p is not None
    assert report.health.withdrawal_p < 0.001


def test_results_of_a_run_that_is_over_stay(finished: Service, clock: Any) -> None:
    definitions = finished.published.snapshot.definitions
    finished.publish(replace(definitions, experiments={}), reason="the end", author="tests")

    results = finished.results("welcome")

    assert results.ended_ms == clock()
    assert results.report.rows > 5


def test_an_experiment_that_never_ran_is_unknown(service: Service) -> None:
    with pytest.raises(UnknownNameError):
        service.results("other")


@pytest.fixture
def visit() -> Callable[..., Any]:
    """Opens a page of a service."""

    def get(service: Service, path: str, **headers: str) -> Any:
        return TestClient(create_app(service)).get(path, headers=headers)

    return get


def test_the_page_tells_the_sentence_first_and_the_data_below_each_figure(
    finished: Service, visit: Any
) -> None:
    page = visit(finished, finished.results_link("welcome", lasts_ms=HOUR_MS))

    sentence = finished.results("welcome").report.sentence
    assert page.status_code == 200
    assert page.text.index(sentence) < page.text.index("<figure ")
    assert page.text.index("Health</h2>") < page.text.index("<table>")
    assert "Simulated visitors" in page.text
    for figure in re.findall(r"<figure .*?</figure>", page.text, re.DOTALL):
        parts = ["<figcaption>", "<svg", "<title", "<desc", "<table>"]
        assert sorted(parts, key=figure.index) == parts


def test_a_site_that_was_simulated_once_says_so_for_ever(
    open_service: Callable[..., Service],
) -> None:
    marks = []
    for is_simulated in (False, True, False):
        service = open_service(is_simulated=is_simulated)
        marks.append(service.site.is_simulated)
        service.close()

    assert marks == [False, True, True]


def test_a_page_without_data_says_what_will_come(service: Service, visit: Any) -> None:
    page = visit(service, service.results_link("welcome", lasts_ms=HOUR_MS))

    assert "Nothing has matured yet" in page.text
    assert "Simulated visitors" not in page.text


@pytest.mark.parametrize("query", ["", "?leave=", "?leave=99999999999999", "?leave=9999.forged"])
def test_a_page_opens_to_nobody_without_leave(service: Service, visit: Any, query: str) -> None:
    page = visit(service, f"/results/welcome{query}")

    assert page.status_code == 403
    assert "This link does not open these results" in page.text
    assert "signup" not in page.text


@pytest.mark.parametrize(("role", "status"), [(Role.ANALYST, 200), (Role.PUBLIC, 403)])
def test_a_page_opens_to_those_who_may_read_results(
    service: Service, visit: Any, role: Role, status: int
) -> None:
    key = service.create_key(role)

    assert visit(service, "/results/welcome", authorization=f"Bearer {key}").status_code == status


def test_the_page_of_an_unknown_experiment_is_an_honest_empty_one(
    service: Service, visit: Any
) -> None:
    page = visit(service, service.results_link("<b>x", lasts_ms=HOUR_MS))

    assert page.status_code == 404
    assert "There is nothing here yet" in page.text
    assert "<b>" not in page.text


def test_a_holdout_whose_share_changed_is_compared_since_then(
    finished: Service, definitions: Any, live: Any, clock: Any
) -> None:
    before = finished.results("welcome").holdout
    changed_ms = clock()
    share = type(definitions.holdout)(0.0501)
    finished.publish(replace(definitions, holdout=share), reason="more", author="tests")
    at_once = finished.results("welcome").holdout
    live(finished, 8)
    finished.tick(clock.advance(days=3))
    after = finished.results("welcome").holdout

    assert before is not None
    assert before.since_ms == finished.results("welcome").started_ms
    assert at_once is None
    assert after is not None
    assert (after.share, after.since_ms) == (0.0501, changed_ms)
    past = finished.results("welcome", as_of_ms=changed_ms - 1).holdout
    assert past is not None
    assert (past.share, past.since_ms) == (before.share, before.since_ms)
    assert after.personalised_units < before.personalised_units
    assert after.holdout_units * 19 == after.personalised_units


def test_a_holdout_of_another_size_than_its_share_gives_no_figure(
    finished: Service, definitions: Any, live: Any, clock: Any
) -> None:
    share = type(definitions.holdout)(0.25)
    finished.publish(replace(definitions, holdout=share), reason="more", author="tests")
    live(finished, 8)
    finished.tick(clock.advance(days=3))

    holdout = finished.results("welcome").holdout

    assert holdout is not None
    assert holdout.sample_ratio_p < 0.001
    assert holdout.sentence.startswith("No figure is given")


def test_goals_are_looked_at_together_and_advice_is_of_the_primary_one(finished: Service) -> None:
    results = finished.results("welcome")

    assert ("bold", "signup") in results.standing_out
    assert all(not goal.startswith("customers") for _, goal in results.standing_out)
    assert results.report.value_remaining is not None
    assert {other.value_remaining for other in results.others} == {None}
    part = results.segments["customers"]
    assert {row.stands_out for row in part.arms} == {None}


def test_a_damaged_version_takes_no_results_away(finished: Service) -> None:
    with finished.storage.writing() as connection:
        connection.exec_driver_sql("UPDATE definition_versions SET definitions = '{'")

    results = finished.results("welcome")

    assert ("bold", "signup") in results.standing_out
    assert results.holdout is None


def test_a_report_takes_no_longer_the_more_versions_there_are(
    finished: Service, definitions: Any
) -> None:
    for number in range(3):
        share = type(definitions.holdout)(0.05 + number / 1_000)
        finished.publish(replace(definitions, holdout=share), reason="more", author="tests")
    finished.results("welcome")
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(finished.storage._readers, "before_cursor_execute", note)
    finished.results("welcome")

    assert [each for each in asked if "definition_versions" in each] != []
    assert [each for each in asked if "definition_versions.definitions" in each] == []
