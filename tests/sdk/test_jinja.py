"""The template tag: marks with the middleware, the plain default without."""

import asyncio
from typing import Any

import pytest
from jinja2 import DictLoader, Environment

from byleave.sdk.jinja import PersonaliseExtension

SOURCE = (
    '<body>{% personalise "hero" %}<h1>{{ title }}</h1>{% endpersonalise %}'
    "<p>{{ why_this('hero') }}</p></body>"
)


def environment(**options: Any) -> Environment:
    return Environment(
        extensions=[PersonaliseExtension],
        loader=DictLoader({"page.html": SOURCE}),
        autoescape=True,
        **options,
    )


def page(templates: Environment, pieces: list[str] | None = None) -> Any:
    """Return an application that renders the page, in one piece or in several."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        template = templates.get_template("page.html")
        if templates.is_async:
            text = [await template.render_async(title="A & B")]
        elif pieces is not None:
            text = [*template.generate(title="A & B"), ""]
        else:
            text = [template.render(title="A & B")]
        headers = [(b"content-type", b"text/html; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for index, piece in enumerate(text):
            more = index < len(text) - 1
            await send({"type": "http.response.body", "body": piece.encode(), "more_body": more})

    return app


def test_without_the_middleware_the_default_is_written() -> None:
    text = environment().get_template("page.html").render(title="A & B")

    assert text == "<body><h1>A &amp; B</h1><p></p></body>"


@pytest.mark.parametrize("is_async", [False, True])
def test_with_the_middleware_the_slot_is_filled_and_the_marks_are_gone(
    kit: Any, personalise: Any, is_async: bool
) -> None:
    app = page(environment(enable_async=is_async))

    shown = kit.browser(personalise(app, consent=kit.granted)).get()
    own = kit.browser(personalise(app)).get()

    assert shown.text == "<body><h2>Variant</h2><p></p></body>"
    assert own.text == "<body><h1>A &amp; B</h1><p></p></body>"


def test_a_streamed_template_is_filled_as_well(kit: Any, personalise: Any) -> None:
    answer = kit.browser(personalise(page(environment(), pieces=[]), consent=kit.granted)).get()

    assert answer.text == "<body><h2>Variant</h2><p></p></body>"
    assert len(answer.pieces) > 1


def test_a_slot_that_nothing_fills_has_no_marks(kit: Any, personalise: Any) -> None:
    definitions = kit.define(experiments={})

    answer = kit.browser(personalise(page(environment()), definitions=definitions)).get()

    assert answer.text == "<body><h1>A &amp; B</h1><p></p></body>"


def test_while_the_server_is_away_there_are_no_marks(
    kit: Any, personalise: Any, server: Any
) -> None:
    answer = kit.browser(personalise(page(environment()), server=server)).get()

    assert answer.text == "<body><h1>A &amp; B</h1><p></p></body>"


def test_a_page_can_say_why_it_is_different(kit: Any, personalise: Any) -> None:
    definitions = kit.define(experiments=kit.greeting(audience="returning"))
    browser = kit.browser(
        personalise(page(environment()), definitions=definitions, consent=kit.granted)
    )
    first, second = browser.get(), browser.get()

    assert "<p></p>" in first.text
    assert "<h2>Variant</h2><p>You were here before</p>" in second.text


def test_marks_that_a_visitor_wrote_open_no_slot(kit: Any, personalise: Any) -> None:
    body = b"<!--byleave:hero:0123456789abcdef01234567-->x<!--/byleave:hero-->"

    answer = kit.browser(personalise(kit.html_app(body), consent=kit.granted)).get()

    assert answer.body == body


def test_requests_do_not_see_each_others_visits(kit: Any, personalise: Any) -> None:
    site = personalise(page(environment()), consent=kit.granted)
    kit.browser(site).get()

    async def outside() -> str:
        return environment().get_template("page.html").render(title="T")

    assert asyncio.run(outside()) == "<body><h1>T</h1><p></p></body>"


def test_an_unknown_slot_is_told_with_a_suggestion(
    kit: Any, personalise: Any, caplog: pytest.LogCaptureFixture
) -> None:
    source = '{% personalise "heroo" %}Default{% endpersonalise %}'
    templates = Environment(
        extensions=[PersonaliseExtension],
        loader=DictLoader({"page.html": source}),
        autoescape=True,
    )

    answer = kit.browser(personalise(page(templates))).get()

    assert answer.text == "Default"
    assert "unknown slot 'heroo'. Did you mean 'hero'?" in caplog.text
