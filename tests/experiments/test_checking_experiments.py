from collections.abc import Callable
from typing import Any

import pytest

from byleave.experiments import Definitions
from byleave.experiments.checking import check

Define = Callable[..., Definitions]

VIEW = {
    "unit": "view",
    "allocate": {"goal": "clicked"},
    "goals": {"primary": "clicked"},
}
RANGES = {"control": {"start": 0.0, "end": 0.5}, "proof": {"start": 0.5, "end": 1.0}}
OLD = {"hash": "fnv1a32-v2", "seed": "old", "ranges": RANGES}


def faults_of(definitions: Definitions) -> list[str]:
    return [str(fault) for fault in check(definitions)]


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


def test_what_opens_by_itself_is_an_experiment_on_visitors(define: Define) -> None:
    slots = {"hero": {"trigger": {"exit": True}}}

    assert faults_of(define(slots=slots)) == []
    assert faults_of(define(slots=slots, experiments={"offer": VIEW})) == [
        "$.experiments.offer.unit: what opens by itself opens once a day; use `unit: visitor`"
    ]


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
