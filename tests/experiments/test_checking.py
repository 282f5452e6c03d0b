from collections.abc import Callable
from typing import Any

import pytest

from byleave.experiments import Definitions
from byleave.experiments.checking import check
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
            "$.regions.norway: expected `default`, a country such as DE, or a state such as US-CA",
        ),
        (
            {"regions": {"DE": "opt-out"}},
            "$.regions.DE: expected opt-in: storing on a device needs consent there",
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
        (
            {"slots": {"menu": {"trigger": {"exit": True}}}},
            "$.slots.menu: a navigation slot does not open by itself; leave `trigger` out",
        ),
        (
            {"slots": {"offer": {"kind": "content", "trigger": {"show": "popover"}}}},
            "$.slots.offer.trigger: expected `exit`, `scroll`, `idle`, `after` or `events`",
        ),
        (
            {"slots": {"offer": {"kind": "content", "trigger": {"events": ["visit", "buys"]}}}},
            "$.slots.offer.trigger.events[1]: unknown event 'buys'. Did you mean 'buy'?",
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
