"""The overview and the list tell of every experiment, and of what needs somebody."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from byleave.experiments.definitions import Schedule
from byleave.server.access import EDITORS, READERS
from byleave.server.app import create_app
from byleave.server.console.glance import glances
from byleave.server.keys import Role
from byleave.server.service import Service

LIST = "/console/experiments"


@pytest.fixture
def browse() -> Callable[..., str]:
    """Opens a page of a service as somebody who may read results."""

    def get(service: Service, path: str, **query: str) -> str:
        key = service.create_key(Role.ANALYST)
        client = TestClient(create_app(service), headers={"Authorization": f"Bearer {key}"})
        answer = client.get(path, params=query)
        assert answer.status_code == 200
        return answer.text

    return get


def test_the_bare_address_leads_to_the_console(service: Service) -> None:
    answer = TestClient(create_app(service)).get("/", follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (303, "/console")


def test_where_nothing_ever_ran_the_pages_say_what_will_come(
    open_service: Callable[..., Service], definitions: Any, browse: Any
) -> None:
    service = open_service()
    service.publish(replace(definitions, experiments={}), reason="bare", author="tests")

    overview, listed = browse(service, "/console"), browse(service, LIST)

    for page in (overview, listed):
        assert "No experiment ever ran on this site." in page
        assert "<table" not in page
    assert "No page views are counted yet" in overview
    assert "<form method=" not in listed.partition("<main")[2].partition("</main>")[0]


def test_the_overview_names_what_is_to_be_decided_and_what_is_wrong(
    told: Service, browse: Any, clock: Any
) -> None:
    decided = browse(told, "/console")
    with told.storage.writing() as connection:
        connection.exec_driver_sql("UPDATE runs SET conflicts = 500")
    clock.advance(hours=1)
    wrong = browse(told, "/console")

    assert "decide what stays." in decided
    assert "not carried out as planned" not in decided
    assert "It is not carried out as planned: no lift is given." in wrong
    assert 'badge-unhealthy"' in wrong


def test_the_overview_names_what_is_compared_with_nothing(
    service: Service, define: Any, browse: Any
) -> None:
    sound = browse(service, "/console")
    shares = {"control": "0%", "bold": "50%", "calm": "50%"}
    fixed = define(allocate={"policy": "fixed", "goal": "signup", "shares": shares})
    service.publish(fixed, reason="fixed", author="tests")

    told = browse(service, "/console")

    assert "Every experiment is carried out as planned" in sound
    assert "Its control has a share of 0 % or of all" in told
    assert "Every experiment is carried out as planned" not in told


def test_the_overview_says_what_everything_brings_and_whom_it_reaches(
    told: Service, browse: Any, clock: Any
) -> None:
    told.add_counts(
        "01890000-0000-7000-8000-0000000000aa",
        {"page: personalisation analytics": 25, "page: ": 75},
        at_ms=clock(),
    )
    page = browse(told, "/console")

    holdout = told.results("welcome").holdout
    assert holdout is not None
    assert holdout.sentence in page
    assert "25.0\N{NO-BREAK SPACE}% of the page views of the last 30 days" in page
    assert "results speak for them only" in page


def test_what_was_worked_out_is_kept_for_a_minute_and_no_longer(told: Service, clock: Any) -> None:
    first = glances(told)
    again = glances(told)
    clock.advance(hours=0.02)
    later = glances(told)

    assert again is first
    assert later is not first
    assert later.as_of_ms > first.as_of_ms


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 1),
        ({"words": "WEL hero"}, 1),
        ({"words": "other"}, 0),
        ({"status": "Ready for review"}, 1),
        ({"status": "Unhealthy"}, 0),
        ({"words": "<b>" * 100}, 0),
    ],
)
def test_the_list_is_narrowed(
    query: dict[str, str], count: int, told: Service, browse: Any
) -> None:
    page = browse(told, LIST, **query)

    assert f"{count} experiment" in page
    assert (f"{LIST}/welcome" in page) == (count == 1)
    assert ("None of them fits." in page) == (count == 0)
    assert "<b>" not in page


def test_an_experiment_that_is_over_stays_in_the_list(told: Service, browse: Any) -> None:
    definitions = told.published.snapshot.definitions
    told.publish(replace(definitions, experiments={}), reason="the end", author="tests")

    assert not glances(told).live
    assert f"{LIST}/welcome" in browse(told, LIST)


def test_an_experiment_that_begins_later_says_when(
    service: Service, definitions: Any, browse: Any
) -> None:
    welcome = definitions.experiments["welcome"]
    later = replace(welcome, schedule=Schedule(start="2999-12-01T09:00", timezone="Europe/London"))
    pages = ("/console", LIST, f"{LIST}/welcome")
    before = [browse(service, page) for page in pages]
    service.publish(
        replace(definitions, experiments={"welcome": later}), reason="wait", author="tests"
    )

    for page, was in zip(pages, before, strict=True):
        assert 'begins <time datetime="2999-12-01T09:00' in browse(service, page)
        assert "begins <time" not in was


@pytest.mark.parametrize("role", sorted(READERS))
def test_whoever_may_change_an_experiment_finds_from_its_results_where(
    service: Service, definitions: Any, role: Role
) -> None:
    headers = {"Authorization": f"Bearer {service.create_key(role)}"}
    client = TestClient(create_app(service), headers=headers)

    place = "/console/drafts/welcome"

    page = client.get(f"{LIST}/welcome").text
    opened = client.get(place)
    service.publish(replace(definitions, experiments={}), reason="the end", author="tests")
    archived = client.get(f"{LIST}/welcome").text

    assert (f'href="{place}"' in page) == (role in EDITORS)
    assert (opened.status_code == 200) == (role in EDITORS)
    assert f'href="{place}"' not in archived
