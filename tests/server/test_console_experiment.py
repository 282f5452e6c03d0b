"""The page of an experiment: what its form holds, how the experiment stands, and previews."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from byleave.experiments import Definitions
from byleave.server.console.experiments_checks import checks
from byleave.server.console.experiments_form import as_form, written
from byleave.server.service import Service

from .conftest import DEFINITIONS

DRAFTS = "/console/drafts"


def test_a_time_with_an_offset_is_shown_in_its_zone_and_stays_as_it_was_written() -> None:
    before = {
        "schedule": {
            "start": "2026-12-01T09:00Z",
            "end": "2026-12-02T21:30:45.123+00:00",
            "timezone": "America/New_York",
        },
        "ramp": [{"at": "2026-12-01T12:00+00:00", "traffic": "50%"}],
    }
    form = as_form(before, zone="Europe/Berlin")
    shown = [form.value(name) for name in ("start", "end", "ramp_at")]
    kept = written(form, before, {})
    form.values = {**form.values, "start": ["2026-12-01T05:00"]}

    assert shown == ["2026-12-01T04:00", "2026-12-02T16:30", "2026-12-01T07:00"]
    assert (kept["schedule"], kept["ramp"]) == (before["schedule"], before["ramp"])
    assert written(form, before, {})["schedule"]["start"] == "2026-12-01T05:00"


def test_the_readers_zone_is_offered_where_no_time_is_set_and_utc_holds_where_one_is() -> None:
    zones = [
        as_form({"schedule": schedule}, zone="Europe/Berlin").value("timezone")
        for schedule in ({}, {"start": "2026-12-01T09:00"}, {"end": "soon"})
    ]

    assert zones == ["Europe/Berlin", "UTC", "UTC"]


def test_what_the_form_has_no_room_for_stays_as_it_was() -> None:
    steps = [{"at": f"2030-0{month}-01T09:00", "traffic": f"{month}0%"} for month in (1, 2, 3)]
    many = {name: {"template": f"{name}.html"} for name in ("a", "b", "c", "d", "e", "f")}
    before = {
        "title": "Many",
        "slot": "hero",
        "variants": {"control": "site", **many},
        "ramp": steps,
        "allocate": {"policy": "thompson", "goal": "signup"},
        "goals": {"primary": "signup"},
    }

    after = written(as_form(before, zone="UTC"), before, {})

    assert after["variants"] == before["variants"]
    assert after["ramp"] == steps


@pytest.mark.parametrize(
    ("fields", "has_content"),
    [
        ({"image": "/a.png", "image_alt": ""}, True),
        ({"title": {"de": "Neu"}, "image": "/a.png", "image_alt": ""}, True),
        ({"title": ""}, False),
        ({"title": {"de": "Neu", "fr": ""}, "image": "/a.png"}, False),
    ],
)
def test_a_text_may_be_empty_where_another_says_something(
    fields: Any, has_content: bool, service: Service
) -> None:
    variants = {"control": "site", "bold": {"fields": fields}}
    welcome = DEFINITIONS["experiments"]["welcome"] | {"variants": variants}
    first = checks(service, "welcome", DEFINITIONS | {"experiments": {"welcome": welcome}})[0]

    assert "something to show" in first.text
    assert first.is_met is has_content


@pytest.mark.parametrize(
    ("changed", "sentence", "may_review"),
    [
        ({"traffic": 0}, "It is published for review, without visitors.", True),
        (
            {"traffic": 0, "ramp": [{"at": "2024-01-01T00:00", "traffic": 0.5}]},
            "It is published and runs.",
            False,
        ),
        ({"schedule": {"start": "2040-01-01T00:00"}}, "It is published, and begins later.", False),
    ],
)
def test_the_page_says_how_an_experiment_stands(
    changed: dict[str, Any],
    sentence: str,
    may_review: bool,
    define: Callable[..., Definitions],
    marketer: TestClient,
    service: Service,
) -> None:
    service.publish(define(**changed), reason="changed", author="tests")
    page = marketer.get(f"{DRAFTS}/welcome").text

    assert sentence in page
    assert ("Publish for review, without visitors" in page) is may_review


@pytest.mark.parametrize(
    "written",
    [
        "text",
        {"variants": None, "goals": 3, "allocate": [], "schedule": "soon", "ramp": "soon"},
        {"slot": "hero", "ramp": ["soon"], "variants": {"bold": {"fields": [1]}}, "traffic": []},
    ],
)
def test_a_draft_of_another_program_is_shown_as_far_as_it_can_be(
    written: Any, marketer: TestClient
) -> None:
    draft = {"base": 1, "definitions": {"experiments": {"welcome": written}}}
    assert marketer.put("/v1/drafts/welcome", json=draft).status_code == 200

    assert marketer.get(f"{DRAFTS}/welcome").status_code == 200
    assert marketer.get(f"{DRAFTS}/welcome/variants/bold").status_code in (200, 404)
    assert marketer.get(DRAFTS).status_code == 200


def test_more_visitors_than_there_are_people_are_no_number(marketer: TestClient) -> None:
    asked = {"baseline": "10", "lift": "1", "a_day": "1e308"}

    assert "Write three numbers above 0" in marketer.get(f"{DRAFTS}/welcome", params=asked).text


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("/plans", "/plans?byleave="),
        ("https://Shop.example", "https://Shop.example?byleave="),
        ("https://shop.example/a?b=1#plans", "https://shop.example/a?b=1&amp;byleave="),
    ],
)
def test_a_preview_is_of_whatever_page_somebody_names(
    page: str, link: str, marketer: TestClient
) -> None:
    found = marketer.get(f"{DRAFTS}/welcome", params={"page": page, "days": "1"})
    [address] = re.findall(r'href="([^"]+)" rel="noreferrer" translate="no">bold', found.text)

    assert found.status_code == 200
    assert address.startswith(link)
    assert address.partition("#")[2] == page.partition("#")[2]


@pytest.mark.parametrize("page", ["plans", "//evil.example/", "shop.example/plans", "http://["])
def test_what_is_no_address_of_a_page_is_told(page: str, marketer: TestClient) -> None:
    drafts = marketer.get(f"{DRAFTS}/welcome", params={"page": page, "days": "1"})
    variant = marketer.get(f"{DRAFTS}/welcome/variants/bold", params={"page": page})

    assert drafts.status_code == 422
    assert "Write the whole address of a page, or its path" in drafts.text
    assert "Write the whole address of a page, such as" in variant.text
    assert "byleave=" not in drafts.text + variant.text
