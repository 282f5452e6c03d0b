"""The page of results: told in three ways, as of any day, and in files that say the same."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from starlette.testclient import TestClient

from byleave.experiments import Definitions
from byleave.server.app import create_app
from byleave.server.console.exports import _csv
from byleave.server.console.figures import ticks
from byleave.server.keys import Role
from byleave.server.service import Service

DAY_MS = 86_400_000
PAGE = "/console/experiments/welcome"


@pytest.fixture
def client(told: Service) -> TestClient:
    key = told.create_key(Role.ANALYST)
    return TestClient(create_app(told), headers={"Authorization": f"Bearer {key}"})


@pytest.fixture
def browse_results() -> Callable[[Service], str]:
    """Opens the page of results of a service."""

    def get(service: Service) -> str:
        key = service.create_key(Role.ANALYST)
        client = TestClient(create_app(service), headers={"Authorization": f"Bearer {key}"})
        answer = client.get(PAGE)
        assert answer.status_code == 200
        return answer.text

    return get


def rows(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_results_of_a_moment_that_is_past_are_what_was_shown_then(
    told: Service, history: Any
) -> None:
    for shown in history.shown:
        again = told.results("welcome", as_of_ms=shown.as_of_ms)

        assert again.report == shown.report
        assert again.others == shown.others
        assert again.holdout == shown.holdout
        assert again.looks == shown.looks
        assert [step.allocation for step in again.allocation] == [
            step.allocation for step in shown.allocation
        ]
        assert again.allocation[-1].closed_ms is None


def test_every_look_shows_what_the_results_of_that_moment_said(told: Service) -> None:
    results = told.results("welcome")
    shown = [look for look in results.looks if look.arms]

    assert len(shown) > 5
    for look in shown[:: len(shown) // 4]:
        then = told.results("welcome", as_of_ms=look.at_ms).report
        for row in then.arms[1:]:
            assert (row.arm in look.arms) == (row.difference_interval is not None)
            if row.arm in look.arms:
                assert look.arms[row.arm].difference_interval == row.difference_interval
    assert {arm: look.difference for arm, look in shown[-1].arms.items()} == {
        row.arm: row.difference for row in results.report.arms[1:] if row.difference is not None
    }


def test_who_came_day_by_day_are_all_who_came(told: Service) -> None:
    results = told.results("welcome")
    counted = sum(count or 0 for day in results.enrolment for count in day.units.values())
    hidden = sum(count is None for day in results.enrolment for count in day.units.values())

    assert results.enrolled is not None
    assert counted <= results.enrolled <= counted + 9 * hidden
    assert sum(day.rows for day in results.enrolment) == len(results.allocation)
    assert results.units_in_30_days == pytest.approx(38 * 4 * 30, rel=0.05)


def test_an_experiment_that_had_not_begun_by_then_has_no_results(client: TestClient) -> None:
    long_ago = client.get(PAGE, params={"as_of": "1999-12-31"})
    begun = client.get(PAGE, params={"as_of": "2024-10-04"})

    assert long_ago.status_code == 404
    assert "There is nothing here yet" in long_ago.text
    assert begun.status_code == 200
    assert "Nothing has matured yet" in begun.text


def test_a_run_that_nobody_came_to_says_what_is_missing(
    service: Service, browse_results: Callable[[Service], str], clock: Any
) -> None:
    untouched = browse_results(service)
    service.add_counts("01890000-0000-7000-8000-0000000000aa", {"page: ": 5}, at_ms=clock())
    clock.advance(hours=1)
    viewed = browse_results(service)

    assert "Nothing to check yet: nobody was enrolled." in untouched
    assert "p = 1" not in untouched
    assert "Come back then" not in untouched
    assert "No site has reported a page view since the day this began." in untouched
    assert "5 page views were reported since the day this began." in viewed
    assert "none was of somebody whom the audience fits and who may be measured." in viewed


@pytest.mark.parametrize(
    ("control", "is_compared"), [("0%", False), ("10%", True), ("100%", False)]
)
def test_a_control_without_a_share_or_with_all_is_told_to_give_no_lift(
    control: str,
    is_compared: bool,
    service: Service,
    define: Callable[..., Definitions],
    browse_results: Callable[[Service], str],
    clock: Any,
) -> None:
    rest = f"{100 - int(control.rstrip('%'))}%"
    shares = {"control": control, "bold": rest, "calm": "0%"}
    fixed = define(allocate={"policy": "fixed", "goal": "signup", "shares": shares})
    service.publish(fixed, reason="fixed", author="tests")
    clock.advance(hours=1)

    page = browse_results(service)

    assert service.results("welcome").has_comparison is is_compared
    assert ("no lift can be known, however long this runs" in page) is not is_compared
    assert "They are fixed by the definitions" in page
    assert "Thompson sampling" not in page


def test_page_views_are_told_of_as_such(
    told: Service, open_service: Any, define: Any, browse_results: Any, send: Any
) -> None:
    viewed = define(unit="view", goals={"primary": "signup"}, report_by=[])
    signup = replace(viewed.goals["signup"], within="page")
    by_view = open_service("views.db")
    by_view.publish(
        replace(viewed, goals={**viewed.goals, "signup": signup}), reason="first", author="tests"
    )
    for _ in range(20):
        by_view.ingest([send.exposure(f"view-{send.id()}")])

    visitors, views = browse_results(told), browse_results(by_view)

    assert "Visitors keep to one variant." in visitors
    assert "counted for 2 days after the first visit" in visitors
    assert "Visitors keep to one variant." not in views
    assert "once the last of them can report signup no more" in views


@pytest.mark.parametrize("as_of", ["soon", "2026-13-01", "9999-12-31", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_day_is_told(as_of: str, client: TestClient) -> None:
    answer = client.get(PAGE, params={"as_of": as_of})

    assert answer.status_code in (404, 422)
    assert "results can be shown of" in answer.text or "nothing here yet" in answer.text


def test_a_moment_without_an_offset_is_one_of_the_readers_zone(client: TestClient) -> None:
    client.cookies.set("byleave_display", "zone%3DAsia%252FTokyo")
    local, said = (
        client.get(PAGE, params={"as_of": f"2024-10-20T10:00{offset}"}).text
        for offset in ("", "+09:00")
    )

    assert "as of <time" in " ".join(local.split())
    times = [re.findall(r'as of <time datetime="([^"]+)"', page) for page in (local, said)]
    assert times[0] == times[1]


def test_an_axis_has_a_length_where_nothing_differs() -> None:
    assert ticks(0.0, 0.0)[-1] == 1.0


def test_a_link_to_the_results_as_they_are_shows_them_again(
    client: TestClient, told: Service, clock: Any
) -> None:
    page = client.get(PAGE)
    [link] = re.findall(r'href="([^"]+)">Link to these results', page.text)
    sentence = told.results("welcome").report.sentence
    clock.advance(days=9)
    now = client.get(PAGE).text

    later = client.get(link.replace("&amp;", "&"))

    assert told.results("welcome").report.sentence != sentence
    assert sentence not in now
    assert sentence in later.text


@pytest.mark.parametrize(
    ("effect", "words", "value"),
    [
        ("relative", "Change relative to the control", r"\+\d+\.\d\s%"),
        ("absolute", "Difference from the control", r"\+\d+\.\d\d\spp"),
        ("scaled", "Change for all visitors of 30 days", r"\+\d+"),
    ],
)
def test_a_change_is_told_in_three_ways(
    effect: str, words: str, value: str, client: TestClient
) -> None:
    text = client.get(PAGE, params={"effect": effect}).text

    assert f'aria-current="true">{effect.title()}</a>' in text
    assert words in text
    assert re.search(value, text)


def test_files_say_what_the_page_says(client: TestClient, told: Service) -> None:
    results = told.results("welcome")
    arms = rows(client.get(f"{PAGE}/arms.csv"))
    looks = rows(client.get(f"{PAGE}/looks.csv"))
    days = rows(client.get(f"{PAGE}/enrolment.csv"))
    weights = rows(client.get(f"{PAGE}/weights.csv"))

    assert client.get(f"{PAGE}/results.json").json() == json.loads(json.dumps(results.to_plain()))
    assert len(arms) == 3 * (1 + len(results.others) + len(results.segments))
    assert [float(row["difference"] or 0) for row in arms[:3]] == [
        row.difference or 0 for row in results.report.arms
    ]
    assert len(looks) == sum(len(look.arms) for look in results.looks)
    assert len(days) == 3 * len(results.enrolment)
    assert len(weights) == 3 * len(results.allocation)


def test_every_file_that_the_page_lists_is_there(client: TestClient) -> None:
    page = client.get(PAGE).text
    files = re.findall(r'<a href="([^"]+)" download translate="no">', page)

    assert len(files) > 8
    for file in files:
        answer = client.get(file.replace("&amp;", "&"))
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].startswith("attachment")
        if ".svg" in file:
            drawing = ElementTree.fromstring(answer.text)  # noqa: S314 (our own)
            assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
            assert "light-dark" in answer.text


@pytest.mark.parametrize("file", ["other.csv", "arms.svg", "results.xml", "band-9.svg", "x"])
def test_a_file_that_is_none_is_told(file: str, client: TestClient) -> None:
    assert client.get(f"{PAGE}/{file}").status_code == 404


def test_no_spreadsheet_takes_a_name_for_a_formula() -> None:
    text = _csv([{"arm": "=cmd()", "units": -1.5}, {"arm": "+1", "other": None}])

    assert text.splitlines() == ["arm,units,other", "'=cmd(),-1.5,", "'+1,,"]


def test_files_open_by_the_link_that_opens_the_page(client: TestClient, told: Service) -> None:
    anybody = TestClient(create_app(told))
    link = told.results_link("welcome", lasts_ms=DAY_MS)
    page = anybody.get(link)
    files = re.findall(r'<a href="([^"]+)" download translate="no">', page.text)

    assert page.status_code == 200
    assert "<nav" not in page.text
    assert all(anybody.get(file.replace("&amp;", "&")).status_code == 200 for file in files)
    assert anybody.get(files[0].partition("?")[0]).status_code == 403
