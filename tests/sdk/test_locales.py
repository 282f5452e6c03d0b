"""Texts by locale on pages: in the page's own, and the site's own content in any other."""

import json
from typing import Any

import pytest
from jinja2 import DictLoader, Environment

from byleave.sdk.wishes import preview_link

TEMPLATES = {"hero.html": '<a href="{{ link }}">{{ title }}</a>'}
SITE = Environment(loader=DictLoader(TEMPLATES), autoescape=True)
LANGUAGE = {"language": {"type": "string", "source": "request"}}
TONGUE = {
    "tongue": {
        "type": "string",
        "source": "site",
        "purposes": ["personalisation", "analytics"],
        "ttl": "session",
    }
}
FIELDS = {"title": {"en": "Welcome", "de": "Grüß <b>Gott</b>"}, "link": {"en": "/", "de": "/de"}}
GERMAN = '<a href="/de">Grüß &lt;b&gt;Gott&lt;/b&gt;</a>'
ENGLISH = '<a href="/">Welcome</a>'
DEFAULT = "<h2>Default</h2>"


def shop(kit: Any, fields: object = FIELDS, **changes: Any) -> Any:
    variants = {"control": "site", "b": {"fields": fields}}
    return kit.define(
        **{"attributes": LANGUAGE, "experiments": kit.greeting(variants=variants), **changes}
    )


@pytest.fixture
def site(kit: Any, personalise: Any) -> Any:
    def make(**options: Any) -> Any:
        options.setdefault("definitions", shop(kit))
        options.setdefault("consent", kit.granted)
        return personalise(templates=SITE, **options)

    return make


def expected(kit: Any, inside: str) -> bytes:
    page: bytes = kit.page.replace(DEFAULT.encode(), inside.encode())
    return page


@pytest.mark.parametrize(
    ("language", "inside"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", GERMAN),
        ("en", ENGLISH),
        ("fr,de;q=0.5", DEFAULT),
        ("", DEFAULT),
    ],
)
def test_a_page_is_shown_its_own_locale_or_stays_as_it_is(
    kit: Any, site: Any, language: str, inside: str
) -> None:
    answer = kit.browser(site()).get(accept_language=language)

    assert answer.body == expected(kit, inside)


def test_a_site_says_itself_in_which_locale_a_page_is(kit: Any, site: Any) -> None:
    def tongue(scope: Any) -> dict[str, str]:
        return {"tongue": "de-at" if scope["path"].startswith("/de") else "fr"}

    definitions = shop(kit, locale="tongue", attributes=TONGUE)
    browser = kit.browser(site(definitions=definitions, attributes=tongue))

    german, french = (browser.get(path, accept_language="en") for path in ("/de/", "/fr/"))

    assert german.body == expected(kit, GERMAN)
    assert french.body == kit.page


def test_without_consent_no_page_has_a_locale(kit: Any, site: Any) -> None:
    answer = kit.browser(site(consent=kit.refused)).get(accept_language="de")

    assert answer.body == kit.page
    assert answer.set_cookies == {}


@pytest.mark.parametrize(("language", "inside"), [("en-GB", ENGLISH), ("fr", GERMAN)])
def test_a_preview_shows_the_locale_of_the_page_or_the_first(
    kit: Any, site: Any, language: str, inside: str
) -> None:
    link = preview_link("/", {"hero": "greeting/b"}, secret=kit.secret, until_ms=kit.now_ms + 1)

    answer = kit.browser(site()).get(link, accept_language=language)

    assert inside in answer.text


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("de", {"kind": "fields", "content": {"title": "Grüß <b>Gott</b>", "link": "/de"}}),
        ("fr", None),
    ],
)
def test_a_front_end_is_told_the_texts_of_its_page(
    kit: Any, site: Any, language: str, shown: object
) -> None:
    answer = kit.browser(site())._send(
        "POST",
        "/.byleave/decisions",
        json.dumps({"slots": ["hero"], "path": "/"}).encode(),
        {
            "sec_fetch_dest": "empty",
            "sec_fetch_site": "same-origin",
            "accept_language": language,
        },
    )

    assert json.loads(answer.body)["slots"] == {"hero": shown}


def test_the_same_arm_in_two_locales_is_two_pages_to_a_cache(
    kit: Any, personalise: Any, site: Any
) -> None:
    headers = (("content-type", "text/html"), ("cache-control", "max-age=60"), ("etag", '"1"'))
    shared = personalise(
        kit.html_app(headers=headers),
        definitions=shop(kit),
        templates=SITE,
        cache="signature",
    )
    browser = kit.browser(shared)
    browser.choose("accept")
    tags = [browser.get(accept_language=each).header("etag") for each in ("de", "en", "de")]

    forms = [
        browser.get("/.byleave/signature", x_original_uri="/", accept_language=each).header(
            "x-byleave-sig"
        )
        for each in ("de", "en", "de-CH")
    ]

    assert tags[0] == tags[2] != tags[1]
    assert forms[0]
    assert forms[0] == forms[2] != forms[1]


def test_what_is_not_in_the_locale_of_the_page_leaves_it_as_it_is(
    kit: Any, site: Any, caplog: pytest.LogCaptureFixture
) -> None:
    fields = {"title": {"en": "Welcome"}, "link": {"de": "/de"}}  # which `check` finds fault with

    answer = kit.browser(site(definitions=shop(kit, fields))).get(accept_language="en")

    assert answer.body == kit.page
    assert "variant not shown" in caplog.text
