"""What placeholders may show, and how it is written where they stand."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.experiments import Definitions, Variant
from byleave.experiments.checking import check
from byleave.experiments.markup import markup_faults
from byleave.experiments.placeholders import (
    in_address,
    in_markup,
    in_text,
    shown_attributes,
    unfilled,
)
from byleave.segments import read

Define = Callable[..., Definitions]


NUMBERS = {
    "sum": 1_234_567.5,
    "many": 2e15,
    "less": -0.25,
    "little": 0.0000001,
    "tenths": 0.1 + 0.2,
    "none": -1e-9,
}


def known(name: str) -> Any:
    values = {"city": "Köln & <Bonn>", "seats": 3.0, "count": 12, "long": "x" * 999}
    return values.get(name, NUMBERS.get(name))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nothing", "nothing"),
        ("in {{ city | town }}!", "in Köln & <Bonn>!"),
        ("in {{city|town}}{{seats|0}}{{ count | 1 }}", "in Köln & <Bonn>312"),
        ("{{ street | your street }} {{street}}", "your street "),
        ("{{ sum | x }} {{ many | x }}", "1234567.5 2000000000000000"),
        ("{{ less | x }} {{ little | x }} {{ tenths | x }} {{ none | x }}", "-0.25 0 0.3 0"),
        ("{{ long | x }}", "x" * 200),
        ("{{ }} { city }", "{{ }} { city }"),
    ],
)
def test_values_or_words_are_put_in(text: str, expected: str) -> None:
    assert in_text(text, known) == expected


def test_an_address_leads_where_it_did() -> None:
    assert in_address("/in/{{ city | a b }}/{{ x | a b }}", known) == (
        "/in/K%C3%B6ln%20%26%20%3CBonn%3E/a%20b"
    )


SHOWN = (
    '<p title="{{ it | x }}">{{ it | x }}</p><a href="/a/{{ it | x }}" class=\'{{ it | x }}\'>y</a>'
)


@given(st.text())
def test_markup_stays_plain_whatever_is_put_in(value: str) -> None:
    shown = in_markup(SHOWN, lambda name: value)

    assert markup_faults(shown.replace("\0", "")) == ()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"html": "{{ city | x }} {{ plan | y }}"}, {"city", "plan"}),
        ({"html": "city"}, set()),
        ({"fields": {"title": "a", "link": "/{{ city }}"}}, {"city"}),
        ({"fields": {"title": "a"}}, set()),
        ({"fields": {"title": {"en": "a", "de": "{{ city | b }}"}}}, {"city"}),
        ({"fields": {"title": {"en": "a", "de": "b"}}}, set()),
        ({"data": {"text": "{{ city | x }}"}}, set()),
    ],
)
def test_a_variant_shows_something_of_its_visitor_or_not(content: Any, expected: set[str]) -> None:
    assert shown_attributes(read(Variant, content)) == expected


def test_what_is_checked_has_a_sign_for_each_placeholder() -> None:
    assert unfilled("a {{ b | c }} d{{e}}") == "a {} d{}"


KEPT: dict[str, Any] = {"source": "site", "ttl": "30d"}
ATTRIBUTES: dict[str, Any] = {
    "diet": {"type": "string", "purposes": ["personalisation"], "sensitive": True, **KEPT},
    "member": {"type": "boolean", "purposes": ["personalisation"], **KEPT},
    "score": {"type": "number", "purposes": ["analytics"], **KEPT},
    "city": {"type": "string", "purposes": ["personalisation"], **KEPT},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ diet | x }}", "{{ diet }} cannot be shown: it is sensitive"),
        ("{{ member | x }}", "{{ member }} cannot be shown: it is a boolean, not text or a number"),
        ("{{ score | x }}", "{{ score }} cannot be shown: it may not be used for personalisation"),
        ("{{ citty | x }}", "unknown attribute 'citty'. Did you mean 'city'?"),
        (
            "{{ city }}",
            "{{ city }} needs words for those of whom it is not known, such as {{ city | you }}",
        ),
        ("{{ city | x", "expected a placeholder such as {{ industry | your industry }}"),
    ],
)
def test_placeholders_that_cannot_be_shown_are_refused(
    define: Define, text: str, expected: str
) -> None:
    fields = {"title": text, "picture": "/", "link": "/"}
    for variant, name in (({"html": text}, "html"), ({"fields": fields}, "fields.title")):
        offer = {"offer": {"variants": {"proof": {"template": None, **variant}}}}
        found = [str(fault) for fault in check(define(attributes=ATTRIBUTES, experiments=offer))]

        assert found == [f"$.experiments.offer.variants.proof.{name}: {expected}"]


def test_placeholders_that_can_be_shown_are_let_through(define: Define) -> None:
    fields = {
        "title": "In {{ city | town }}, {{ country | here }}",
        "picture": "/{{ city }}.jpg",
        "link": "/in/{{ city }}",
    }
    offer = {"offer": {"variants": {"proof": {"template": None, "fields": fields}}}}

    assert check(define(attributes=ATTRIBUTES, experiments=offer)) == []


def test_html_that_is_more_than_plain_markup_is_refused(define: Define) -> None:
    variant = {"template": None, "html": "<b>{{ country | here }}"}
    found = check(define(experiments={"offer": {"variants": {"proof": variant}}}))

    assert [str(fault) for fault in found] == [
        "$.experiments.offer.variants.proof.html: <b> is not closed"
    ]
