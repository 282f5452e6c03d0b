"""Every page of the console: declared, guarded, safe to open, and shown as its reader wants."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from byleave.server.app import create_app
from byleave.server.console import assets
from byleave.server.console.display import COOKIE, Display
from byleave.server.console.pages import PAGES
from byleave.server.keys import Role
from byleave.server.service import Service

STATIC = Path(assets.__file__).parent / "static"
DISPLAY = "/console/display"


@pytest.fixture
def reader(service: Service) -> TestClient:
    """A browser of somebody who may open every page."""
    key = service.create_key(Role.ADMIN)
    return TestClient(create_app(service), headers={"Authorization": f"Bearer {key}"})


@pytest.fixture
def anybody(service: Service) -> TestClient:
    """A browser of somebody unknown."""
    return TestClient(create_app(service))


def kept(client: TestClient) -> Display:
    return Display.of({COOKIE: client.cookies[COOKIE]})


NAMES = {
    "key": "welcome",
    "file": "arms.csv",
    "version": "1.1",
    "draft": "welcome",
    "segment": "customers",
    "arm": "bold",
    "image": f"{'0' * 64}.png",
}
GUARDED = [page for page in PAGES if page.roles is not None]
BY_LINK = ("/results", "/console/first-admin")
#: Pages that are about more than a path can say.
IN_PART = ("{file}", "{arm}/image")
READABLE = [
    page
    for page in PAGES
    if page.method == "GET"
    and not page.path.startswith(BY_LINK)
    and not page.path.endswith(IN_PART)
]


@pytest.mark.parametrize("page", GUARDED, ids=lambda page: f"{page.method} {page.path}")
def test_a_page_opens_to_nobody_without_a_role(page: Any, anybody: TestClient) -> None:
    path = page.path.format_map(NAMES)
    answer = anybody.request(page.method, path, follow_redirects=False)

    if page.method == "GET":
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/console/sign-in?next=%2Fconsole")
    else:
        assert answer.status_code == 403
        assert "You are signed out" in answer.text
    assert "welcome" not in re.sub(r'value="[^"]*"|href="[^"]*"', "", answer.text)


@pytest.mark.parametrize(
    ("path", "above"),
    [
        ("/console/people/remove", "/console/people"),
        (f"/console/images/{NAMES['image']}/removal", "/console/images"),
        ("/console/drafts/welcome/live", "/console/drafts/welcome"),
        ("/console/history/1.1/restore", "/console/history/1.1"),
        ("/console/sign-out", "/console"),
    ],
)
def test_a_theme_chosen_on_what_a_form_answered_leads_to_the_page_above(
    path: str, above: str, reader: TestClient
) -> None:
    chosen = reader.post(DISPLAY, data={"theme": "dark", "next": path})

    assert chosen.status_code == 200
    assert (chosen.url.path, chosen.history[-1].headers["cache-control"]) == (above, "no-store")


@pytest.mark.parametrize("page", READABLE, ids=lambda page: page.path)
def test_a_page_is_safe_and_loads_only_from_here(page: Any, reader: TestClient) -> None:
    answer = reader.get(page.path.format_map(NAMES))
    policy = answer.headers["content-security-policy"]
    [nonce] = re.findall(r"script-src 'nonce-([\w-]+)'", policy)
    loaded = re.findall(r'<(?:script|link)[^>]+(?:src|href)="([^"]+)"', answer.text)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert set(re.findall(r'<script[^>]*nonce="([^"]*)"', answer.text)) == {nonce}
    assert answer.text.count("<script") == answer.text.count("<script type=") > 0
    assert not re.search(r"<[^>]*(?:\sstyle=|\son\w+=|https?://)", answer.text)
    assert [reader.get(path).status_code for path in loaded] == [200] * len(loaded)
    assert len(answer.content) < 60_000


def test_no_two_pages_have_the_same_nonce(anybody: TestClient) -> None:
    policies = {anybody.get(DISPLAY).headers["content-security-policy"] for _ in range(3)}

    assert len(policies) == 3


def test_a_page_that_is_none_says_so(reader: TestClient) -> None:
    answer = reader.get("/console/nowhere")

    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def test_what_fails_becomes_a_page_that_tells_nothing_of_it(
    reader: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_key: str, **_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(service, "results", broken)
    answer = reader.get("/console/experiments/welcome")

    assert answer.status_code == 500
    assert "This page failed" in answer.text
    assert "secret" not in answer.text


def test_a_store_that_is_away_is_told_of(
    reader: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_key: str, **_: object) -> None:
        raise OperationalError("SELECT", None, OSError("disk"))

    monkeypatch.setattr(service, "results", away)
    answer = reader.get("/console/experiments/welcome")

    assert answer.status_code == 503
    assert "The store cannot be reached now" in answer.text


def test_without_definitions_a_page_says_what_to_do(
    open_service: Callable[..., Service],
) -> None:
    service = open_service()
    client = TestClient(create_app(service))
    client.headers["Authorization"] = f"Bearer {service.create_key(Role.ANALYST)}"
    answer = client.get("/console/experiments/welcome")

    assert answer.status_code == 503
    assert "Nothing is published yet" in answer.text


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        ({"theme": "dark"}, ("dark", "en-GB", "UTC")),
        ({"locale": "en-US"}, ("auto", "en-US", "UTC")),
        ({"zone": "Europe/Berlin", "theme": "light"}, ("light", "en-GB", "Europe/Berlin")),
    ],
)
def test_what_is_chosen_is_kept(
    chosen: dict[str, str], shown: tuple[str, str, str], anybody: TestClient
) -> None:
    answer = anybody.post(DISPLAY, data=chosen, follow_redirects=False)
    display = kept(anybody)

    assert answer.status_code == 303
    assert (display.theme, display.locale, display.zone) == shown
    assert f'data-theme="{shown[0]}"' in anybody.get(DISPLAY).text


def test_nothing_that_was_typed_is_lost_after_a_fault(anybody: TestClient) -> None:
    answer = anybody.post(DISPLAY, data={"zone": "Atlantis/<City>", "theme": "dark"})

    assert answer.status_code == 422
    assert COOKIE not in anybody.cookies
    assert 'value="Atlantis/&lt;City&gt;"' in answer.text
    assert '<a href="#zone">Write a zone as the list has it' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert 'value="dark" checked' in answer.text


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("/console/experiments?x=1", "/console/experiments?x=1"),
        ("", DISPLAY),
        ("//evil.example", DISPLAY),
        ("/\\evil.example", DISPLAY),
        ("https://evil.example", DISPLAY),
        ("/a\r\nX: y", DISPLAY),
    ],
)
def test_one_comes_back_to_this_server_only(wanted: str, target: str, anybody: TestClient) -> None:
    answer = anybody.post(DISPLAY, data={"next": wanted}, follow_redirects=False)

    assert unquote(answer.headers["location"]) == target


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_what_another_site_sends_changes_nothing(
    headers: dict[str, str], anybody: TestClient
) -> None:
    answer = anybody.post(DISPLAY, data={"theme": "dark"}, headers=headers)

    assert answer.status_code == 403
    assert COOKIE not in anybody.cookies


def test_a_form_that_is_too_long_is_refused(anybody: TestClient) -> None:
    answer = anybody.post(DISPLAY, content=b"x=" + b"y" * 300_000)

    assert answer.status_code == 413


@given(cookie=st.text(max_size=200), languages=st.text(max_size=100))
def test_a_display_is_made_of_whatever_a_browser_says(cookie: str, languages: str) -> None:
    display = Display.of({COOKIE: cookie}, languages)

    assert Display.of({COOKIE: display.to_cookie()}) == display


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("", "en-GB"),
        ("en-US,en;q=0.9", "en-US"),
        ("en;q=0.5, en-AU", "en-AU"),
        ("tlh, en-US;q=0.1", "en-US"),
        ("en-US;q=never", "en-GB"),
    ],
)
def test_numbers_follow_the_browsers_languages(header: str, locale: str) -> None:
    assert Display.of({}, header).locale == locale


@pytest.mark.parametrize("locale", ["en-GB\r\nX: y", "en-GB-abcde\n", "en-", "en-GB-x", "en_GB"])
def test_what_is_no_locale_gets_into_no_header(locale: str, anybody: TestClient) -> None:
    anybody.cookies.set(COOKIE, quote(urlencode({"locale": locale}), safe=""))

    assert anybody.get(DISPLAY).headers["content-language"] == "en-GB"


def test_files_of_others_are_what_the_manifest_says() -> None:
    manifest = json.loads((STATIC / "vendor.json").read_text(encoding="utf-8"))
    listed = {name: file["sha256"] for each in manifest for name, file in each["files"].items()}
    licences = {each["licence_file"] for each in manifest}
    found = {path.relative_to(STATIC).as_posix() for path in (STATIC / "vendor").iterdir()}

    assert found == {*listed, *licences}
    for name, expected in listed.items():
        assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == expected
    assert "://" not in json.dumps(manifest)
    assert all(each["version"] and each["licence"] for each in manifest)
