"""Our own routes, where a server says that the site stands under a path."""

import io
from typing import Any

import pytest

from byleave.sdk.images import IMAGES_PATH, name_of
from byleave.sdk.in_memory import InMemoryClient
from byleave.sdk.routes import route_of
from byleave.sdk.wsgi import Personalise


@pytest.mark.parametrize(
    ("root", "path", "is_ours"),
    [
        ("", "/.byleave/events", True),
        ("/shop", "/shop/.byleave/events", True),
        ("/shop", "/.byleave/events", True),
        ("/shop", "/shopping/.byleave/events", False),
        ("/shop", "/shop", False),
        ("", "/shop/.byleave/events", False),
    ],
)
def test_a_route_is_found_under_the_root_of_the_site(root: str, path: str, is_ours: bool) -> None:
    assert (route_of({"root_path": root, "path": path}) is not None) is is_ours


def under_shop(site: Any) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        path = "/shop" + scope["path"]
        await site({**scope, "root_path": "/shop", "path": path}, receive, send)

    return app


def test_a_site_under_a_path_counts(kit: Any, personalise: Any, server: Any) -> None:
    site = personalise(server=server, country_header="X-Country")
    site.client.poll()
    browser = kit.browser(under_shop(site), headers={"x-country": "US"})

    browser.report({"pending": [browser.get().data["pending"]]})
    site.client.flush()

    assert len(server.of_type("exposure")) == 1


def test_a_site_under_a_path_shows_images(kit: Any, personalise: Any) -> None:
    client, name = InMemoryClient(kit.define()), name_of(b"an image", "png")
    client.images[name] = b"an image"

    answer = kit.browser(under_shop(personalise(server=client))).get(IMAGES_PATH + name)

    assert answer.body == b"an image"


def test_a_wsgi_site_under_a_path_takes_a_choice(kit: Any) -> None:
    site = Personalise(lambda environ, start: [], definitions=kit.define(), secrets=[kit.secret])
    form = b"choice=accept"
    environ = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "/shop",
        "PATH_INFO": "/.byleave/consent",
        "CONTENT_LENGTH": str(len(form)),
        "wsgi.input": io.BytesIO(form),
    }
    answers: list[str] = []

    def start(status: str, headers: Any) -> Any:
        answers.append(status)

    site(environ, start)

    assert answers == ["303 See Other"]
