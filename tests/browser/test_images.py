"""From a file of a marketer to the eyes of a visitor, in a real browser, also without scripts."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader, Environment
from playwright.sync_api import Page
from tests.server.conftest import DEFINITIONS, Clock
from tests.server.pictures import KINDS, SCRIPT, SECRET, jpeg, png, polyglot

from byleave.experiments import Definitions
from byleave.sdk import Personalise
from byleave.segments import read
from byleave.server.app import create_app
from byleave.server.demo.serving import serving
from byleave.server.keys import Role
from byleave.server.listening import listen, url_of
from byleave.server.service import Service

from .conftest import Console

pytestmark = pytest.mark.browser

HERO = '<img id="hero" src="{{ image }}" alt="{{ image_alt }}">'
SITE: dict[str, Any] = DEFINITIONS | {
    "slots": {
        "hero": {
            "kind": "content",
            "fields": {"image": "image", "image_alt": "text"},
            "template": "hero.html",
        }
    },
    "experiments": {},
}
PAGE = b'<!doctype html><title>Shop</title><body><div data-byleave-slot="hero">Own</div></body>'
SPRING = DEFINITIONS["experiments"]["welcome"] | {
    "report_by": [],
    "variants": {"control": "site", "bold": {"fields": {"image": "", "image_alt": ""}}},
}
#: Whether an image was decoded, and how large it came out.
_SIZE = "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"


async def shop(scope: Any, receive: Any, send: Any) -> None:
    """A page with a slot."""
    if scope["type"] == "http":
        headers = [(b"content-type", b"text/html; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": PAGE})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Console, Any, str]]:
    """A console, and a site that gets everything from its server over HTTP."""
    clock = Clock()
    service = Service(tmp_path_factory.mktemp("images") / "shop.db", site="shop", clock=clock)
    service.publish(read(Definitions, SITE), reason="first", author="tests")
    port, site_port = listen(0), listen(0)
    site = Personalise(
        shop,
        server=url_of(port),
        key=service.create_key(Role.SERVER),
        secrets=["a secret that only tests know"],
        templates=Environment(loader=DictLoader({"hero.html": HERO}), autoescape=True),
        clock=clock,
        background=False,
    )
    with serving(create_app(service), port), serving(site, site_port):
        yield Console(service, url_of(port)), site, url_of(site_port)
    site.client.close()
    service.close()


@pytest.fixture
def sign_in(visit: Callable[..., Page], served: Any) -> Callable[..., Page]:
    """Opens the browser of a marketer."""

    def new(**options: Any) -> Page:
        key = served[0].service.create_key(Role.MARKETER)
        return visit(extra_http_headers={"Authorization": f"Bearer {key}"}, **options)

    return new


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no-scripts"])
def test_an_uploaded_image_is_previewed_published_and_shown_by_the_site(
    sign_in: Callable[..., Page],
    visit: Callable[..., Page],
    served: tuple[Console, Any, str],
    looks_right: Callable[[Page, str], None],
    tmp_path: Path,
    has_scripts: bool,
) -> None:
    console, site, address = served
    file = tmp_path / "meadow.png"
    file.write_bytes(png(shade=50 + has_scripts, notes=SECRET))
    page = sign_in(java_script_enabled=has_scripts)
    key = f"spring-{has_scripts:d}"
    draft = {"experiments": {key: SPRING}}
    console.service.library.put_draft(key, draft, base=1, author="tests")
    page.goto(f"{console.server}/console/drafts/{key}/variants/bold")
    page.get_by_label("image_alt", exact=True).fill("A meadow")
    page.get_by_role("button", name="Choose or upload: image").click()
    if has_scripts:  # which axe needs
        looks_right(page, "console-image-chosen")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Upload and use it").click()

    assert page.get_by_role("img", name="meadow.png").evaluate(_SIZE) == [24, 16]
    framed = page.frame_locator("iframe.plain").get_by_role("img")
    assert framed.evaluate(_SIZE) == [24, 16]
    if has_scripts:
        looks_right(page, "console-variant-with-image")
    page.get_by_role("button", name="Save and go back").click()
    page.get_by_label("What you expect, and why", exact=True).fill("Meadows sell")
    page.get_by_role("button", name="Publish for review").click()
    page.get_by_label("Address of the page", exact=True).fill(address + "/")
    page.get_by_role("button", name="Make links").click()
    link = page.get_by_role("link", name="bold", exact=True).get_attribute("href") or ""

    assert site.client.poll()
    visitor = visit()
    asked: list[str] = []
    visitor.on("request", lambda each: asked.append(each.url))
    visitor.goto(link)
    shown = visitor.get_by_role("img", name="A meadow")
    assert shown.evaluate(_SIZE) == [24, 16]
    [image] = [url for url in asked if "/.byleave/images/" in url]
    assert all(url.startswith(address) for url in asked)
    got = visitor.request.get(image)
    assert got.body() == png(shade=50 + has_scripts)
    assert got.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_browsers_decode_what_is_left_of_each_kind(
    sign_in: Callable[..., Page],
    visit: Callable[..., Page],
    served: tuple[Console, Any, str],
    looks_right: Callable[[Page, str], None],
    width: int,
    scheme: str,
) -> None:
    console, _site, address = served
    noted = [make(notes=SECRET if kind != "avif" else b"") for kind, make in KINDS.items()]
    added = [
        console.service.images.add(data, file=f"{number}.png", author="ann@example.com")
        for number, data in enumerate([*noted, jpeg(notes=SECRET, turned=6)])
    ]
    page = sign_in(width=width, scheme=scheme)
    page.goto(f"{console.server}/console/images")
    looks_right(page, f"console-images-{width}-{scheme}")
    sizes = []
    visitor = visit()
    for image in added:
        visitor.goto(address + image.address)
        sizes.append(visitor.locator("img").evaluate(_SIZE))

    assert sizes == [[24, 16]] * 5 + [[16, 24]]


def test_a_file_that_is_far_too_large_is_told_so(
    sign_in: Callable[..., Page], served: tuple[Console, Any, str], tmp_path: Path
) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(jpeg() + bytes(8_000_000))
    page = sign_in()
    page.goto(f"{served[0].server}/console/images")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Upload").click()

    page.get_by_text("an image may have 1 MiB at most").wait_for()


def test_nothing_in_an_image_runs_when_it_is_opened_as_a_page(
    visit: Callable[..., Page], served: tuple[Console, Any, str]
) -> None:
    console, _site, address = served
    image = console.service.images.add(polyglot(SCRIPT), file="a.png", author="tests")
    page = visit()
    page.goto(address + image.address)

    assert SCRIPT in page.request.get(address + image.address).body()
    assert page.title() != "run"
    assert page.locator("img").evaluate(_SIZE) == [len(SCRIPT), 1]
