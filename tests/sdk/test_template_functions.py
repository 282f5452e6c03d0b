"""What templates may ask: in Jinja and in Django the same answers, and never beyond consent."""

from typing import Any

import pytest
from django.template import Context, Engine
from jinja2 import Environment

from byleave.sdk.jinja import PersonaliseExtension

ATTRIBUTES = {
    "device": {"type": "string", "source": "request"},
    "industry": {
        "type": "string",
        "source": "site",
        "purposes": ["personalisation", "analytics"],
        "ttl": "session",
        "default": "none",
    },
    "measured": {"type": "string", "source": "site", "purposes": ["analytics"], "ttl": "session"},
}


def in_jinja(jinja: str, django: str) -> str:
    del django
    templates = Environment(extensions=[PersonaliseExtension], autoescape=True)
    return templates.from_string(jinja).render()


def in_django(jinja: str, django: str) -> str:
    del jinja
    engine = Engine(builtins=["byleave.sdk.django_tags"])
    return str(engine.from_string(django).render(Context()))


@pytest.fixture(params=[in_jinja, in_django])
def ask(request: Any, kit: Any, personalise: Any) -> Any:
    """Renders a template of either engine within a request, and returns the answer."""

    def ask(jinja: str, django: str, *, consent: str = "granted", **options: Any) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            headers = [("content-type", "text/html"), ("cache-control", "max-age=9")]
            page = kit.html_app(request.param(jinja, django).encode(), headers=headers)
            await page(scope, receive, send)

        options.setdefault("definitions", kit.define(attributes=ATTRIBUTES))
        given = {"consent": getattr(kit, consent), **options}
        return kit.browser(personalise(app, **given)).get()

    ask.outside = request.param  # type: ignore[attr-defined]  # the same without a request
    return ask


def known(ask: Any, name: str, **options: Any) -> str:
    answer = ask(
        f"{{{{ known('{name}') }}}}",
        f'{{% known "{name}" as it %}}{{{{ it }}}}',
        attributes=lambda _: {"industry": "shipping", "measured": "much"},
        **options,
    )
    return str(answer.text)


@pytest.mark.parametrize(
    ("name", "consent", "expected"),
    [
        ("industry", "granted", "shipping"),
        ("industry", "refused", "None"),
        ("measured", "granted", "None"),
        ("device", "granted", "desktop"),
        ("device", "refused", "desktop"),
    ],
)
def test_what_is_known_is_told_as_far_as_it_may_be_used(
    ask: Any, name: str, consent: str, expected: str
) -> None:
    assert known(ask, name, consent=consent) == expected


def test_a_default_is_not_known(ask: Any) -> None:
    answer = ask("{{ known('industry') }}", '{% known "industry" as it %}{{ it }}')

    assert answer.text == "None"


def test_an_unknown_attribute_is_told_with_a_suggestion(ask: Any, caplog: Any) -> None:
    assert known(ask, "industri") == "None"
    assert "Did you mean 'industry'?" in caplog.text


@pytest.mark.parametrize(("consent", "variant"), [("granted", "b"), ("refused", "control")])
def test_a_template_can_look_at_decisions(ask: Any, consent: str, variant: str) -> None:
    answer = ask(
        "{{ decisions().hero.variant }}",
        "{% decisions as shown %}{{ shown.hero.variant }}",
        consent=consent,
    )

    assert answer.text == variant


def test_what_was_told_about_a_visitor_is_theirs_alone(ask: Any) -> None:
    personal = ask("{{ known('device') }}", '{% known "device" %}', consent="refused")
    plain = ask("<p>Same</p>", "<p>Same</p>", consent="refused")

    assert personal.header("cache-control") == "private, no-cache"
    assert plain.header("cache-control") == "max-age=9"


def test_outside_of_a_request_nothing_is_known(ask: Any) -> None:
    text = ask.outside(
        "{{ known('industry') }} {{ decisions() }} {{ why_this('hero') }}",
        '{% known "industry" %} {% decisions %} {% why_this "hero" %}',
    )

    assert text == "None {} "


def test_a_template_that_asks_too_early_does_not_keep_the_server_from_deciding(
    kit: Any, ask: Any, server: Any, personalise: Any
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        ask.outside("{{ decisions() }}", "{% decisions %}")
        await kit.html_app()(scope, receive, send)

    site = personalise(app, server=server, decide="server", consent=kit.granted)
    site.client.poll()

    assert b"<h2>Variant</h2>" in kit.browser(site).get().body
