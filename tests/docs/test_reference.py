"""The reference is complete: what is public is in it, and what is in it is public."""

import importlib
import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from byleave.sdk import asgi, buffer, wsgi
from byleave.sdk.consent_routes import CHOICE_LASTS_S
from byleave.sdk.cookies import MOST_COOKIE_BYTES, cookie_name
from byleave.sdk.counters import page_counter
from byleave.sdk.memory import OF_THE_KNOWN
from byleave.sdk.request_attributes import request_attributes
from byleave.sdk.routes import ROUTES
from byleave.sdk.visitor import IDENTITY_LASTS_MS
from byleave.sdk.wishes import STANDARD
from byleave.segments import Consent
from byleave.segments.consent.cookie import COOKIE_NAME

PACKAGES = ("byleave.sdk", "byleave.segments", "byleave.experiments")


def names(table: list[list[str]]) -> list[str]:
    return [row[0].strip("`") for row in table]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_of_a_package_is_explained(
    package: str, page_at: Callable[[str], Any]
) -> None:
    table = page_at("docs/reference/python.md").table(f"## {package}")

    assert sorted(names(table)) == sorted(importlib.import_module(package).__all__)


def test_what_the_server_offers_is_there(page_at: Callable[[str], Any]) -> None:
    table = page_at("docs/reference/python.md").table("## byleave.server")

    assert importlib.import_module("byleave.server").__all__ == []
    for name in names(table):
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("middleware", [asgi.Personalise, wsgi.Personalise])
def test_every_argument_of_the_middleware_is_explained(
    middleware: type, page_at: Callable[[str], Any]
) -> None:
    table = page_at("docs/reference/middleware.md").table("## Arguments")
    parameters = [*inspect.signature(middleware).parameters.values()][1:]

    assert [row[:2] for row in table] == [[f"`{p.name}`", default(p.default)] for p in parameters]


def default(value: object) -> str:
    match value:
        case None | "" | ():
            return "none"
        case bool():
            return f"`{str(value).lower()}`"
        case str() | int():
            return f"`{value}`"
        case _:
            return "see text"


def test_every_attribute_that_a_request_tells_is_listed(page_at: Callable[[str], Any]) -> None:
    table = page_at("docs/reference/middleware.md").table("## What a request says")
    scope = {
        "path": "/pricing",
        "query_string": b"utm_campaign=spring",
        "headers": [
            (b"accept-language", b"en-GB"),
            (b"referer", b"https://news.example/today"),
        ],
    }

    found = request_attributes(scope, names(table), now_ms=0, country="NO")

    assert found == {
        "campaign": "spring",
        "country": "NO",
        "device": "desktop",
        "hour": 0,
        "language": "en",
        "path": "/pricing",
        "referrer_host": "news.example",
    }


def test_every_route_on_the_sites_origin_is_listed(page_at: Callable[[str], Any]) -> None:
    table = page_at("docs/reference/middleware.md").table("## Routes on the site's own origin")

    assert sorted(name.partition(" ")[2] for name in names(table)) == sorted(ROUTES)


def test_every_cookie_is_listed_with_how_long_it_lasts(page_at: Callable[[str], Any]) -> None:
    page = page_at("docs/reference/cookies.md")
    table = page.table("# Cookies")
    secure, plain = {"scheme": "https"}, {"scheme": "http"}
    day_s = 86_400

    assert names(table) == [
        COOKIE_NAME,
        *(cookie_name(use, secure) for use in (*OF_THE_KNOWN, STANDARD)),
    ]
    assert cookie_name("id", plain) in page.prose
    assert f"{CHOICE_LASTS_S // day_s} days" in table[0][3]
    assert f"{IDENTITY_LASTS_MS // 1000 // day_s} days" in table[1][3]
    assert f"{MOST_COOKIE_BYTES:,} bytes" in table[2][2]


def test_everything_that_a_site_counts_is_listed(page_at: Callable[[str], Any]) -> None:
    table = page_at("docs/reference/wire.md").table("## POST /v1/counters")
    listed = {re.findall(r"`([^`]+)`", row[0])[0] for row in table}
    counted = {
        name
        for file in Path(buffer.__file__).parent.glob("*.py")
        for name in re.findall(r'site\.count\(f?"([^"{]+)', file.read_text(encoding="utf-8"))
    }

    assert "seen " in counted
    assert listed == {*counted, buffer.DROPPED, page_counter(Consent({}))}


def test_every_adapter_is_listed_with_its_options(page_at: Callable[[str], Any]) -> None:
    table = page_at("docs/how-to/consent-tools.md").table("## The adapters")
    cells = [[re.findall(r"`(\w+)`", cell) for cell in row] for row in table]

    found = {name: module for [name], [module], _, _ in cells}
    adapters = {
        name: getattr(importlib.import_module(f"byleave.segments.consent.{module}"), name)
        for name, module in found.items()
    }

    assert [row[3] for row in cells] == [
        [field.name for field in fields(adapter)] for adapter in adapters.values()
    ]


def test_the_words_of_the_glossary_are_explained_once(page_at: Callable[[str], Any]) -> None:
    words = names(page_at("docs/reference/glossary.md").table("# Glossary"))

    assert len(words) == len(set(words))
    assert [word for word in words if not re.fullmatch("[a-z]+", word)] == []
