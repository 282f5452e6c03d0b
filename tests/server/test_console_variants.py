"""What a variant shows, edited in the console: kept, checked, framed, and HTML for admins alone."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from byleave.experiments import Definitions
from byleave.segments import read
from byleave.server.app import create_app
from byleave.server.console.drafting import EXPERIMENTS, drafted
from byleave.server.keys import Role
from byleave.server.service import Service

from .builder import fields_in
from .conftest import DEFINITIONS

SITE: dict[str, Any] = DEFINITIONS | {
    "attributes": DEFINITIONS["attributes"]
    | {
        "industry": {
            "type": "string",
            "source": "site",
            "purposes": ["personalisation"],
            "ttl": "30d",
        }
    },
    "slots": {
        "hero": {
            "kind": "content",
            "fields": {"title": "text", "image": "image", "link": "url"},
            "template": "hero.html",
        },
        "menu": {"kind": "navigation"},
    },
}
OTHER = {**DEFINITIONS["experiments"]["welcome"], "slot": "menu", "report_by": []}
SITE["experiments"] = {
    **DEFINITIONS["experiments"],
    "menus": OTHER | {"variants": {"control": "site", "short": {"nav": [{"promote": "/a"}]}}},
}
BOLD = "/console/drafts/welcome/variants/bold"
SHORT = "/console/drafts/menus/variants/short"


@pytest.fixture
def site(service: Service) -> Service:
    """A site with a slot that has fields, and a navigation."""
    service.publish(read(Definitions, SITE), reason="fields", author="tests")
    return service


@pytest.fixture
def browser(site: Service) -> Callable[[Role], TestClient]:
    """Opens the console as somebody of a role."""

    def of(role: Role) -> TestClient:
        key = site.create_key(role)
        return TestClient(create_app(site), headers={"Authorization": f"Bearer {key}"})

    return of


def shown(page: str) -> str:
    """What the frame of a page shows."""
    found = re.search(r'srcdoc="([^"]*)"', page)
    return unescape(found[1]) if found else ""


def opened(client: TestClient, path: str, **values: str) -> dict[str, str]:
    """Values to send, beside the state of the variant as its page has it."""
    return {"draft": dict(fields_in(client.get(path).text))["draft"], **values}


def variant(service: Service, key: str, arm: str) -> Any:
    return (drafted(service, EXPERIMENTS, key) or {})["variants"][arm]


def test_fields_are_kept_framed_and_checked(
    site: Service, browser: Callable[[Role], TestClient]
) -> None:
    values = {
        "kind": "fields",
        "field-title": "Offers for {{ industry | your industry }} <b>now</b>",
        "field-image": "javascript:100%<i>",
        "field-link": "http://shop.example/",
        "do": "save",
    }
    client = browser(Role.MARKETER)
    page = client.post(BOLD, data=opened(client, BOLD) | values).text

    assert variant(site, "welcome", "bold")["fields"]["title"].startswith("Offers for {{ industry")
    assert "Offers for your industry &lt;b&gt;now&lt;/b&gt;" in shown(page)
    assert 'href="#field-image"' in page
    assert "expected the address of the image" in page
    assert "<i>" not in page
    assert "This address is not encrypted" in page
    assert "sandbox srcdoc" in page


def test_nobody_overwrites_what_another_saved_of_a_variant(
    site: Service, browser: Callable[[Role], TestClient]
) -> None:
    client = browser(Role.MARKETER)
    held = dict(fields_in(client.get(BOLD, params={"kind": "fields"}).text))
    experiment = dict(fields_in(client.get("/console/drafts/welcome").text))
    client.post("/console/drafts/welcome", data=experiment | {"do": "save", "title": "Elsewhere"})
    first = client.post(BOLD, data=held | {"field-title": "One's", "do": "save"})
    late = client.post(BOLD, data=held | {"field-title": "The other's", "do": "save"})
    kept = variant(site, "welcome", "bold")["fields"]["title"]
    typed = dict(fields_in(late.text))
    again = client.post(BOLD, data=typed | {"do": "save"})

    without = client.post(BOLD, data={"kind": "fields", "field-title": "Unseen", "do": "save"})

    assert (first.status_code, late.status_code, again.status_code) == (200, 409, 200)
    assert without.status_code == 409
    assert "this draft was saved meanwhile" in late.text
    assert (kept, typed["field-title"]) == ("One's", "The other's")
    assert variant(site, "welcome", "bold")["fields"]["title"] == "The other's"


def test_navigation_is_put_in_order_by_buttons(
    site: Service, browser: Callable[[Role], TestClient]
) -> None:
    rows = {"path-0": "/a", "verb-0": "promote", "path-1": "/b", "verb-1": "emphasise"}
    rows |= {"label-1": "", "path-2": "/help", "verb-2": "hide", "kind": "nav"}
    client = browser(Role.MARKETER)

    def send(doing: str) -> str:
        return client.post(SHORT, data=opened(client, SHORT) | rows | {"do": doing}).text

    page = send("up-2")
    assert variant(site, "menus", "short")["nav"] == [
        {"promote": "/a"}, {"hide": "/help"}, {"emphasise": "/b"},
    ]  # fmt: skip
    assert "nobody may be cut off from" in page
    assert 'href="#path-1"' in page

    send("drop-2")
    assert variant(site, "menus", "short")["nav"] == [{"promote": "/a"}, {"emphasise": "/b"}]
    send("down-0")
    assert variant(site, "menus", "short")["nav"][1] == {"promote": "/a"}


def test_only_admins_write_html_in_the_console_and_over_http(
    site: Service, browser: Callable[[Role], TestClient]
) -> None:
    markup = {"kind": "html", "html": '<p>Hi <img src="/a.png"><a href="/x">here</a></p>'}
    marketer, admin = browser(Role.MARKETER), browser(Role.ADMIN)

    assert marketer.post(BOLD, data=markup).status_code == 403
    assert "?kind=html" not in marketer.get(BOLD).text
    page = admin.post(BOLD, data=opened(admin, BOLD) | markup).text
    assert "This image has no alt text: " in re.sub("<[^>]*>", "", page)
    assert "As a link it does not say where it leads: here" in re.sub("<[^>]*>", "", page)

    version, definitions = site.library.newest(), site.library.version(site.library.newest())[1]
    definitions["experiments"]["welcome"]["variants"]["bold"] = {"html": "<p>Hi</p>"}
    asked: dict[str, Any] = {"definitions": definitions, "reason": "html"}
    matching = {"If-Match": f'"{version}"'}
    refused = marketer.post("/v1/definitions", json=asked, headers=matching)
    assert (refused.status_code, refused.json()["status"]) == (403, 403)
    assert "only admins may publish variants of kind html" in refused.json()["detail"]
    assert marketer.post("/v1/definitions/plan", json={"definitions": definitions}).is_error
    assert admin.post("/v1/definitions", json=asked, headers=matching).status_code == 200

    # What is there already may stay, whoever publishes.
    matching = {"If-Match": f'"{site.library.newest()}"'}
    asked["definitions"]["holdout"] = 0.1
    assert marketer.post("/v1/definitions", json=asked, headers=matching).status_code == 200


def test_refused_html_is_told_where_it_stands_and_runs_in_no_frame(
    browser: Callable[[Role], TestClient],
) -> None:
    admin = browser(Role.ADMIN)
    markup = {"kind": "html", "html": "<p>Hi<script>alert(1)</script></p>"}
    answer = admin.post(BOLD, data=opened(admin, BOLD) | markup)

    assert 'href="#html"' in answer.text
    assert "&lt;script&gt; may do more than show something" in answer.text
    assert "<script>alert" not in answer.text
    assert "frame-src 'none'" in answer.headers["content-security-policy"]


def test_a_published_variant_stands_beside_the_sites_own_page(
    browser: Callable[[Role], TestClient],
) -> None:
    open_page = browser(Role.MARKETER).get
    framed = open_page(BOLD, params={"page": "https://shop.example:8443/a?b=1", "width": "desktop"})
    odd = open_page(BOLD, params={"page": "https://shop.example;script-src *"})
    linked = open_page(
        BOLD, params={"page": "https://shop.example/"}, headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert "frame-src https://shop.example:8443" in framed.headers["content-security-policy"]
    assert len(re.findall(r'<iframe class="frame desktop" sandbox src="https', framed.text)) == 2
    assert "frame-src 'none'" in odd.headers["content-security-policy"]
    assert "frame-src 'none'" in linked.headers["content-security-policy"]
    assert not re.search(r'(?:src|href)="https', linked.text)


@pytest.mark.parametrize("data", ["[" * 20_000, '"\\ud800"', "NaN", "[1e999]", '{"a": 1'])
def test_data_that_cannot_be_kept_is_told_and_not_lost(
    data: str, site: Service, browser: Callable[[Role], TestClient]
) -> None:
    slots = SITE["slots"] | {"mail": {"kind": "data"}}
    mails = OTHER | {"slot": "mail", "variants": {"control": "site", "short": {"data": {}}}}
    definitions = {"slots": slots, "experiments": SITE["experiments"] | {"mails": mails}}
    site.publish(read(Definitions, SITE | definitions), reason="data", author="tests")
    path, client = SHORT.replace("menus", "mails"), browser(Role.MARKETER)
    answer = client.post(path, data=opened(client, path, kind="data", data=data, do="save"))

    assert answer.status_code == 422
    assert "This is not JSON" in answer.text
    assert data in unescape(answer.text)
    assert site.library.drafts() == []


@pytest.mark.parametrize("path", [f"{BOLD}2", "/console/drafts/welcome/variants/control"])
def test_there_is_no_form_for_what_is_no_variant(
    path: str, browser: Callable[[Role], TestClient]
) -> None:
    assert browser(Role.MARKETER).get(path).status_code == 404
