"""Texts by locale: which of them a page is shown, and who an arm with them is for."""

import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from byleave.experiments import (
    Assignments,
    Decider,
    Decision,
    Definitions,
    Reason,
    Sticky,
    Variant,
    Visitor,
    local_snapshot,
    locales,
)
from byleave.experiments.locales import best_locale, canonical, page_locale
from byleave.segments import Choice, Consent, Purpose, read

Define = Callable[..., Definitions]

NOW_MS = 1_800_000_000_000
PICTURE = {"picture": "/a.svg", "link": "/a"}


def written_in(*locales: str) -> dict[str, Any]:
    """Return a variant whose title is in some locales."""
    title = {each: f"title in {each}" for each in locales}
    return {"template": None, "fields": {"title": title, **PICTURE}}


def decide(decider: Decider, consent: Consent, page: object, **known: Any) -> Decision:
    attributes = {} if page is None else {"tongue": page}
    who = Visitor(**{"id": "anna", "consent": consent, "attributes": attributes, **known})
    return decider.decide(who, ["hero"], now_ms=NOW_MS)["hero"]


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-at", "de-AT"),
        ("de_AT", "de-AT"),
        ("ZH-hant-tw", "zh-Hant-TW"),
        ("sl-ROZAJ-biske-1994", "sl-rozaj-biske-1994"),
        ("es-419", "es-419"),
    ],
)
def test_tags_are_written_in_the_usual_letters(tag: str, expected: str) -> None:
    assert canonical(tag) == canonical(expected) == expected


@pytest.mark.parametrize(
    ("locales", "page", "expected"),
    [
        (("de", "en"), "de", "de"),
        (("de", "en"), "de-AT", "de"),
        (("de", "de-AT"), "de_at", "de-AT"),
        (("de", "de-AT"), "de-CH-1996", "de"),
        (("zh-Hant",), "zh-hant-tw", "zh-Hant"),
        (("de-AT",), "de", None),
        (("de",), "den", None),
        (("de", "en"), "fr", None),
        (("de",), "", None),
        (("de",), None, None),
        ((), "de", None),
    ],
)
def test_a_page_is_given_the_nearest_locale_above_its_own(
    locales: tuple[str, ...], page: str | None, expected: str | None
) -> None:
    assert best_locale(locales, page) == expected


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("site", ()),
        ({"template": "a.html"}, ()),
        ({"fields": {}}, ()),
        ({"fields": {"title": "a"}}, ()),
        ({"fields": {"title": {"en": "a", "de": "b"}, "link": "/a"}}, ("de", "en")),
        ({"fields": {"title": {"en": "a", "de": "b"}, "link": {"de": "/b"}}}, ("de",)),
        ({"fields": {"title": {}}}, ()),
    ],
)
def test_a_variant_is_in_the_locales_that_all_its_texts_are_in(
    variant: object, expected: tuple[str, ...]
) -> None:
    assert read(Variant, variant).locales == expected


ATTRIBUTES = {
    "plain": {"type": "string", "source": "request"},
    "given": {
        "type": "string",
        "source": "site",
        "purposes": ["personalisation", "analytics"],
        "ttl": "session",
        "default": "en",
    },
    "listed": {"type": "string", "source": "request", "one_of": ["de", "en"]},
}
AGREED = {Purpose.PERSONALISATION: Choice.GRANTED, Purpose.ANALYTICS: Choice.GRANTED}


@pytest.mark.parametrize(
    ("locale", "choices", "value", "expected"),
    [
        ("plain", {}, "de-AT", "de-AT"),
        ("plain", {}, None, None),
        ("plain", {}, 3, None),
        ("plain", {}, "d" * 36, None),
        ("given", AGREED, "de", "de"),
        ("given", AGREED, None, "en"),
        ("given", {}, "de", None),
        ("given", {}, None, None),
        ("listed", {}, "de", "de"),
        ("listed", {}, "fr", None),
        ("nowhere", {}, "de", None),
    ],
)
def test_the_locale_of_a_page_is_read_as_conditions_read(
    define: Define,
    locale: str,
    choices: dict[Purpose, Choice],
    value: Any,
    expected: str | None,
) -> None:
    who = Visitor(id="anna", consent=Consent(choices), attributes={locale: value})

    assert page_locale(define(locale=locale, attributes=ATTRIBUTES), who) == expected


def test_a_locale_that_was_collected_for_something_else_is_not_read(
    define: Define, agreed: Consent
) -> None:
    narrow = {"tongue": [Purpose.ANALYTICS]}
    who = Visitor(id="anna", consent=agreed, attributes={"tongue": "de"}, collected=narrow)

    assert page_locale(define(), who) is None


pages = st.sampled_from(["de", "de-AT", "de_ch", "fr", "en", "xx", "", 3, None])
tags = st.lists(st.sampled_from(["de", "de-AT", "en", "fr"]), max_size=3, unique=True)


@given(pages, tags, tags, st.text("abcdef0123456789", min_size=1, max_size=8))
def test_an_arm_is_drawn_only_where_it_has_the_locale_of_the_page(
    offer: Define, agreed: Consent, page: object, first: list[str], second: list[str], id: str
) -> None:
    variants = {"proof": None, "one": written_in(*first), "two": written_in(*second)}
    definitions = offer(variants=variants)
    snapshot = local_snapshot(definitions, now_ms=0)
    written = {
        arm: variant.locales for arm, variant in definitions.experiments["offer"].variants.items()
    }
    tag = page if isinstance(page, str) else None
    eligible = {arm for arm, locales in written.items() if not locales or best_locale(locales, tag)}

    decision = decide(Decider(snapshot), agreed, page, id=id)

    row = next(r for r in snapshot.runs["offer"].allocations if r.id == decision.allocation)
    assert decision.reason is Reason.ASSIGNED
    assert set(row.weights) == eligible
    assert decision.variant == decision.arm
    assert decision.propensity == row.weights[decision.variant]


def test_the_weights_served_are_the_frequencies_drawn_in_each_locale(
    offer: Define, agreed: Consent
) -> None:
    shares = {"control": "10%", "proof": "30%", "both": "40%", "german": "20%"}
    definitions = offer(
        allocate={"policy": "fixed", "shares": shares},
        variants={"both": written_in("de", "en"), "german": written_in("de")},
    )
    decider = Decider(local_snapshot(definitions, now_ms=0))
    count, statistic, freedom = 6_000, 0.0, 0

    for page, arms in [("de-CH", 4), ("en", 3), ("fr", 2), (None, 2)]:
        decisions = [decide(decider, agreed, page, id=f"visitor-{n}") for n in range(count)]
        weights = {decision.arm: decision.propensity for decision in decisions}
        drawn = Counter(decision.arm for decision in decisions)
        assert len(weights) == arms
        assert sum(filter(None, weights.values())) == pytest.approx(1)
        statistic += sum((drawn[a] - count * e) ** 2 / (count * e) for a, e in weights.items() if e)
        freedom += arms - 1

    assert statistic < chi2.isf(1e-4, freedom)


def test_who_comes_in_another_locale_keeps_the_arm_and_sees_the_sites_own(
    offer: Define, agreed: Consent
) -> None:
    decider = Decider(local_snapshot(offer(variants={"proof": written_in("de")}), now_ms=0))
    kept = Sticky(arm="proof", allocation="old", assigned_at_ms=NOW_MS - 1)
    known = {"assignments": Assignments(sticky={"offer.local": kept})}

    german, french = (decide(decider, agreed, page, **known) for page in ("de-AT", "fr"))

    assert (german.variant, german.reason) == ("proof", Reason.STICKY)
    assert (french.variant, french.reason) == ("control", Reason.INELIGIBLE_ARM)
    assert (french.arm, french.is_enrolling) == ("proof", False)


def test_where_no_arm_has_locales_nothing_looks_for_them(offer: Define, agreed: Consent) -> None:
    def asked(definitions: Definitions) -> set[str]:
        """Return the functions of this repository's module of locales that deciding calls."""
        decider = Decider(local_snapshot(definitions, now_ms=0))
        called: set[str] = set()

        def note(frame: Any, event: str, _: object) -> None:
            if event == "call" and frame.f_code.co_filename == locales.__file__:
                called.add(frame.f_code.co_name)

        sys.setprofile(note)
        try:
            decide(decider, agreed, "de")
        finally:
            sys.setprofile(None)
        return called

    plain = {"fields": {"title": "A", **PICTURE}, "template": None, "when": "gold"}

    assert asked(offer(variants={"proof": plain})) == set()
    assert asked(offer(variants={"proof": plain, "german": written_in("de")})) >= {"page_locale"}


def test_a_page_view_is_drawn_by_its_locale(define: Define) -> None:
    definitions = define(
        locale="plain",
        attributes=ATTRIBUTES,
        storage_free_measurement=["default"],
        experiments={
            "offer": {
                "unit": "view",
                "variants": {"proof": written_in("de")},
                "goals": {"primary": "clicked"},
                "allocate": {"policy": "fixed", "goal": "clicked"},
            }
        },
    )
    decider = Decider(local_snapshot(definitions, now_ms=0))

    def shown(page: str) -> set[str]:
        return {
            decide(
                decider, Consent({}), None, id=None, view=f"v{n}", attributes={"plain": page}
            ).variant
            for n in range(40)
        }

    assert shown("de") == {"control", "proof"}
    assert shown("fr") == {"control"}
