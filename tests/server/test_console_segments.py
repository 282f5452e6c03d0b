"""The page of segments counts whom the log knows, and shows what each segment asks."""

from dataclasses import replace
from typing import Any

import yaml
from starlette.testclient import TestClient

from byleave.segments import Purpose, Segment, Truth, read
from byleave.server.app import create_app
from byleave.server.console.segment_study import study
from byleave.server.console.segments_page import segment_views
from byleave.server.keys import Role
from byleave.server.knowing import MOST_DRAWN
from byleave.server.service import Service


def open_as(service: Service, role: Role) -> TestClient:
    key = service.create_key(role)
    return TestClient(create_app(service), headers={"Authorization": f"Bearer {key}"})


def page_of(service: Service) -> str:
    return open_as(service, Role.VIEWER).get("/console/segments").text


def with_buyers(definitions: Any) -> Any:
    bought = read(Segment, {"when": {"event": "purchase", "count": {"at_least": 1}}})
    welcome = replace(definitions.experiments["welcome"], audience="buyers")
    return replace(
        definitions,
        segments={**definitions.segments, "buyers": bought},
        experiments={"welcome": welcome},
    )


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


def test_whom_a_segment_cannot_reach_is_told_with_how_many_page_views_that_is(
    service: Service, definitions: Any, clock: Any
) -> None:
    service.publish(with_buyers(definitions), reason="buyers", author="tests")
    service.add_counts(
        "01890000-0000-7000-8000-0000000000aa",
        {"page: personalisation": 25, "page: ": 75},
        at_ms=clock(),
    )

    told = {each.key: " ".join(each.advice) for each in segment_views(service)}

    assert (
        "reaches nobody who has not agreed to personalisation: it needs purchase" in told["buyers"]
    )
    assert "75% of page views" in told["buyers"]
    assert "75% of page views" in page_of(service)


def test_who_is_in_a_segment_is_counted_of_those_who_agreed_to_its_use(
    service: Service, definitions: Any, send: Any
) -> None:
    service.publish(with_buyers(definitions), reason="buyers", author="tests")
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
    service.ingest([send.event(f"v{number:05}") for number in range(MOST_DRAWN + 5)])

    [size] = [each.size for each in segment_views(service)]

    assert not size.is_whole


def test_a_page_of_its_own_counts_each_row_and_says_why(
    service: Service, definitions: Any, send: Any
) -> None:
    service.publish(with_buyers(definitions), reason="buyers", author="tests")
    bought = [send.event(f"a{number:05}", "purchase") for number in range(12)]
    service.ingest([*bought, *(send.event(f"v{number:05}") for number in range(12, 30))])
    pages = {
        role: open_as(service, role).get("/console/segments/buyers").text
        for role in (Role.VIEWER, Role.ANALYST, Role.ADMIN)
    }

    found = study(service, "buyers", service.published.snapshot.definitions)
    assert (found.row.text, found.row.size.inside) == ("purchase at least 1 time", 12)
    assert (found.size.inside, found.size.outside, found.size.agreed) == (12, 18, 30)
    assert {each.truth for each in found.examples} == {Truth.TRUE, Truth.FALSE}
    assert "12 of 30 who agreed to personalisation" in pages[Role.VIEWER]
    assert "true because" not in pages[Role.VIEWER]
    assert "true because: purchase once" in pages[Role.ANALYST]
    assert "a00001" not in pages[Role.ANALYST]
    assert "a00001" in pages[Role.ADMIN]
    assert open_as(service, Role.ADMIN).get("/console/segments/nobody").status_code == 404
