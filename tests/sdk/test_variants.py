"""Variants as bytes: templates of the site, fields that people wrote, and what is refused."""

from typing import Any

import pytest
from jinja2 import DictLoader, Environment, TemplateError

from byleave.experiments import Slot, Variant
from byleave.sdk.failures import VariantError
from byleave.sdk.variants import Renderer
from byleave.segments import Scalar, read

TEMPLATES = {
    "hero.html": '<a href="{{ link }}">{{ title }}</a>',
    "own.html": "<b>{{ 1 + 1 }}</b>",
    "broken.html": "{{ missing.attribute }}",
}
SLOT = {"kind": "content", "fields": {"title": "text", "link": "url"}, "template": "hero.html"}

KNOWN: dict[str, Scalar] = {"industry": "<b>\"'&", "seats": 3.0, "city": "Zürich"}


def render(variant: Any, *, slot: Any = SLOT, **options: Any) -> bytes | None:
    environment = Environment(loader=DictLoader(TEMPLATES), **options)  # noqa: S701  # on purpose
    renderer = Renderer(environment, promoted_label="For you")
    return renderer.render(
        read(Slot, slot),
        read(Variant, variant),
        b"default",
        path="/",
        codec="utf-8",
        known=lambda name: KNOWN.get(name),
    )


@pytest.mark.parametrize("options", [{}, {"autoescape": True}, {"enable_async": True}])
def test_fields_are_escaped_whatever_the_site_does(options: dict[str, Any]) -> None:
    out = render({"fields": {"title": "<b> & co", "link": "/a?b=1&c"}}, **options)

    assert out == b'<a href="/a?b=1&amp;c">&lt;b&gt; &amp; co</a>'


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " \t\njavascript:alert(1)",
        "java\nscript:alert(1)",
        "\u00a0\u2028\u3000javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "http://[",
    ],
)
def test_an_address_that_could_run_code_is_refused(link: str) -> None:
    with pytest.raises(VariantError, match="'link'"):
        render({"fields": {"title": "T", "link": link}})


@pytest.mark.parametrize("link", ["/a", "https://x.example", "mailto:a@b.example", "tel:1", "#a"])
def test_an_ordinary_address_is_shown(link: str) -> None:
    out = render({"fields": {"title": "T", "link": link}})

    assert out is not None
    assert link.encode() in out


def test_the_sites_own_template_is_rendered_as_the_site_does() -> None:
    assert render({"template": "own.html"}, enable_async=True) == b"<b>2</b>"


def test_html_and_the_sites_own_content() -> None:
    assert render({"html": "<i>é</i>"}) == "<i>é</i>".encode()
    assert render("site") is None
    assert render({"data": {"a": 1}}) is None


@pytest.mark.parametrize("variant", [{"template": "absent.html"}, {"template": "broken.html"}])
def test_a_broken_template_says_so(variant: Any) -> None:
    with pytest.raises(TemplateError):
        render(variant)


def test_fields_need_a_template_and_templates_an_environment() -> None:
    with pytest.raises(VariantError, match="no template"):
        render({"fields": {}}, slot={"kind": "content"})
    with pytest.raises(VariantError, match="no templates"):
        Renderer(None, promoted_label="").render(
            read(Slot, SLOT),
            read(Variant, {"template": "own.html"}),
            b"",
            path="/",
            codec="utf-8",
            known=lambda name: None,
        )


def test_links_are_promoted() -> None:
    renderer = Renderer(None, promoted_label="Für Sie")
    out = renderer.render(
        read(Slot, {"kind": "navigation"}),
        read(Variant, {"nav": [{"promote": "/a"}]}),
        b'<ul><li><a href="/a">A</a></li></ul>',
        path="/",
        codec="ascii",
        known=lambda name: None,
    )

    assert out is not None
    assert out.startswith(b'<ul class="byleave-promoted" aria-label="F&#252;r Sie">')


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ({"html": "<p>For {{ industry | you }}</p>"}, "<p>For &lt;b&gt;&quot;&#x27;&amp;</p>"),
        ({"html": "<p>For {{ nothing | you & me }}</p>"}, "<p>For you &amp; me</p>"),
        (
            {"html": '<a href="/of/{{ industry | all }}" title="{{city|x}}">{{ seats | 1 }}</a>'},
            '<a href="/of/%3Cb%3E%22%27%26" title="Zürich">3</a>',
        ),
        (
            {"fields": {"title": "In {{ city | town }}", "link": "/in/{{ city | town }}"}},
            '<a href="/in/Z%C3%BCrich">In Zürich</a>',
        ),
        (
            {"fields": {"title": "{{ industry | x }}", "link": "/{{ nothing }}"}},
            '<a href="/">&lt;b&gt;&#34;&#39;&amp;</a>',
        ),
    ],
)
def test_placeholders_are_filled_and_escaped_where_they_stand(
    variant: dict[str, Any], expected: str
) -> None:
    assert render(variant) == expected.encode()


@pytest.mark.parametrize("text", ["<script>x()</script>", "<b onclick=x()>", "<p>", "{{ a | b }}<"])
def test_html_that_is_more_than_plain_markup_is_not_shown(text: str) -> None:
    with pytest.raises(VariantError):
        render({"html": text})
