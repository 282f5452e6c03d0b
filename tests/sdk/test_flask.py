"""Flask: the object stays what it is, and its templates are the site's."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from flask import Flask, Response, render_template, request, stream_template
from jinja2 import DictLoader

from byleave.sdk import record
from byleave.sdk.wsgi import Personalise

PAGE = (
    '<body>{% personalise "hero" %}<h1>{{ title }}</h1>{% endpersonalise %}'
    "<p>{{ why_this('hero') }}</p></body>"
)


@pytest.fixture
def app() -> Flask:
    """A small site with whole, streamed and failing pages."""
    site = Flask("shop")
    site.jinja_env.loader = DictLoader(
        {
            "page.html": PAGE,
            "hero.html": "<h2>{{ title }}</h2>",
            "device.html": "<h2>{{ known('device') }}</h2>",
            "inner.html": '<h2>{% personalise "hero" %}Inner{% endpersonalise %}</h2>',
        }
    )

    @site.get("/")
    def whole() -> str:
        return render_template("page.html", title="A & B")

    @site.get("/streamed")
    def streamed() -> Iterator[str]:
        return stream_template("page.html", title="A & B")

    @site.get("/download")
    def download() -> Response:
        return Response(
            "<b data-byleave-slot='hero'>", headers={"Content-Disposition": "attachment"}
        )

    @site.post("/sign-up")
    def sign_up() -> str:
        record(request, "sign_up")
        return render_template("page.html", title="Thanks")

    @site.get("/broken")
    def broken() -> str:
        raise LookupError

    return site


@pytest.fixture
def options(kit: Any, clock: Any) -> dict[str, Any]:
    """What the middleware is told."""
    return {
        "definitions": kit.define(),
        "secrets": [kit.secret],
        "consent": kit.granted,
        "clock": clock,
        "random_bytes": Random(7).randbytes,
        "background": False,
    }


def ask(kit: Any, app: Flask, path: str = "/", method: str = "GET") -> Any:
    return app.test_client().open(
        path, method=method, base_url="https://shop.example", headers={"User-Agent": kit.chrome}
    )


@pytest.mark.parametrize("path", ["/", "/streamed"])
def test_a_template_is_filled_whole_or_streamed(
    kit: Any, app: Flask, options: dict[str, Any], path: str
) -> None:
    Personalise(app, **options)

    answer = ask(kit, app, path)

    assert answer.text == "<body><h2>Variant</h2><p></p></body>"
    assert (answer.content_length is None) is (path == "/streamed")
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_the_sites_templates_render_variants(kit: Any, app: Flask, options: dict[str, Any]) -> None:
    variants = {"control": "site", "b": {"fields": {"title": "C & D", "link": "/"}}}
    options["definitions"] = kit.define(experiments=kit.greeting(variants=variants))
    Personalise(app, **options)

    assert "<h2>C &amp; D</h2>" in ask(kit, app).text


@pytest.mark.parametrize("path", ["/", "/streamed"])
def test_the_template_of_a_variant_may_ask_about_the_visitor(
    kit: Any, app: Flask, options: dict[str, Any], path: str
) -> None:
    variants = {"control": "site", "b": {"template": "device.html"}}
    options["definitions"] = kit.define(experiments=kit.greeting(variants=variants))
    Personalise(app, **options)

    assert "<h2>desktop</h2>" in ask(kit, app, path).text


@pytest.mark.parametrize("path", ["/", "/streamed"])
def test_a_slot_inside_a_variant_is_its_default_and_leaves_no_mark(
    kit: Any, app: Flask, options: dict[str, Any], path: str
) -> None:
    variants = {"control": "site", "b": {"template": "inner.html"}}
    options["definitions"] = kit.define(experiments=kit.greeting(variants=variants))
    Personalise(app, **options)

    assert ask(kit, app, path).text == "<body><h2>Inner</h2><p></p></body>"


@pytest.mark.parametrize(("path", "status"), [("/broken", 500), ("/none", 404), ("/download", 200)])
def test_other_answers_are_the_sites(
    kit: Any, app: Flask, options: dict[str, Any], path: str, status: int
) -> None:
    own = ask(kit, app, path)
    Personalise(app, **options)

    answer = ask(kit, app, path)

    assert (answer.status_code, answer.data) == (status, own.data)


def test_an_event_of_the_site_is_recorded(
    kit: Any, app: Flask, options: dict[str, Any], server: Any
) -> None:
    del options["definitions"]
    site = Personalise(app, server=server, **options)
    site.client.poll()

    ask(kit, app, "/sign-up", "POST")
    site.client.flush()

    assert [event["event"] for event in server.of_type("event")] == ["sign_up"]


def test_the_object_is_still_flask(app: Flask, options: dict[str, Any]) -> None:
    Personalise(app, **options)

    with app.test_request_context("/"):
        assert request.path == "/"
