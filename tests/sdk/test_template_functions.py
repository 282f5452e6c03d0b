"""What templates may ask: in Jinja and in Django the same answers, and never beyond consent."""

import ast
from typing import Any

import pytest
from django.template import Context, Engine
from jinja2 import DictLoader, Environment, StrictUndefined

from byleave.sdk.jinja import PersonaliseExtension

ATTRIBUTES: dict[str, Any] = {
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
    return str(engine.from_string(django).render(Context({"links": ast.literal_eval(LINKS)})))


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


def test_what_is_sensitive_is_told_and_kept_nowhere(kit: Any, ask: Any) -> None:
    declared = {**ATTRIBUTES["industry"], "sensitive": True}
    told = ask(
        "{{ known('diet') }}",
        '{% known "diet" as it %}{{ it }}',
        definitions=kit.define(attributes={"diet": declared}),
        attributes=lambda _: {"diet": "vegan"},
    )

    assert told.text == "vegan"
    assert told.header("cache-control") == "private, no-cache, no-store"


NAV_SLOTS = {"menu": {"kind": "navigation", "reorder": True}}
OPERATIONS = [
    {"promote": "/plans", "label": "Plans <3"},
    {"emphasise": "/books"},
    {"reorder": "/plans"},
    {"add": "/gifts", "label": "Gifts"},
]
LINKS = (
    "[{'href': '/', 'label': 'Home'}, {'href': '/books', 'label': 'Books'}, "
    "{'href': '/plans', 'label': 'Plans'}]"
)
PRINTED = (
    "{{ nav.label }}:{% for l in nav.promoted %}{{ l.href }} {{ l.label }}|{% endfor %}"
    "{% for l in nav %}{{ l.href }}{% if l.is_emphasised %}!{% endif %} {% endfor %}"
)


def menu(kit: Any, ask: Any, slot: str = "menu", **options: Any) -> Any:
    """Return a page whose template prints a list of links for a slot itself."""
    experiments = kit.greeting(slot="menu", variants={"control": "site", "b": {"nav": OPERATIONS}})
    return ask(
        f"{{% set nav = personalise_nav('{slot}', {LINKS}) %}}{PRINTED}",
        f'{{% personalise_nav "{slot}" links as nav %}}{PRINTED}',
        definitions=kit.define(attributes=ATTRIBUTES, slots=NAV_SLOTS, experiments=experiments),
        **options,
    )


def test_a_template_prints_its_own_list_of_links(kit: Any, ask: Any) -> None:
    answer = menu(kit, ask)

    assert answer.text == "For you:/plans Plans &lt;3|/plans / /books! /gifts "
    assert answer.header("cache-control") == "private, no-cache"


@pytest.mark.parametrize(("slot", "consent"), [("menu", "refused"), ("menus", "granted")])
def test_a_template_prints_the_sites_links_where_nothing_else_is_to_be_shown(
    kit: Any, ask: Any, slot: str, consent: str, caplog: Any
) -> None:
    assert menu(kit, ask, slot, consent=consent).text == ":/ /books /plans "
    assert ("Did you mean 'menu'?" in caplog.text) is (slot == "menus")


def test_outside_of_a_request_nothing_is_known(ask: Any) -> None:
    text = ask.outside(
        "{{ known('industry') }} {{ decisions() }} {{ why_this('hero') }}"
        "{% for link in personalise_nav('menu', [{'href': '/'}]) %}{{ link.href }}{% endfor %}",
        '{% known "industry" %} {% decisions %} {% why_this "hero" %}'
        '{% personalise_nav "menu" links as nav %}{{ nav.links.0.href }}',
    )

    assert text == "None {} /"


def test_a_template_that_asks_too_early_does_not_keep_the_server_from_deciding(
    kit: Any, ask: Any, server: Any, personalise: Any
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        ask.outside("{{ decisions() }}", "{% decisions %}")
        await kit.html_app()(scope, receive, send)

    site = personalise(app, server=server, decide="server", consent=kit.granted)
    site.client.poll()

    assert b"<h2>Variant</h2>" in kit.browser(site).get().body


SEGMENTS = {
    "wide": {
        "because": "You use a <wide> screen",
        "when": {"attribute": "device", "equals": "desktop"},
    },
    "shipper": {"when": {"attribute": "industry", "equals": "shipping"}},
    "never": {"when": {"attribute": "industry", "equals": "nothing"}},
}
JOURNEYS = {
    "get-going": {
        "title": "Get going",
        "steps": [
            {"key": "tell", "done": "shipper", "label": "Tell us"},
            {"key": "buy", "done": "never", "link": "/buy", "label": "Buy & enjoy"},
        ],
    }
}


def defined(kit: Any, **changes: Any) -> Any:
    return kit.define(attributes=ATTRIBUTES, segments=SEGMENTS, journeys=JOURNEYS, **changes)


def test_the_control_says_why_and_how_to_see_the_standard_site(ask: Any, kit: Any) -> None:
    definitions = defined(kit, experiments=kit.greeting(audience="wide"))

    text = ask("{{ why_control() }}", "{% why_control %}", definitions=definitions).text

    assert "<summary>Why am I seeing this?</summary>" in text
    assert "<li>You use a &lt;wide&gt; screen</li>" in text
    assert "Based on: device" in text
    assert '<a href="?byleave=off" rel="nofollow">Show the standard site</a>' in text
    assert '<button name="choice" value="withdraw">' in text


def test_an_experiment_for_everybody_is_explained_as_a_comparison(ask: Any) -> None:
    assert "We compare versions" in ask("{{ why_control() }}", "{% why_control %}").text


def test_who_sees_the_sites_own_content_gets_no_control(ask: Any) -> None:
    assert ask("{{ why_control() }}", "{% why_control %}", consent="refused").text == ""


def test_a_control_that_cannot_be_made_is_left_out(ask: Any, caplog: Any) -> None:
    page = ("Own {{ why_control() }}", "Own {% why_control %}")

    assert ask(*page, gettext=lambda _: 1 / 0).text == "Own "
    assert "part of a page not shown" in caplog.text


def test_the_control_speaks_the_language_of_the_site(ask: Any) -> None:
    text = ask("{{ why_control() }}", "{% why_control %}", gettext=str.upper).text

    assert "<summary>WHY AM I SEEING THIS?</summary>" in text


@pytest.mark.parametrize(
    ("consent", "expected"), [("granted", "{'price': 9}"), ("refused", "None")]
)
def test_a_variant_of_data_is_handed_to_the_template(
    ask: Any, kit: Any, personalise: Any, server: Any, consent: str, expected: str
) -> None:
    variants = {"control": "site", "b": {"data": {"price": 9}}}
    server.definitions = defined(
        kit, slots={"hero": {"kind": "data"}}, experiments=kit.greeting(variants=variants)
    )

    async def app(scope: Any, receive: Any, send: Any) -> None:
        page = ask.outside(
            "{{ data('hero')|safe }} {{ data('no') }}",
            '{% data "hero" as it %}{{ it|safe }} {% data "no" %}',
        )
        await kit.html_app(page.encode())(scope, receive, send)

    site = personalise(app, server=server, consent=getattr(kit, consent))
    site.client.poll()
    text = kit.browser(site).get().text
    site.client.flush()

    assert text == f"{expected} None"
    assert len(server.of_type("exposure")) == (1 if consent == "granted" else 0)


@pytest.mark.parametrize("consent", ["granted", "refused"])
def test_a_journey_shows_its_steps_and_what_comes_next(ask: Any, kit: Any, consent: str) -> None:
    text = ask(
        "{{ journey('get-going') }}",
        '{% journey "get-going" %}',
        definitions=defined(kit),
        consent=consent,
        attributes=lambda _: {"industry": "shipping"},
    ).text

    assert text.startswith('<section class="byleave-journey" aria-label="Get going">')
    assert '<a href="/buy">Buy &amp; enjoy</a></li>' in text
    if consent == "granted":
        assert "1 of 2 steps done" in text
        assert "<li data-done>Tell us <span>(done)</span></li>" in text
        assert '<li aria-current="step">' in text
        assert '<a href="/buy">Continue where you left off: Buy &amp; enjoy</a>' in text
    else:
        assert "0 of 2 steps done" in text
        assert "Continue" not in text


def test_a_tag_shows_a_journey_and_nothing_of_one_that_is_not_there(ask: Any, kit: Any) -> None:
    by_function, by_tag, unknown = (
        ask(source, "", definitions=defined(kit)).text
        for source in (
            "{{ journey('get-going') }}",
            "{% journey 'get-going' %}",
            "{% journey 'x' %}",
        )
    )

    assert by_tag == by_function
    assert unknown == ""


def test_a_journey_can_be_shown_by_markup_of_the_sites_own(ask: Any, kit: Any) -> None:
    text = ask(
        "{% for step in journey('get-going').steps %}{{ step.key }} {% endfor %}",
        '{% journey "get-going" as it %}{% for step in it.steps %}{{ step.key }} {% endfor %}',
        definitions=defined(kit),
    ).text

    assert text == "tell buy "


def test_an_unknown_journey_is_told_with_a_suggestion(ask: Any, kit: Any, caplog: Any) -> None:
    text = ask("{{ journey('get') }}", '{% journey "get" %}', definitions=defined(kit)).text

    assert text == "None"
    assert "unknown journey 'get'" in caplog.text


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("<p>{{ journey.title }}: {{ journey.count }}</p>", "<p>Get going: 0 of 2 steps done</p>"),
        ("<nav>{{ journey }}</nav>", '<nav><section class="byleave-journey"'),
        ("{{ journey.title.nothing.more }}", '<section class="byleave-journey"'),
        ("{% broken", '<section class="byleave-journey"'),
    ],
)
def test_a_site_prints_journeys_by_a_template_of_its_own(
    ask: Any, kit: Any, own: str, expected: str
) -> None:
    loader = DictLoader({"byleave/journey.html": own})
    templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)

    text = ask(
        "{{ journey('get-going') }}",
        '{% journey "get-going" %}',
        definitions=defined(kit),
        templates=templates,
    ).text

    assert text.startswith(expected)


def test_a_broken_template_for_journeys_is_told(ask: Any, kit: Any, caplog: Any) -> None:
    templates = Environment(loader=DictLoader({"byleave/journey.html": "{% x"}), autoescape=True)
    ask(
        "{{ journey('get-going') }}",
        '{% journey "get-going" %}',
        definitions=defined(kit),
        templates=templates,
    )

    assert "the site's own template not used" in caplog.text
