from collections.abc import Callable
from typing import Any

import pytest

from byleave.experiments import Definitions
from byleave.experiments.checking import check

Define = Callable[..., Definitions]

NAMES = "names are lower-case letters, digits, dots, hyphens and underscores, at most 64"


def thompson(**changes: Any) -> dict[str, Any]:
    return {"policy": "thompson", **changes}


def faults_of(definitions: Definitions) -> list[str]:
    return [str(fault) for fault in check(definitions)]


@pytest.mark.parametrize(
    ("variants", "expected"),
    [
        (
            {"control": None, "other": {"template": "b.html"}},
            ": needs `control: site`, without conditions: the site's own content",
        ),
        (
            {"control": {"template": "a.html"}},
            ": needs `control: site`, without conditions: the site's own content",
        ),
        ({"proof": None}, ": needs at least one variant besides control"),
        ({f"v{n}": {"template": "a.html"} for n in range(19)}, ": at most 20 variants"),
        (
            {"holdout": {"template": "a.html"}},
            ".holdout: 'holdout' is the name of the global holdout; take another",
        ),
        ({"a+b": {"template": "a.html"}}, f".a+b: {NAMES}"),
        (
            {"proof": {"when": "swis"}},
            ".proof.when: unknown segment 'swis'. Did you mean 'swiss'?",
        ),
        (
            {"proof": {"unless": ["swis"]}},
            ".proof.unless[0]: unknown segment 'swis'. Did you mean 'swiss'?",
        ),
        (
            {"proof": {"cap": {"exposures": 0, "within": "1d"}}},
            ".proof.cap.exposures: expected 1 to 100 exposures, got 0",
        ),
        (
            {"proof": {"template": None, "data": {"price": 3}}},
            ".proof: a content slot takes fields or template or html, not data",
        ),
        (
            {"proof": {"template": None, "fields": {"title": "A", "picture": "/a.svg"}}},
            ".proof.fields: field 'link' is missing",
        ),
        (
            {
                "proof": {
                    "template": None,
                    "fields": {"title": "A", "picture": "/a.svg", "link": "/a", "titel": "B"},
                }
            },
            ".proof.fields.titel: unknown field 'titel'. Did you mean 'title'?",
        ),
        *(
            (
                {
                    "proof": {
                        "template": None,
                        "fields": {"title": "A", "picture": "/a.svg", "link": "/a", kind: address},
                    }
                },
                f".proof.fields.{kind}: expected the address of the {text}: a path such as "
                f"/schools or https://example.org/, got {address!r}",
            )
            for kind, text, address in [
                ("link", "url", "javascript:alert(1)"),
                ("link", "url", "//elsewhere.example"),
                ("link", "url", "/\\elsewhere.example"),
                ("link", "url", "two words"),
                ("picture", "image", "data:image/svg+xml,x"),
                ("picture", "image", ""),
            ]
        ),
    ],
)
def test_faults_of_the_variants(offer: Define, variants: dict[str, Any], expected: str) -> None:
    assert faults_of(offer(variants=variants)) == [f"$.experiments.offer.variants{expected}"]


@pytest.mark.parametrize(
    ("retired", "expected"),
    [
        (["prof"], "[0]: unknown variant 'prof'. Did you mean 'proof'?"),
        (["control"], "[0]: control cannot be retired; end the experiment instead"),
        (["proof"], ": leaves control alone; end the experiment instead"),
    ],
)
def test_faults_of_retired_arms(offer: Define, retired: list[str], expected: str) -> None:
    assert faults_of(offer(retired=retired)) == [f"$.experiments.offer.retired{expected}"]


@pytest.mark.parametrize(
    "link", ["/", "/a?b=c#d", "https://example.org", "#top", "mailto:a@b.example", "tel:+41"]
)
def test_addresses_that_a_link_may_have(offer: Define, link: str) -> None:
    fields = {"title": "A", "picture": "/a.svg", "link": link}

    assert check(offer(variants={"proof": {"template": None, "fields": fields}})) == []


def test_fields_need_the_template_of_their_slot(define: Define) -> None:
    found = faults_of(
        define(
            slots={"hero": {"template": None, "fields": {"picture": None, "link": None}}},
            experiments={
                "offer": {"variants": {"proof": {"template": None, "fields": {"title": "A"}}}}
            },
        )
    )

    assert found == [
        "$.experiments.offer.variants.proof.fields: the slot has no `template` that would render "
        "fields"
    ]


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ([], ": changes nothing; name at least one link"),
        (
            [{"hide": "javascript:x"}],
            "[0].hide: expected where the link leads, such as /pricing, got 'javascript:x'",
        ),
        ([{"add": "/new"}], "[0]: an added link needs a `label`"),
        ([{"hide": "/contact"}], "[0].hide: nobody may be cut off from '/contact'; leave it"),
        (
            [{"reorder": "/plans"}],
            "[0].reorder: links keep the site's order, in which visitors find them again (WCAG "
            "2.2, 3.2.3). Promote the link, or let the slot say `reorder: true`.",
        ),
        (
            [{"promote": f"/{number}"} for number in range(3)],
            ": at most 2 links to promote here, got 3",
        ),
        (
            [{"add": f"/{number}", "label": "New"} for number in range(3)],
            ": at most 2 links to add here, got 3",
        ),
    ],
)
def test_faults_of_navigation(offer: Define, links: list[Any], expected: str) -> None:
    variants = {"proof": {"template": None, "nav": links}}

    found = faults_of(offer(slot="menu", variants=variants))

    assert found == [f"$.experiments.offer.variants.proof.nav{expected}"]


@pytest.mark.parametrize(
    ("allocate", "expected"),
    [
        (thompson(shares={"control": "50%"}), ".shares: only `policy: fixed` has shares"),
        (
            thompson(floor="0%"),
            ": `control` and `floor` must be more than 0%, or an arm could never be compared",
        ),
        (
            thompson(control="20%"),
            ": control and floors add up to 21%; keep them within 20%, so that there is traffic to "
            "learn with",
        ),
        (
            thompson(control="100%", floor="100%"),
            ": control and floors add up to 100%; keep them within 20%, so that there is traffic "
            "to learn with",
        ),
        (
            thompson(largest_step="0%"),
            ".largest_step: must be more than 0%, or the weights never move",
        ),
        (thompson(prior={"rate": "0%"}), ".prior.rate: expected more than 0% and less than 100%"),
        (thompson(prior={"rate": "4%", "units": 0}), ".prior.units: expected more than 0"),
        ({"half_life": "30d"}, ".half_life: only `policy: thompson` learns"),
        ({"prior": {"rate": "4%"}}, ".prior: only `policy: thompson` learns"),
        (thompson(epoch="25h"), ".epoch: at most 24h, got 25h"),
        (thompson(contexts=["glod"]), ".contexts[0]: unknown segment 'glod'. Did you mean 'gold'?"),
        (thompson(contexts=["gold", "gold"]), ".contexts[1]: 'gold' stands here twice"),
        (
            {"shares": {"control": "50%", "prof": "0%", "proof": "50%"}},
            ".shares.prof: unknown variant 'prof'. Did you mean 'proof'?",
        ),
        (
            {"shares": {"control": "100%"}},
            ".shares: give every variant a share, proof too",
        ),
        (
            {"shares": {"control": "70%", "proof": "70%"}},
            ".shares: shares must add up to 100%, not 140%",
        ),
    ],
)
def test_faults_of_the_allocation(offer: Define, allocate: dict[str, Any], expected: str) -> None:
    assert faults_of(offer(allocate=allocate)) == [f"$.experiments.offer.allocate{expected}"]


@pytest.mark.parametrize(
    "allocate",
    [
        thompson(control="19%", floor="1%"),
        thompson(control="13%", floor="7%"),
        thompson(epoch="24h"),
        {"shares": {"control": "30%", "proof": "70%"}},
    ],
)
def test_an_allocation_may_go_to_its_limits(offer: Define, allocate: dict[str, Any]) -> None:
    assert faults_of(offer(allocate=allocate)) == []


def test_a_prior_rate_is_that_of_a_conversion_goal(offer: Define) -> None:
    allocate = thompson(goal="spent", prior={"rate": "4%"})

    found = faults_of(offer(allocate=allocate, goals={"others": ["spent"]}))

    place = "$.experiments.offer.allocate.prior"
    assert found == [f"{place}: is a conversion rate, but 'spent' is a value goal"]


def test_more_cells_than_can_be_learned_in_are_refused(define: Define) -> None:
    names = [f"gold-{number}" for number in range(6)]
    segments = {key: {"when": {"attribute": "plan", "equals": "gold"}} for key in names}

    found = faults_of(
        define(
            segments=segments,
            experiments={
                "offer": {
                    "allocate": {"contexts": names},
                    "variants": {"proof": {"when": "swiss"}},
                }
            },
        )
    )

    assert found == [
        "$.experiments.offer.allocate: 7 contexts and conditional variants together make too many "
        "cells to learn in; use at most 6"
    ]
