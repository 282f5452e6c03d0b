"""Texts by locale in a real browser: written in the console, and shown on pages in their locale."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jinja2 import DictLoader, Environment
from playwright.sync_api import Page
from tests.server.conftest import DEFINITIONS, Clock

from byleave.experiments import Definitions
from byleave.sdk import Personalise
from byleave.segments import Choice, Consent, Purpose, read
from byleave.server.app import create_app
from byleave.server.console.drafting import EXPERIMENTS, drafted
from byleave.server.demo.serving import serving
from byleave.server.keys import Role
from byleave.server.listening import listen, url_of
from byleave.server.service import Service

from .conftest import Console

pytestmark = pytest.mark.browser

HOSTILE = "Grüß Gott </a><script>document.title = 'hacked'</script>"
SITE: dict[str, Any] = DEFINITIONS | {
    "holdout": 0,
    "attributes": DEFINITIONS["attributes"] | {"language": {"type": "string", "source": "request"}},
    "slots": {
        "hero": {
            "kind": "content",
            "fields": {"title": "text", "image": "image", "link": "url"},
            "template": "hero.html",
        }
    },
    "experiments": {
        "welcome": DEFINITIONS["experiments"]["welcome"]
        | {
            "allocate": {
                "policy": "fixed",
                "goal": "signup",
                "shares": {"control": "0%", "bold": "100%"},
            },
            "variants": {
                "control": "site",
                "bold": {
                    "fields": {
                        "title": {"de": HOSTILE, "en": "Welcome"},
                        "image": "/spring.webp",
                        "link": "/tour",
                    }
                },
            },
        },
        "later": DEFINITIONS["experiments"]["welcome"]
        | {
            "schedule": {"start": "2090-01-01T00:00"},
            "variants": {
                "control": "site",
                "calm": {"fields": {"title": "Hello", "image": "/calm.webp", "link": "/"}},
            },
        },
    },
}
PAGE = b'<!doctype html><title>Shop</title><div data-byleave-slot="hero"><h1>Own</h1></div>'
CALM = "/console/drafts/later/variants/calm"


async def shop(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/html; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": PAGE})


def granted(_: Any) -> Consent:
    agreed = (Purpose.PERSONALISATION, Purpose.ANALYTICS)
    return Consent(dict.fromkeys(agreed, Choice.GRANTED), source="site")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    service = Service(tmp_path_factory.mktemp("site") / "shop.db", site="shop", clock=Clock())
    service.publish(read(Definitions, SITE), reason="first", author="tests")
    port = listen(0)
    with serving(create_app(service), port):
        yield Console(service, url_of(port))
    service.close()


@pytest.fixture(scope="module")
def site(served: Console) -> Iterator[str]:
    """The address of the shop, all of whose visitors agreed."""
    templates = {"hero.html": '<a href="{{ link }}">{{ title }}</a>'}
    app = Personalise(
        shop,
        definitions=read(Definitions, SITE),
        consent=granted,
        templates=Environment(loader=DictLoader(templates), autoescape=True),
        secrets=["a secret that only tests know"],
    )
    port = listen(0)
    with serving(app, port):
        yield url_of(port)


def test_a_german_page_is_german_and_a_french_one_the_sites_own(
    visit: Callable[..., Page], site: str
) -> None:
    pages = {}
    for locale in ("de-AT", "en-GB", "fr-FR"):
        pages[locale] = page = visit(locale=locale)
        page.goto(site)

    assert pages["de-AT"].get_by_role("link", name=HOSTILE).is_visible()
    assert pages["de-AT"].title() == "Shop"
    assert pages["en-GB"].get_by_role("link", name="Welcome").is_visible()
    assert pages["fr-FR"].get_by_role("heading", name="Own").is_visible()
    assert pages["fr-FR"].locator("div").inner_html() == "<h1>Own</h1>"


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_variant_is_written_in_two_locales(
    width: int,
    has_scripts: bool,
    visit: Callable[..., Page],
    served: Console,
    looks_right: Callable[[Page, str], None],
) -> None:
    key = served.service.create_key(Role.MARKETER)
    headers = {"Authorization": f"Bearer {key}"}
    page = visit(width, extra_http_headers=headers, java_script_enabled=has_scripts)

    def field(name: str) -> Any:
        return page.get_by_label(name, exact=True)

    def kept() -> Any:
        return (drafted(served.service, EXPERIMENTS, "later") or {})["variants"]["calm"]["fields"]

    page.goto(served.server + CALM)
    assert page.locator("#images option").evaluate_all("all => all.map(each => each.value)") == [
        "/calm.webp",
        "/spring.webp",
    ]
    field("Locale to add").fill("EN")
    page.get_by_role("button", name="Add a locale").click()
    assert field("title in English (en)").input_value() == "Hello"
    field("Locale to add").fill("de_at")
    page.get_by_role("button", name="Add a locale").click()
    missing = field("title in German (de-AT)")
    assert missing.get_attribute("aria-invalid") == "true"
    assert "no text in 'de-AT'" in page.get_by_role("alert").inner_text()
    if has_scripts:
        looks_right(page, f"variant-missing-{width}")
    missing.fill("Servus")
    page.get_by_role("button", name="One link for each locale").click()
    field("link in German (de-AT)").fill("/at")
    field("link in German (de-AT)").press("Enter")

    framed = page.frame_locator("iframe.plain")
    assert framed.get_by_role("heading", name="German (de-AT)").is_visible()
    assert framed.locator("section[lang=de-AT]").get_by_text("Servus").is_visible()
    assert kept() == {
        "title": {"de-AT": "Servus", "en": "Hello"},
        "image": "/calm.webp",
        "link": {"de-AT": "/at", "en": "/"},
    }
    if has_scripts:
        looks_right(page, f"variant-locales-{width}")
    page.goto(f"{served.server}/console/drafts/later")
    page.get_by_role("button", name="Save draft").first.click()
    assert kept()["title"] == {"de-AT": "Servus", "en": "Hello"}
    if has_scripts:
        looks_right(page, f"draft-locales-{width}")

    page.goto(served.server + CALM)
    page.get_by_role("button", name="One link for every locale").click()
    for locale in ("German (de-AT)", "English (en)"):
        page.get_by_role("button", name=f"Take {locale} out").click()
    assert kept() == {"title": "Hello", "image": "/calm.webp", "link": "/at"}
    served.service.library.drop_draft("later", author="tests")
