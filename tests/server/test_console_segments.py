"""The page of segments counts whom the log knows, and shows what each segment asks."""

from dataclasses import replace
from typing import Any

import yaml
from starlette.testclient import TestClient

from byleave.segments import Purpose, Segment, read
from byleave.server.app import create_app
from byleave.server.console.segments_page import MOST_JUDGED, segment_views
from byleave.server.keys import Role
from byleave.server.service import Service


def page_of(service: Service) -> str:
    key = service.create_key(Role.VIEWER)
    client = TestClient(create_app(service), headers={"Authorization": f"Bearer {key}"})
    return client.get("/console/segments").text


def test_segments_are_shown_with_what_they_ask_and_what_uses_them(service: Service) -> None:
    view = segment_views(service)
    page = page_of(service)
    definitions = service.published.snapshot.definitions

    assert [each.key for each in view] == sorted(definitions.segments)
    for each in view:
        [document] = yaml.safe_load_all(each.rule)
        assert document["segment"] == each.key
        assert f'id="segment-{each.key}"' in page
    assert {each.key: each.experiments for each in view} == {"customers": ("welcome",)}


def test_without_visitors_there_is_nothing_to_count(service: Service) -> None:
    view = segment_views(service)

    assert {each.size.agreed for each in view} == {0}
    assert {each.withheld for each in view} == {None}


def test_a_page_view_that_withholds_the_use_is_counted(service: Service, clock: Any) -> None:
    service.add_counts(
        "01890000-0000-7000-8000-0000000000aa",
        {"page: personalisation": 25, "page: ": 75},
        at_ms=clock(),
    )

    assert {each.withheld for each in segment_views(service)} <= {0.75, None}
    assert "75.0\N{NO-BREAK SPACE}% of the page views" in page_of(service)


def test_who_is_in_a_segment_is_counted_of_those_who_agreed_to_its_use(
    service: Service, definitions: Any, send: Any
) -> None:
    bought = read(Segment, {"when": {"event": "purchase", "count": {"at_least": 1}}})
    more = replace(definitions, segments={**definitions.segments, "buyers": bought})
    service.publish(more, reason="buyers", author="tests")
    buyers = [send.event(f"a{number:05}", "purchase") for number in range(12)]
    others = [send.event(f"v{number:05}") for number in range(12, 30)]
    silent = [send.event(f"s{number:05}", uses=[Purpose.ANALYTICS]) for number in range(30, 60)]
    service.ingest([*buyers, *others, *silent])

    counted = {each.key: each.size for each in segment_views(service)}

    assert (counted["buyers"].inside, counted["buyers"].agreed) == (12, 30)
    assert counted["buyers"].is_whole
    assert counted["customers"].why_not == "it looks at is_customer, which only the site knows"
    assert "12 of 30 who agreed to personalisation" in page_of(service)


def test_of_many_visitors_no_more_are_judged_than_a_page_has_time_for(
    service: Service, send: Any
) -> None:
    service.ingest([send.event(f"v{number:05}") for number in range(MOST_JUDGED + 5)])

    [size] = [each.size for each in segment_views(service)]

    assert not size.is_whole
