"""An order of links that may change again is refused."""

from collections.abc import Callable
from typing import Any

import pytest

from byleave.experiments import Definitions
from byleave.experiments.advising import advise
from byleave.experiments.checking import check
from byleave.segments import Fault

Define = Callable[..., Definitions]

WHY = "links that were moved must stay where they are"
NAV = {"proof": {"template": None, "nav": [{"promote": "/plans"}, {"reorder": "/plans"}]}}


@pytest.fixture
def moving(define: Define) -> Define:
    """A function that returns definitions whose one experiment moves a link, with changes."""

    def moving(segments: Any = None, **changes: Any) -> Definitions:
        return define(
            attributes={"path": {"type": "string", "source": "request"}},
            slots={"menu": {"reorder": True}},
            segments=segments or {},
            experiments={"offer": {"slot": "menu", "variants": NAV, **changes}},
        )

    return moving


def faults_of(definitions: Definitions) -> list[str]:
    return [str(fault) for fault in check(definitions)]


def test_an_order_that_stays_is_allowed_and_warned_of(moving: Define) -> None:
    definitions = moving()

    assert faults_of(definitions) == []
    assert [str(each) for each in advise(definitions) if "reorder" in str(each)] == [
        "$.slots.menu.reorder: breaks WCAG 2.2, 3.2.3 (level AA), which asks that repeated links "
        "keep their order, unless each visitor chose it themselves; `promote` does not"
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"cap": {"exposures": 3, "within": "7d"}}, f": {WHY}; leave `cap` and `until` out"),
        ({"until": "goal"}, f": {WHY}; leave `cap` and `until` out"),
        ({"unit": "view"}, f".unit: {WHY}; use `unit: visitor`"),
        (
            {"schedule": {"start": "2026-12-01T09:00", "end": "2026-12-30T09:00"}},
            f".schedule: {WHY} for at least 30 days",
        ),
        (
            {"audience": "frequent"},
            f".audience: {WHY}, but segment 'frequent' reads what changes within a visit: visit",
        ),
        (
            {"unless": ["deep"]},
            f".unless[0]: {WHY}, but segment 'deep' reads what changes within a visit: path",
        ),
    ],
)
def test_what_would_change_an_order_again_is_refused(
    moving: Define, changes: dict[str, Any], expected: str
) -> None:
    deep = {"deep": {"when": {"attribute": "path", "starts_with": "/deep"}}}

    found = faults_of(moving(segments=deep, **changes))

    assert f"$.experiments.offer{expected}" in found


@pytest.mark.parametrize(
    "changes",
    [
        {"schedule": {"start": "2026-12-01T09:00", "end": "2026-12-31T09:00"}},
        {"schedule": {"start": "2026-12-01T09:00"}},
        {"schedule": {"end": "2026-12-02T09:00"}},
        {"report_by": ["frequent"]},
        {"audience": "gold"},
    ],
)
def test_an_order_that_can_stay_is_allowed(moving: Define, changes: Any) -> None:
    assert faults_of(moving(**changes)) == []


def test_other_mistakes_are_told_where_they_are(moving: Define) -> None:
    found = faults_of(moving(audience="nobody", schedule={"start": "soon"}))

    assert [text.partition(":")[0] for text in found] == [
        "$.experiments.offer.schedule",
        "$.experiments.offer.audience",
    ]


def test_a_vocabulary_with_mistakes_is_not_looked_through(moving: Define) -> None:
    broken = {"broken": {"when": {"attribute": "nothing", "equals": 1}}}

    found = faults_of(moving(segments=broken, audience="broken"))

    assert found
    assert not [text for text in found if WHY in text]


def test_only_a_list_of_links_has_an_order(define: Define) -> None:
    assert check(define(slots={"hero": {"reorder": True}})) == [
        Fault(("slots", "hero", "reorder"), "a content slot has no links to put in order")
    ]
