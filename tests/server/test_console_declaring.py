"""Declaring in the console what segments may look at."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from byleave.experiments import Definitions
from byleave.sdk.beacon import WEB_EVENTS
from byleave.sdk.request_attributes import request_attributes
from byleave.segments import Purpose, Source, plain
from byleave.server.console.declaring_page import OF_PAGES, OF_REQUESTS
from byleave.server.managing import Claim, Manager
from byleave.server.service import Service

PATH = "/console/declare"
QUOTE = {
    "name": "quote_requested",
    "properties": "amount number, plan string",
    "purposes": ["personalisation"],
    "ttl": "90d",
}


@pytest.fixture
def declare(marketer: TestClient) -> Callable[..., str]:
    def post(*, status: int = 200, **values: Any) -> str:
        answer = marketer.post(PATH, data=values)
        assert answer.status_code == status
        return answer.text

    return post


def test_what_is_told_by_itself_is_what_the_middleware_tells() -> None:
    scope = {
        "path": "/plans",
        "query_string": b"utm_campaign=spring",
        "headers": [
            (b"host", b"shop.example"),
            (b"referer", b"https://news.example/"),
            (b"accept-language", b"de"),
        ],
    }

    assert OF_PAGES.keys() == WEB_EVENTS
    assert request_attributes(scope, OF_REQUESTS, now_ms=0, country="DE").keys() == (
        OF_REQUESTS.keys()
    )


@pytest.mark.parametrize("name", [*OF_PAGES, *OF_REQUESTS])
def test_what_is_told_by_itself_is_declared_at_the_press_of_a_button(
    declare: Callable[..., str], service: Service, definitions: Definitions, name: str
) -> None:
    bare = replace(definitions, events={}, attributes={}, goals={}, segments={}, experiments={})
    service.publish(bare, reason="bare", author="tests")

    page = declare(known=name)

    made = service.published.snapshot.definitions
    assert f'value="{name}"' not in page
    assert [*made.events, *made.attributes] == [name]
    if name in OF_REQUESTS:
        assert made.attributes[name].source is Source.REQUEST
    else:
        assert dict(made.events[name].properties) == OF_PAGES[name]
        assert made.events[name].purposes == (Purpose.PERSONALISATION, Purpose.ANALYTICS)
    assert service.library.versions()[0].reason == f"{name} is declared"


def test_an_event_of_the_sites_own_is_declared_with_what_is_known_of_it(
    declare: Callable[..., str], service: Service
) -> None:
    page = declare(**QUOTE)

    assert plain(service.published.snapshot.definitions.events["quote_requested"]) == {
        "properties": {"amount": "number", "plan": "string"},
        "purposes": ["personalisation"],
        "ttl": "90d",
    }
    assert "quote_requested" in page
    managed = service.library.versions()[0].managed.by
    assert managed["events.quote_requested"] is Manager.CONSOLE


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": ""}, "names are lower-case letters"),
        ({"name": "Quote requested"}, "names are lower-case letters"),
        ({"name": "sign_up"}, "There is one of this name already."),
        ({"purposes": []}, "Choose at least one"),
        ({"purposes": ["necessary"]}, "Choose at least one"),
        ({"ttl": "9999d"}, "Choose how long it may be kept."),
        ({"properties": "amount"}, "Expected a name and a kind each"),
        ({"properties": "amount money"}, "money"),
        ({"properties": "amount number, amount string"}, "and each name once"),
        ({"name": "<script>alert(1)</script>"}, "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ],
)
def test_what_is_to_be_mended_is_said_and_nothing_is_lost(
    declare: Callable[..., str], service: Service, changed: dict[str, Any], said: str
) -> None:
    before = service.library.newest()

    page = declare(status=422, **{**QUOTE, **changed})

    assert said in page
    assert "<script>alert" not in page
    assert service.library.newest() == before
    if "name" not in changed:
        assert 'value="quote_requested"' in page


def test_what_somebody_declared_meanwhile_is_not_declared_again(
    declare: Callable[..., str], service: Service
) -> None:
    declare(known="scroll")
    before = service.library.newest()

    assert "There is one of this name already." in declare(status=422, known="scroll")
    assert service.library.newest() == before


def test_a_site_of_files_may_declare_what_its_files_do_not(
    declare: Callable[..., str], service: Service, definitions: Definitions
) -> None:
    service.publish(
        replace(definitions, holdout=definitions.holdout),
        reason="from files",
        author="files",
        claim=Claim(by=Manager.FILES),
    )

    declare(known="scroll")

    managed = service.library.versions()[0].managed
    assert "scroll" in service.published.snapshot.definitions.events
    assert managed.by["events.scroll"] is Manager.CONSOLE


def test_the_builder_leads_there_and_can_then_look_at_it(
    declare: Callable[..., str], marketer: TestClient, definitions: Definitions
) -> None:
    [key, *_] = definitions.segments
    before = marketer.get(f"/console/segments/{key}/edit").text
    declare(known="scroll")
    after = marketer.get(f"/console/segments/{key}/edit").text

    assert 'href="/console/declare"' in before
    assert '"event:scroll"' not in before
    assert '"event:scroll"' in after
