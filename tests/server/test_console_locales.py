"""Texts by locale in the console: added and taken out by buttons, kept, checked and framed."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from byleave.experiments import Definitions, Slot
from byleave.segments import read
from byleave.server.app import create_app
from byleave.server.console import variants_fields
from byleave.server.console.display import CURRENT, Display
from byleave.server.console.drafting import EXPERIMENTS, drafted
from byleave.server.console.formatting import locale_name
from byleave.server.console.forms import Form
from byleave.server.keys import Role
from byleave.server.service import Service

from .builder import fields_in
from .conftest import DEFINITIONS

FIELDS = {"title": "text", "image": "image", "link": "url"}
SLOT = read(Slot, {"kind": "content", "fields": FIELDS, "template": "hero.html"})
TITLE = {"de": "Hallo", "en": "Hello"}
SITE: dict[str, Any] = DEFINITIONS | {
    "attributes": DEFINITIONS["attributes"] | {"language": {"type": "string", "source": "request"}},
    "slots": {"hero": {"kind": "content", "fields": FIELDS, "template": "hero.html"}},
    "experiments": {
        "welcome": DEFINITIONS["experiments"]["welcome"]
        | {
            "variants": {
                "control": "site",
                "bold": {"fields": {"title": TITLE, "image": "/b.webp", "link": "/b"}},
                "calm": {
                    "fields": {"title": "Calm", "image": "/{{ language }}.webp", "link": "/c"}
                },
            }
        }
    },
}
WELCOME = "/console/drafts/welcome"
BOLD = f"{WELCOME}/variants/bold"


@pytest.fixture
def open_console(service: Service) -> Callable[..., TestClient]:
    """Opens the console of a site as a marketer."""

    def open_it(site: Any = SITE) -> TestClient:
        service.publish(read(Definitions, site), reason="fields", author="tests")
        key = service.create_key(Role.MARKETER)
        return TestClient(create_app(service), headers={"Authorization": f"Bearer {key}"})

    return open_it


def kept(service: Service, arm: str = "bold") -> Any:
    return (drafted(service, EXPERIMENTS, "welcome") or {})["variants"][arm]["fields"]


def sent(console: TestClient, **values: str) -> str:
    """Send the form of the variant with its state, as the page has it."""
    state = dict(fields_in(console.get(BOLD).text))["draft"]
    return console.post(BOLD, data={"draft": state, **values}).text


def pressed(fields: Any, do: str, **values: str) -> Any:
    """Return what becomes of fields when their form is sent by a button."""
    return variants_fields.written(
        Form.holding(**variants_fields.values_of(fields), do=do, **values), SLOT
    )


ONE = {"title": "Hello", "image": "/a.webp", "link": "/a"}
TWO = {"title": TITLE, "image": "/a.webp", "link": {"de": "/de", "en": "/en"}}


@pytest.mark.parametrize(
    ("fields", "do", "values", "expected"),
    [
        (ONE, "save", {}, ONE),
        (TWO, "save", {}, TWO),
        (ONE, "add-locale", {"new-locale": "en"}, ONE | {"title": {"en": "Hello"}}),
        (
            TWO,
            "add-locale",
            {"new-locale": "FR_ch"},
            TWO
            | {
                "title": {"fr-CH": "", **TITLE},
                "link": {"fr-CH": "", "de": "/de", "en": "/en"},
            },
        ),
        (TWO, "add-locale", {"new-locale": "de"}, TWO),
        (TWO, "drop-locale:de", {}, ONE | {"title": {"en": "Hello"}, "link": {"en": "/en"}}),
        (ONE | {"title": {"en": "Hello"}}, "drop-locale:en", {}, ONE),
        (ONE, "drop-locale:en", {}, ONE),
        (TWO, "split:image", {}, TWO | {"image": {"de": "/a.webp", "en": "/a.webp"}}),
        (TWO, "split:title", {}, TWO),
        (TWO, "join:link", {}, TWO | {"link": "/de"}),
        (TWO, "join:image", {}, TWO),
        (TWO, "join:nothing", {}, TWO),
        ({"title": {"de": "Hallo"}, "link": {"en": "/"}}, "save", {}, {
            "title": {"de": "Hallo", "en": ""}, "image": "", "link": {"de": "", "en": "/"},
        }),
    ],
)  # fmt: skip
def test_a_button_changes_the_locales_of_fields(
    fields: Any, do: str, values: dict[str, str], expected: Any
) -> None:
    assert pressed(fields, do, **values) == expected


def test_without_words_the_first_locale_is_that_of_everything() -> None:
    slot = read(Slot, {"kind": "content", "fields": {"image": "image"}, "template": "a.html"})
    form = Form.holding(**{"field-image": "/a.webp", "do": "add-locale", "new-locale": "de"})

    assert variants_fields.written(form, slot) == {"image": {"de": "/a.webp"}}


@pytest.mark.parametrize("tag", ["", "german please", "<b>", "d", "de-" + "a" * 40])
def test_what_is_no_locale_is_not_added(
    tag: str, open_console: Callable[..., TestClient], service: Service
) -> None:
    values = {
        "kind": "fields",
        "field-title": "<i>unsaved</i>",
        "new-locale": tag,
        "do": "add-locale",
    }

    answer = open_console().post(BOLD, data=values)

    assert answer.status_code == 422
    assert "This is no locale." in answer.text
    assert 'value="&lt;i&gt;unsaved&lt;/i&gt;"' in answer.text
    assert "<b>" not in answer.text
    assert drafted(service, EXPERIMENTS, "welcome") is None


def test_texts_by_locale_are_kept_checked_and_framed(
    open_console: Callable[..., TestClient], service: Service
) -> None:
    values = {
        "kind": "fields",
        "locales": "de en",
        "field-title:de": "Mehr <script>x</script>",
        "field-title:en": "",
        "field-image": "/b.webp",
        "field-link:de": "http://shop.example/",
        "field-link:en": "javascript:1",
        "do": "save",
    }

    page = sent(open_console(), **values)

    assert kept(service) == {
        "title": {"de": "Mehr <script>x</script>", "en": ""},
        "image": "/b.webp",
        "link": {"de": "http://shop.example/", "en": "javascript:1"},
    }
    assert 'href="#field-title:en"' in page
    assert "no text in &#39;en&#39;" in page
    assert 'href="#field-link:en"' in page
    assert "This address is not encrypted; take https: link (de)" in re.sub("<[^>]*>", "", page)
    assert '<label for="field-title:de">title in German (de)</label>' in page
    assert 'value="Mehr &lt;script&gt;x&lt;/script&gt;" lang="de"' in page
    found = re.search(r'srcdoc="([^"]*)"', page)
    assert found
    assert '<section lang="de">' in unescape(found[1])
    assert "Mehr &lt;script&gt;" in unescape(found[1])
    assert "<script>x" not in page


def test_images_that_are_shown_already_can_be_picked(
    open_console: Callable[..., TestClient],
) -> None:
    page = open_console().get(BOLD).text

    assert '<datalist id="images"><option value="/b.webp"></option></datalist>' in page
    assert re.search(r'<input id="field-image"[^>]* list="images"', page)


def test_a_site_that_does_not_know_the_locale_of_a_page_is_told(
    open_console: Callable[..., TestClient],
) -> None:
    one = {"fields": {"title": "Bold", "image": "/b.webp", "link": "/b"}}
    welcome = SITE["experiments"]["welcome"] | {"variants": {"control": "site", "bold": one}}
    console = open_console(
        SITE | {"attributes": DEFINITIONS["attributes"], "experiments": {"welcome": welcome}}
    )
    values = {"kind": "fields", "field-title": "A", "field-image": "/a", "field-link": "/a"}

    before = sent(console, **values, **{"do": "save"})
    after = sent(console, **values, **{"do": "add-locale", "new-locale": "en"})

    assert "texts by locale need to know" not in before
    assert 'href="#new-locale"' in after
    assert "texts by locale need to know that of a page: declare the attribute" in after


def test_the_page_of_the_experiment_keeps_texts_by_locale_under_a_new_name_too(
    open_console: Callable[..., TestClient], service: Service
) -> None:
    console = open_console()
    page = console.get(WELCOME).text
    values = {
        "slot": "hero",
        "goal": "signup",
        "policy": "thompson",
        "arm-1": "brave",
        "arm-1-image": "/brave.webp",
        "arm-1-link": "/b",
        "arm-2": "calm",
        "arm-2-title": "Calmer",
        "expected": service.library.newest(),
        "do": "save",
    }

    console.post(WELCOME, data=values)

    assert "one for each of these locales: German (de), English (en)" in page
    assert 'name="arm-1-title"' not in page
    assert 'name="arm-2-title"' in page
    assert kept(service, "brave") == {"title": TITLE, "image": "/brave.webp", "link": "/b"}
    assert kept(service, "calm") == {"title": "Calmer"}


@pytest.mark.parametrize(
    ("tag", "page", "expected"),
    [
        ("de-AT", "en-GB", "German (de-AT)"),
        ("de", "de", "Deutsch (de)"),
        ("xx-<b>", "en-GB", "xx-<b>"),
        ("xx", "en-GB", "xx"),
    ],
)
def test_locales_are_named_in_the_language_of_the_page(tag: str, page: str, expected: str) -> None:
    shown = CURRENT.set(Display(locale=page))
    try:
        assert locale_name(tag) == expected
    finally:
        CURRENT.reset(shown)
