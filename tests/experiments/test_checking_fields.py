from collections.abc import Callable
from typing import Any

import pytest

from byleave.experiments import Definitions
from byleave.experiments.checking import check

Define = Callable[..., Definitions]

REQUEST = {"type": "string", "source": "request"}
SITE = {"type": "string", "source": "site", "purposes": ["personalisation", "analytics"]}


def faults_of(definitions: Definitions) -> list[str]:
    return [str(fault) for fault in check(definitions)]


def filled(**fields: Any) -> dict[str, Any]:
    """Return an experiment's variants, one of which has these fields besides sound ones."""
    sound = {"title": "A", "picture": "/a.svg", "link": "/a"}
    return {"proof": {"template": None, "fields": sound | fields}}


@pytest.mark.parametrize(
    "fields",
    [
        {"title": {"en": "Hello", "de": "Hallo"}},
        {"title": {"zh-Hant": "你好"}, "link": {"zh-Hant": "/zh"}},
        {"title": {"en": "For {{ plan | you }}", "de-AT": "Für {{ plan | Sie }}"}},
    ],
)
def test_texts_by_locale_that_can_be_shown(offer: Define, fields: dict[str, Any]) -> None:
    assert check(offer(variants=filled(**fields))) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"title": {}},
            [".title: expected a text, or one for each locale such as {en: Welcome}"],
        ),
        (
            {"title": {"en": "A", "de": "B"}, "link": {"en": "/a"}},
            [
                ".link.de: no text in 'de': write it, or take the locale out of every field, so "
                "that its pages show the site's own content"
            ],
        ),
        (
            {"title": {"en": ""}},
            [
                ".title.en: no text in 'en': write it, or take the locale out of every field, so "
                "that its pages show the site's own content"
            ],
        ),
        (
            {"link": {"en": "/a", "de": "javascript:x"}},
            [
                ".link.de: expected the address of the url: a path such as /schools or "
                "https://example.org/, got 'javascript:x'"
            ],
        ),
        (
            {"title": {"en": "For {{ plan }}"}},
            [
                ".title.en: {{ plan }} needs words for those of whom it is not known, such as "
                "{{ plan | you }}"
            ],
        ),
        ({"title": {"de_at": "A"}}, [".title.de_at: write the locale as 'de-AT'"]),
        ({"title": {"DE": "A"}}, [".title.DE: write the locale as 'de'"]),
        (
            {"title": {"my german": "A"}},
            [".title.my german: expected a locale such as en or de-AT, got 'my german'"],
        ),
        (
            {"title": {f"en-{'a' * 8}-{'b' * 8}-{'c' * 8}-{'d' * 8}": "A"}},
            [
                f".title.en-{'a' * 8}-{'b' * 8}-{'c' * 8}-{'d' * 8}: expected a locale such as en "
                f"or de-AT, got 'en-{'a' * 8}-{'b' * 8}-{'c' * 8}-{'d' * 8}'"
            ],
        ),
        ({"titel": {"en": "A"}}, [".titel: unknown field 'titel'. Did you mean 'title'?"]),
    ],
)
def test_faults_of_texts_by_locale(
    offer: Define, fields: dict[str, Any], expected: list[str]
) -> None:
    assert faults_of(offer(variants=filled(**fields))) == [
        f"$.experiments.offer.variants.proof.fields{each}" for each in expected
    ]


def test_the_language_of_a_request_has_no_region(define: Define) -> None:
    experiments = {"offer": {"variants": filled(title={"de": "A", "de-AT": "B"})}}

    found = faults_of(
        define(locale=None, attributes={"language": REQUEST}, experiments=experiments)
    )

    assert found == [
        "$.experiments.offer.variants.proof.fields.title.de-AT: a request says a language and no "
        "region, so no page is in 'de-AT': write 'de', or name with `locale` an attribute of your "
        "site"
    ]


def test_a_site_may_give_a_language_with_its_region(define: Define) -> None:
    given = {"language": {**SITE, "ttl": "session"}}
    experiments = {"offer": {"variants": filled(title={"de": "A", "de-AT": "B"})}}

    assert check(define(locale=None, attributes=given, experiments=experiments)) == []


@pytest.mark.parametrize(
    ("locale", "attribute", "expected"),
    [
        (
            None,
            None,
            [
                "texts by locale need to know that of a page: declare the attribute `language: "
                "{type: string, source: request}`, or name here the one that your site gives"
            ],
        ),
        ("tongu", None, ["unknown attribute 'tongu'. Did you mean 'tongue'?"]),
        (
            "page",
            {**REQUEST, "type": "list"},
            ["expected an attribute of type string, got list"],
        ),
        (
            "page",
            {**SITE, "ttl": "session", "purposes": ["personalisation"]},
            ["attribute 'page' may not be used for analytics, which an enrolment reveals"],
        ),
        (
            "page",
            {**SITE, "source": "server", "ttl": "30d"},
            ["a page says its own locale; 'page' is kept of the visitor"],
        ),
        (
            "page",
            {**SITE, "ttl": "session", "sensitive": True},
            ["a page shows its locale to everybody; 'page' is sensitive"],
        ),
        ("page", {**REQUEST, "purposes": ["personalisation", "analytics"]}, []),
    ],
)
def test_faults_of_the_locale_of_a_page(
    define: Define, locale: str | None, attribute: dict[str, Any] | None, expected: list[str]
) -> None:
    found = faults_of(
        define(
            locale=locale,
            attributes={} if attribute is None else {"page": attribute},
            experiments={"offer": {"variants": filled(title={"en": "A"})}},
        )
    )

    assert found == [f"$.locale: {each}" for each in expected]


def test_a_site_without_texts_by_locale_need_not_know_that_of_a_page(define: Define) -> None:
    assert check(define(locale=None)) == []


def test_texts_by_locale_are_conditions_of_their_arm(offer: Define) -> None:
    sound = filled(title={"en": "A"})["proof"] | {"template": None}
    many = {f"arm-{number}": sound for number in range(7)}
    ranges = {"control": {"start": 0.0, "end": 0.5}, "proof": {"start": 0.5, "end": 1.0}}
    imported = {"hash": "fnv1a32-v2", "seed": "old", "ranges": ranges}

    assert faults_of(offer(variants=many)) == [
        "$.experiments.offer.allocate: 7 contexts and conditional variants together make too many "
        "cells to learn in; use at most 6"
    ]
    assert faults_of(offer(variants=filled(title={"en": "A"}), imported=imported)) == [
        "$.experiments.offer.imported: an imported split has neither contexts nor conditional "
        "variants"
    ]
