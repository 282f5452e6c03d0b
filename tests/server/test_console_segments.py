"""The page of segments counts whom the log knows, and shows what each segment asks."""

from dataclasses import replace
from typing import Any

import yaml
from starlette.testclient import TestClient

from byleave.segments import Segment, read
from byleave.server.app import create_app
from byleave.server.console.segments_page import MOST_JUDGED, segments_view
from byleave.server.keys import Role
from byleave.server.service import Service


def page_of(service: Service) -> str:
    key = service.create_key(Role.VIEWER)
    client = TestClient(create_app(service), headers={"Authorization": f"Bearer {key}"})
    return client.get("/console/segments").text


def test_segments_are_shown_with_what_they_ask_and_what_uses_them(service: Service) -> None:
    view = segments_view(service)
    page = page_of(service)
    definitions = service.published.snapshot.definitions

    assert [each.key for each in view.all] == sorted(definitions.segments)
    for each in view.all:
        [document] = yaml.safe_load_all(each.rule)
        assert document["segment"] == each.key
        assert f'id="segment-{each.key}"' in page
    assert {each.key: each.experiments for each in view.all} == {"customers": ("welcome",)}


def test_without_visitors_there_is_nothing_to_count(service: Service) -> None:
    view = segments_view(service)

    assert view.sizes.judged == 0
    assert {each.withheld for each in view.all} == {None}


def test_a_page_view_that_withholds_the_use_is_counted(service: Service, clock: Any) -> None:
    service.add_counts(
        "01890000-0000-7000-8000-0000000000aa",
        {"page: personalisation": 25, "page: ": 75},
        at_ms=clock(),
    )

    assert {each.withheld for each in segments_view(service).all} <= {0.75, None}
    assert "75.0\N{NO-BREAK SPACE}% of the page views" in page_of(service)


def test_who_is_in_a_segment_is_counted_of_those_whom_the_page_has_time_for(
    service: Service, definitions: Any, send: Any
) -> None:
    bought = read(Segment, {"when": {"event": "purchase", "count": {"at_least": 1}}})
    more = replace(definitions, segments={**definitions.segments, "buyers": bought})
    service.publish(more, reason="buyers", author="tests")
    few = [send.event(f"a{number:05}", "purchase") for number in range(12)]
    service.ingest([*few, *(send.event(f"v{number:05}") for number in range(MOST_JUDGED))])

    view = segments_view(service)

    assert (view.sizes.judged, view.sizes.is_whole) == (MOST_JUDGED, False)
    assert {each.key: each.count for each in view.all} == {"buyers": 12, "customers": None}
    page = page_of(service)
    assert "drawn by their ids" in page
    assert f"12 of {MOST_JUDGED}" in page
    assert "is_customer, which only the site knows" in page
