"""Counts of nobody in particular: added once, by day, and what they say of a site's pages."""

from typing import Any

import pytest

from byleave.segments import Purpose
from byleave.server.counters import REMEMBERED_MS, forget_reports, pages
from byleave.server.service import Service

DAY_MS = 86_400_000
USES = (Purpose.PERSONALISATION, Purpose.ANALYTICS)


def test_a_report_that_comes_twice_is_added_once(service: Service, send: Any, clock: Any) -> None:
    first, second = send.id(), send.id()

    added = [
        service.add_counts(report, {"page: ": 3, "decisions": 4}, at_ms=clock())
        for report in (first, second, first)
    ]

    assert added == [True, True, False]
    assert service.counts(since_ms=0) == {"page: ": 6, "decisions": 8}


def test_counts_are_added_up_by_day_and_none_lies_in_the_future(
    service: Service, send: Any, clock: Any
) -> None:
    service.add_counts(send.id(), {"page: ": 1}, at_ms=clock() - DAY_MS)
    service.add_counts(send.id(), {"page: ": 10}, at_ms=clock() + 90 * DAY_MS)

    assert service.counts(since_ms=clock() - DAY_MS) == {"page: ": 11}
    assert service.counts(since_ms=clock()) == {"page: ": 10}
    assert service.counts(since_ms=clock() + DAY_MS) == {}


def test_ids_of_reports_are_forgotten_when_none_is_sent_again(
    service: Service, send: Any, clock: Any
) -> None:
    report = send.id()
    service.add_counts(report, {"page: ": 1}, at_ms=clock())
    later_ms = clock() + REMEMBERED_MS + 1
    with service.storage.writing() as connection:
        forget_reports(connection, service.site, now_ms=later_ms - 1)
    assert not service.add_counts(report, {"page: ": 1}, at_ms=clock())

    with service.storage.writing() as connection:
        forget_reports(connection, service.site, now_ms=later_ms)

    assert service.add_counts(report, {"page: ": 1}, at_ms=clock())


@pytest.mark.parametrize(
    ("counts", "share"),
    [
        ({}, None),
        ({"decisions": 9}, None),
        ({"page: ": 4}, 0.0),
        ({"page: analytics personalisation": 3, "page: analytics": 2, "page: ": 5}, 0.3),
        ({"page: analytics personalisation something-new": 1}, 1.0),
    ],
)
def test_the_share_of_pages_that_may_be_measured(
    counts: dict[str, int], share: float | None
) -> None:
    assert pages(counts).share(USES) == share


def test_results_say_how_much_of_the_site_they_are_about(
    service: Service, send: Any, clock: Any
) -> None:
    counts = {"page: analytics personalisation": 61, "page: ": 39}
    service.add_counts(send.id(), counts, at_ms=clock())

    found = service.results("welcome")

    assert found.report.population == "visitors who may be measured (61 % of page views)"
