"""What a request says of itself, and who is no person."""

import json
from pathlib import Path
from typing import Any

import pytest

from byleave.sdk.crawlers import is_crawler, is_prefetch
from byleave.sdk.request_attributes import request_attributes

SHARED = Path(__file__).parents[3] / "shared" / "data" / "conformance" / "bots"
NAMES = ("campaign", "country", "device", "hour", "language", "path", "referrer_host")
BROWSERS = Path(__file__).with_name("browsers.txt").read_text(encoding="utf-8").splitlines()


def scope(path: str = "/", **headers: str) -> dict[str, Any]:
    path, _, query = path.partition("?")
    named = {"host": "shop.example", **headers}
    return {
        "path": path,
        "query_string": query.encode(),
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in named.items()],
    }


def derived(given: dict[str, Any]) -> dict[str, Any]:
    return request_attributes(given, NAMES, now_ms=7 * 3_600_000 + 5)


def test_a_bare_request_says_little() -> None:
    assert derived(scope("/books")) == {"device": "desktop", "hour": 7, "path": "/books"}


def test_no_more_of_an_agent_is_looked_at_than_browsers_say() -> None:
    agent = f"Mozilla/5.0 {'Android' * 100}Mobile"  # looking on from each would take for ever

    assert derived(scope(user_agent=agent))["device"] == "tablet"


def test_only_what_is_declared_is_derived() -> None:
    assert request_attributes(scope(), ["hour", "unknown"], now_ms=0) == {"hour": 0}


@pytest.mark.parametrize(
    ("value", "language"),
    [
        ("en-GB,en;q=0.9,cy;q=0.8", "en"),
        ("de;q=0.5, fr;q=0.7", "fr"),
        ("*", None),
        ("en;q=0", None),
        ("en;q=x,fr", "fr"),
        ("../../etc", None),
        ("", None),
    ],
)
def test_the_language_is_the_one_liked_best(value: str, language: str | None) -> None:
    assert derived(scope(accept_language=value)).get("language") == language


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("https://www.search.example/?q=secret", "www.search.example"),
        ("https://shop.example/books", None),
        ("about:blank", None),
        ("https://[", None),
        ("", None),
    ],
)
def test_the_referrer_is_the_host_of_another_site(value: str, host: str | None) -> None:
    assert derived(scope(referer=value)).get("referrer_host") == host


@pytest.mark.parametrize(
    ("query", "campaign"),
    [
        ("utm_campaign=spring+sale&gclid=abc", "spring sale"),
        ("gclid=EAIaIQobChMI", None),
        ("utm_campaign=reader%40mail.example", None),
        ("utm_campaign=8f14e45fceea167a5a36", None),
        ("utm_campaign=20261005", None),
        ("utm_campaign=%00", None),
        ("utm_campaign=a&" + "x=1&" * 80, None),
        ("utm_campaign=", None),
    ],
)
def test_a_campaign_is_a_name_and_no_identifier(query: str, campaign: str | None) -> None:
    assert derived(scope(f"/?{query}")).get("campaign") == campaign


@pytest.mark.parametrize(
    ("agent", "hint", "device"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Mobile/15E148", "", "phone"),
        ("Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) Mobile/15E148", "", "tablet"),
        ("Mozilla/5.0 (Linux; Android 10; K) Chrome/131.0.0.0 Mobile Safari/537.36", "", "phone"),
        ("Mozilla/5.0 (Linux; Android 10; K) Chrome/131.0.0.0 Safari/537.36", "", "tablet"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Firefox/133.0", "", "desktop"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Firefox/133.0", "?1", "phone"),
        ("", "", "desktop"),
    ],
)
def test_the_device_is_one_of_three(agent: str, hint: str, device: str) -> None:
    assert derived(scope(user_agent=agent, sec_ch_ua_mobile=hint))["device"] == device


@pytest.mark.parametrize("agent", BROWSERS)
def test_browsers_are_people(agent: str) -> None:
    assert not is_crawler(scope(user_agent=agent))


def test_a_request_without_a_user_agent_may_be_a_person() -> None:
    assert not is_crawler(scope())


def test_nearly_all_known_crawlers_are_recognised() -> None:
    if not SHARED.is_dir():
        pytest.skip("needs the shared data: a list of crawlers' user agents")
    [file] = SHARED.glob("*.json")
    entries = json.loads(file.read_text(encoding="utf-8"))
    agents = [agent for entry in entries for agent in entry["instances"]]

    missed = [agent for agent in agents if not is_crawler(scope(user_agent=agent))]

    assert len(missed) <= len(agents) // 100


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"sec_purpose": "prefetch"}, True),
        ({"sec_purpose": "prefetch;prerender"}, True),
        ({"purpose": "prefetch"}, True),
        ({"x_moz": "prefetch"}, True),
        ({"sec_purpose": ""}, False),
        ({}, False),
    ],
)
def test_a_prefetch_says_so(headers: dict[str, str], expected: bool) -> None:
    assert is_prefetch(scope(**headers)) is expected
