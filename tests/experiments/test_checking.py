from collections.abc import Callable
from typing import Any

import pytest

from byleave.experiments import Definitions, check
from byleave.segments import Fault

Define = Callable[..., Definitions]

NAMES = "names are lower-case letters, digits, dots, hyphens and underscores, at most 64"
GOAL = {"event": "buy", "kind": "conversion", "within": "7d"}
EXPERIMENT = {
    "slot": "aside",
    "variants": {"control": "site", "proof": {"template": "a.html"}},
    "allocate": {"policy": "fixed", "goal": "bought"},
    "goals": {"primary": "bought"},
}
VIEW = {
    "unit": "view",
    "allocate": {"goal": "clicked"},
    "goals": {"primary": "clicked"},
}
RANGES = {"control": {"start": 0.0, "end": 0.5}, "proof": {"start": 0.5, "end": 1.0}}
OLD = {"hash": "fnv1a32-v2", "seed": "old", "ranges": RANGES}


def thompson(**changes: Any) -> dict[str, Any]:
    return {"policy": "thompson", **changes}


def faults_of(definitions: Definitions) -> list[str]:
    return [str(fault) for fault in check(definitions)]


def test_the_shop_has_no_fault(define: Define) -> None:
    assert check(define()) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"site": "My Shop"}, f"$.site: {NAMES}"),
        ({"goals": {"Signed up": GOAL}}, f"$.goals.Signed up: {NAMES}"),
        ({"slots": {"x" * 65: {"kind": "data"}}}, f"$.slots.{'x' * 65}: {NAMES}"),
        ({"experiments": {"-": EXPERIMENT}}, f"$.experiments.-: {NAMES}"),
        (
            {"regions": {"norway": "opt-in"}},
            "$.regions.norway: expected a country code of two capital letters such as NO, or "
            "default, got 'norway'",
        ),
        (
            {"storage_free_measurement": ["default", "UK"]},
            "$.storage_free_measurement[1]: unknown region 'UK'. Known: US, default.",
        ),
        (
            {"suppress": ["compalining"]},
            "$.suppress[0]: unknown segment 'compalining'. Did you mean 'complaining'?",
        ),
        (
            {"suppress": ["moody"]},
            "$.suppress[0]: segment 'moody' may not be used for analytics, which an enrolment "
            "reveals. Add the purpose to every attribute and event it reads, or leave it out.",
        ),
        (
            {"cap": {"exposures": 0, "within": "1d"}},
            "$.cap.exposures: expected 1 to 100 exposures, got 0",
        ),
        (
            {"slots": {"menu": {"template": "menu.html"}}},
            "$.slots.menu: a navigation slot has neither fields nor a template; leave them out",
        ),
        (
            {"slots": {"menu": {"promote_at_most": 0}}},
            "$.slots.menu.promote_at_most: expected at least 1",
        ),
    ],
)
def test_faults_of_the_site(define: Define, changes: dict[str, Any], expected: str) -> None:
    assert faults_of(define(**changes)) == [expected]


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ({"event": "buys"}, ".event: unknown event 'buys'. Did you mean 'buy'?"),
        (
            {"event": "greet"},
            ".event: event 'greet' must allow analytics, because a goal counts it",
        ),
        ({"of": "amount"}, ".of: a conversion goal counts events; leave `of` out"),
        ({"cap": 3}, ".cap: a conversion counts once anyway; leave `cap` out"),
        ({"kind": "value", "cap": 3}, ": a value goal sums a property; say which with `of`"),
        (
            {"kind": "time", "cap": 3, "of": "amuont"},
            ".of: unknown number property 'amuont'. Did you mean 'amount'?",
        ),
        (
            {"kind": "value", "cap": 3, "of": "sort"},
            ".of: unknown number property 'sort'. Known: amount.",
        ),
        (
            {"kind": "count"},
            ": a count goal needs a `cap`: the most that one enrolment can contribute. "
            "Without it one visitor could decide the experiment.",
        ),
        ({"kind": "count", "cap": 0}, ".cap: a cap must be more than 0, got 0"),
        ({"kind": "count", "cap": float("nan")}, ".cap: a cap must be more than 0, got nan"),
    ],
)
def test_faults_of_a_goal(define: Define, goal: dict[str, Any], expected: str) -> None:
    assert faults_of(define(goals={"extra": {**GOAL, **goal}})) == [f"$.goals.extra{expected}"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"slot": "heros"}, ".slot: unknown slot 'heros'. Did you mean 'hero'?"),
        (
            {"schedule": {"start": "soon"}},
            ".schedule: expected a time such as 2026-12-01T09:00, got 'soon'",
        ),
        (
            {"ramp": [{"at": "soon", "traffic": "60%"}], "traffic": "50%"},
            ".ramp: expected a time such as 2026-12-01T09:00, got 'soon'",
        ),
        (
            {"ramp": [{"at": "2026-12-01", "traffic": "40%"}], "traffic": "50%"},
            ".ramp: a ramp only rises, because a smaller share would turn visitors away who were "
            "enrolled",
        ),
        (
            {"exclusive": {"group": "heads", "start": "50%", "end": "50%"}},
            ".exclusive: the part must end after it starts",
        ),
        ({"audience": "goldd"}, ".audience: unknown segment 'goldd'. Did you mean 'gold'?"),
        ({"unless": ["gold", "swss"]}, ".unless[1]: unknown segment 'swss'. Did you mean 'swiss'?"),
        (
            {"cap": {"exposures": 101, "within": "1d"}},
            ".cap.exposures: expected 1 to 100 exposures, got 101",
        ),
        ({"report_by": ["gold", "gold"]}, ".report_by[1]: 'gold' stands here twice"),
        (
            {"goals": {"primary": "bougt"}, "allocate": {"goal": "bougt"}},
            ".goals.primary: unknown goal 'bougt'. Did you mean 'bought'?",
        ),
        (
            {"goals": {"others": ["spent", "askd"]}},
            ".goals.others[1]: unknown goal 'askd'. Did you mean 'asked'?",
        ),
        ({"goals": {"others": ["bought"]}}, ".goals.others[0]: 'bought' stands here twice"),
        (
            {"goals": {"guards": [{"goal": "askd", "worse_by_at_most": "2%"}]}},
            ".goals.guards[0].goal: unknown goal 'askd'. Did you mean 'asked'?",
        ),
        (
            {"goals": {"others": ["clicked"]}},
            ".goals.others[0]: a visitor is not judged by goal 'clicked': its window must be such "
            "as `within: 7d`",
        ),
        (
            {"allocate": {"goal": "spent"}},
            ".allocate.goal: unknown goal of this experiment 'spent'. Known: bought.",
        ),
        (
            {"until": "goal", "goals": {"primary": "asked"}, "allocate": {"goal": "asked"}},
            ".until: event 'ask' must allow personalisation, because reaching the goal then "
            "decides what is shown",
        ),
    ],
)
def test_faults_of_an_experiment(offer: Define, changes: dict[str, Any], expected: str) -> None:
    assert faults_of(offer(**changes)) == [f"$.experiments.offer{expected}"]


def test_more_reporting_segments_than_can_be_told_apart_are_refused(define: Define) -> None:
    names = [f"gold-{number}" for number in range(11)]
    segments = {key: {"when": {"attribute": "plan", "equals": "gold"}} for key in names}

    found = faults_of(define(segments=segments, experiments={"offer": {"report_by": names}}))

    assert found == ["$.experiments.offer.report_by: at most 10 reporting segments"]


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


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"until": "goal"},
            ".unit: a view remembers nothing: leave `cap` and `until` out, or use `unit: visitor`",
        ),
        (
            {"cap": {"exposures": 1, "within": "1d"}},
            ".unit: a view remembers nothing: leave `cap` and `until` out, or use `unit: visitor`",
        ),
        (
            {"variants": {"proof": {"cap": {"exposures": 1, "within": "1d"}}}},
            ".unit: a view remembers nothing: leave `cap` and `until` out, or use `unit: visitor`",
        ),
        (
            {"imported": OLD},
            ".imported: an imported split is of visitors; leave it out of a view",
        ),
        (
            {"goals": {"primary": "clicked", "others": ["bought"]}},
            ".goals.others[0]: a view is not judged by goal 'bought': its window must be such as "
            "`within: page`",
        ),
        *(
            (
                changes,
                f"{place}: segment {segment!r} reads what is stored of a visitor ({stored}), and "
                "of a view nothing is; use `unit: visitor`",
            )
            for changes, place, segment, stored in [
                ({"audience": "frequent"}, ".audience", "frequent", "visit"),
                ({"audience": "complaining"}, ".audience", "complaining", "complains"),
                ({"unless": ["frequent"]}, ".unless[0]", "frequent", "visit"),
                (
                    {"allocate": {"goal": "clicked", "contexts": ["frequent"]}},
                    ".allocate.contexts[0]",
                    "frequent",
                    "visit",
                ),
                ({"report_by": ["frequent"]}, ".report_by[0]", "frequent", "visit"),
                (
                    {"variants": {"proof": {"when": "frequent"}}},
                    ".variants.proof.when",
                    "frequent",
                    "visit",
                ),
                (
                    {"variants": {"proof": {"unless": ["frequent"]}}},
                    ".variants.proof.unless[0]",
                    "frequent",
                    "visit",
                ),
            ]
        ),
    ],
)
def test_a_view_depends_on_nothing_that_is_stored(
    offer: Define, changes: dict[str, Any], expected: str
) -> None:
    found = faults_of(offer(**{**VIEW, "audience": "swiss", **changes}))

    assert found == [f"$.experiments.offer{expected}"]


def test_a_view_may_be_for_everyone(offer: Define) -> None:
    assert check(offer(**VIEW)) == []


def test_what_a_view_reads_is_judged_once_its_segments_are_sound(define: Define) -> None:
    found = faults_of(
        define(
            segments={"swiss": {"when": {"attribute": "contry", "equals": "CH"}}},
            experiments={"offer": {**VIEW, "report_by": ["gold"]}},
        )
    )

    assert found == [
        "$.segments.swiss.when.attribute: unknown attribute 'contry'. Did you mean 'country'?"
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"allocate": thompson()},
            ": an imported split is fixed: its draw knows no allocation row, so that weights which "
            "move would not be what visitors were drawn with. Use `policy: fixed`.",
        ),
        (
            {"allocate": {"shares": {"control": "50%", "proof": "50%"}}},
            ": an imported split has its `ranges`; leave `shares` out",
        ),
        (
            {"variants": {"proof": {"when": "swiss"}}},
            ": an imported split has neither contexts nor conditional variants",
        ),
        (
            {"allocate": {"contexts": ["swiss"]}},
            ": an imported split has neither contexts nor conditional variants",
        ),
        ({"imported": {**OLD, "buckets": 0}}, ".buckets: expected at least 1, got 0"),
        (
            {"imported": {**OLD, "ranges": {**RANGES, "prof": {"start": 0, "end": 0}}}},
            ".ranges.prof: unknown variant 'prof'. Did you mean 'proof'?",
        ),
        (
            {"imported": {**OLD, "ranges": {"control": {"start": 0, "end": 1}}}},
            ".ranges: give every variant a range, proof too",
        ),
        (
            {"imported": {**OLD, "ranges": {**RANGES, "proof": {"start": 0.6, "end": 1.2}}}},
            ".ranges.proof: expected 0 ≤ start ≤ end ≤ 1, got 0.6 and 1.2",
        ),
        (
            {"imported": {**OLD, "ranges": {**RANGES, "proof": {"start": 0.4, "end": 1}}}},
            ".ranges.proof: 'control' and 'proof' overlap",
        ),
        (
            {"imported": {**OLD, "ranges": {key: {"start": 0, "end": 0} for key in RANGES}}},
            ".ranges: every range is empty",
        ),
        (
            {"imported": {**OLD, "by": ["paln"]}},
            ".by[0]: unknown attribute 'paln'. Did you mean 'plan'?",
        ),
        (
            {"imported": {**OLD, "by": ["country", "complains"]}},
            ".by[1]: expected an attribute of type string or number, got boolean",
        ),
        (
            {"imported": {**OLD, "by": ["mood"]}},
            ".by[0]: attribute 'mood' may not be used for analytics, which an enrolment reveals",
        ),
        (
            {
                "imported": {
                    **OLD,
                    "filters": [
                        {"hash": "fnv1a32-v1", "seed": "", "within": [{"start": 0.5, "end": 0.1}]}
                    ],
                }
            },
            ".filters[0].within[0]: expected 0 ≤ start ≤ end ≤ 1, got 0.5 and 0.1",
        ),
        (
            {
                "imported": {
                    **OLD,
                    "filters": [{"hash": "fnv1a32-v1", "seed": "", "within": [], "by": ["paln"]}],
                }
            },
            ".filters[0].by[0]: unknown attribute 'paln'. Did you mean 'plan'?",
        ),
    ],
)
def test_faults_of_an_imported_split(offer: Define, changes: dict[str, Any], expected: str) -> None:
    found = faults_of(offer(**{"imported": OLD, **changes}))

    assert found == [f"$.experiments.offer.imported{expected}"]


@pytest.mark.parametrize(
    ("start", "group", "schedule", "is_fault"),
    [
        ("40%", "heads", {}, True),
        ("50%", "heads", {}, False),
        ("40%", "tails", {}, False),
        ("40%", "heads", {"start": "2027-01-01"}, False),
        ("40%", "heads", {"start": "2026-12-31"}, True),
    ],
)
def test_experiments_that_meet_share_no_part_of_a_group(
    define: Define, start: str, group: str, schedule: dict[str, str], is_fault: bool
) -> None:
    definitions = define(
        experiments={
            "offer": {
                "exclusive": {"group": "heads", "start": "0%", "end": "50%"},
                "schedule": {"end": "2027-01-01"},
            },
            "other": {
                **EXPERIMENT,
                "exclusive": {"group": group, "start": start, "end": "100%"},
                "schedule": schedule,
            },
            "third": EXPERIMENT,
        }
    )

    expected = [
        "$.experiments.other.exclusive: 'offer' and 'other' share a part of the group 'heads'; "
        "move the parts apart or the schedules"
    ]
    assert faults_of(definitions) == expected * is_fault


def test_a_broken_schedule_is_one_fault_and_not_two(define: Define) -> None:
    part = {"exclusive": {"group": "heads", "start": "0%", "end": "50%"}}

    found = faults_of(
        define(
            experiments={
                "offer": {**part, "schedule": {"timezone": "Mars"}},
                "other": {**EXPERIMENT, **part},
            }
        )
    )

    assert found == [
        "$.experiments.offer.schedule: unknown time zone 'Mars'; expected a name such as "
        "Europe/London"
    ]


def test_all_faults_are_found_at_once(define: Define) -> None:
    definitions = define(
        site="",
        goals={"bought": {"event": "buys"}},
        segments={"gold": {"when": {"attribute": "plans", "equals": "gold"}}},
        experiments={"offer": {"slot": "heros", "report_by": ["rich"]}},
    )

    found = check(definitions)

    assert [fault.path for fault in found] == [
        ("segments", "gold", "when", "attribute"),
        ("site",),
        ("goals", "bought", "event"),
        ("experiments", "offer", "slot"),
        ("experiments", "offer", "report_by", 0),
    ]
    assert all(isinstance(fault, Fault) for fault in found)
