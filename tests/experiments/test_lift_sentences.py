"""The first sentence of a report and the word over it, in every situation that the docs list."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from byleave.experiments.goals import Better, Goal, GoalKind
from byleave.experiments.lift import (
    Group,
    Phase,
    Population,
    Report,
    RunFacts,
    Status,
    Strata,
    build_report,
    holdout_ratio,
    holdout_sentence,
)
from byleave.segments import Duration

DAY_MS = 86_400_000
SIGNUP = Goal(event="sign_up", kind=GoalKind.CONVERSION, within=Duration(7 * DAY_MS))
SUPPORT = replace(SIGNUP, event="support_contact", better=Better.LOWER)
REVENUE = Goal(event="purchase", kind=GoalKind.VALUE, within="page", of="amount", cap=100.0)
TIME = replace(REVENUE, event="answered", kind=GoalKind.TIME, cap=600.0, better=Better.LOWER)
COUNT = Goal(event="page_view", kind=GoalKind.COUNT, within=Duration(DAY_MS))
NAMES = {SIGNUP: "signup", SUPPORT: "support", TIME: "time-to-answer", COUNT: "pages"}
STOPPED = RunFacts(phase=Phase.STOPPED)
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "sentences.md"


def sums(
    units: Sequence[float],
    totals: ArrayLike,
    squares: ArrayLike | None = None,
    *,
    rows: int = 10,
    shares: Sequence[float] | None = None,
) -> Strata:
    """Rows that are all alike, drawn with the weights that the units show, or with others."""
    return Strata.of(
        counts=np.tile(units, (rows, 1)),
        sums=np.tile(totals, (rows, 1)),
        squares=np.tile(totals if squares is None else squares, (rows, 1)),
        propensities=np.tile(shares or np.array(units) / sum(units), (rows, 1)),
    )


def conversions(
    *rates: float, rows: int = 10, units: int = 2_000, shares: Sequence[float] | None = None
) -> Strata:
    """Arms of one size that convert at exactly these rates in every row."""
    reached = [float(round(units * rate)) for rate in rates]
    return sums([units] * len(rates), reached, rows=rows, shares=shares)


def orders(*means: float, units: int = 2_000, buyers: float = 0.1) -> Strata:
    """Arms in which a share of the units brings all of the mean."""
    amounts = np.array(means) / buyers
    buying = units * buyers
    return sums([units] * len(means), amounts * buying, amounts**2 * buying)


EMPTY = Strata.of(**dict.fromkeys(("counts", "sums", "squares", "propensities"), np.zeros((0, 2))))


def reported(strata: Strata, changes: dict[str, Any]) -> Report:
    goal = changes.get("goal", SIGNUP)
    usual = {"goal": SIGNUP, "population": Population(), "run": RunFacts(age_ms=3 * DAY_MS)}
    asked: dict[str, Any] = usual | changes
    return build_report(
        strata,
        arms=["control", "proof", "finder"][: strata.arms],
        goal_key=NAMES.get(goal, "revenue"),
        **asked,
    )


def table(heading: str) -> list[list[str]]:
    """The cells of the table under a heading of the page that lists the sentences."""
    section = PAGE.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [line.strip("| ").split(" | ") for line in lines[2:]]


SITUATIONS: dict[str, tuple[Strata, dict[str, Any]]] = {
    "a draft": (EMPTY, {"run": RunFacts(phase=Phase.DRAFT)}),
    "a draft with simulated data": (conversions(0.05, 0.065), {"run": RunFacts(phase=Phase.DRAFT)}),
    "nothing is mature": (EMPTY, {}),
    "stopped before anything was mature": (EMPTY, {"run": STOPPED}),
    "groups too small to be shown": (conversions(0.1, 0.1, rows=1, units=8), {}),
    "one arm too small to be shown": (sums([500, 2], [25, 0], rows=4), {}),
    "too few rows": (conversions(0.05, 0.065, rows=4), {}),
    "too few conversions": (conversions(0.03, 0.04, units=30), {}),
    "stopped with too few conversions": (conversions(0.03, 0.04, units=30), {"run": STOPPED}),
    "too few orders": (orders(0.5, 0.6, units=20), {"goal": REVENUE}),
    "too few orders without a cap": (
        orders(0.5, 0.6, units=20),
        {"goal": replace(REVENUE, cap=None)},
    ),
    "outcomes that never vary": (conversions(1.0, 1.0), {}),
    "a gain": (conversions(0.05, 0.065), {}),
    "a gain when stopped": (conversions(0.05, 0.065), {"run": STOPPED}),
    "a gain that is hardly one": (conversions(0.05, 0.05719), {}),
    "a loss": (conversions(0.065, 0.05), {}),
    "a loss when stopped": (conversions(0.065, 0.05), {"run": STOPPED}),
    "no clear difference": (conversions(0.05, 0.051), {}),
    "no clear difference when stopped": (conversions(0.05, 0.051), {"run": STOPPED}),
    "no difference at all": (conversions(0.05, 0.05), {}),
    "less of what should be less": (conversions(0.065, 0.05), {"goal": SUPPORT}),
    "more of what should be less": (conversions(0.05, 0.065), {"goal": SUPPORT}),
    "one of two arms gains": (conversions(0.05, 0.04, 0.065), {}),
    "two arms gain": (conversions(0.05, 0.06, 0.07), {}),
    "neither of two arms is clear": (conversions(0.05, 0.051, 0.052), {}),
    "both of two arms lose": (conversions(0.07, 0.05, 0.04), {"run": STOPPED}),
    "visitors who agreed": (
        conversions(0.05, 0.065),
        {"population": Population(page_share=0.61)},
    ),
    "visitors of a segment": (
        conversions(0.05, 0.065),
        {"population": Population(page_share=0.61, segment="Returning visitors")},
    ),
    "page views": (conversions(0.05, 0.065), {"population": Population(unit="view")}),
    "another level": (conversions(0.05, 0.065), {"alpha": 0.1}),
    "a baseline too uncertain for a ratio": (conversions(0.0011, 0.01), {}),
    "more revenue": (orders(2.0, 2.6), {"goal": REVENUE}),
    "more revenue on an uncertain baseline": (
        orders(0.5, 2.6, units=450, buyers=0.01),
        {"goal": REVENUE},
    ),
    "less time": (orders(30.0, 24.0), {"goal": TIME}),
    "higher counts": (orders(2.0, 2.6), {"goal": COUNT}),
    "a guard that holds": (conversions(0.05, 0.055), {"worse_by_at_most": 0.1}),
    "a guard that is broken": (conversions(0.065, 0.05), {"worse_by_at_most": 0.1}),
    "a guard of which less is better": (
        conversions(0.05, 0.065),
        {"goal": SUPPORT, "worse_by_at_most": 0.1},
    ),
    "a guard tells of the worst arm": (conversions(0.05, 0.065, 0.049), {"worse_by_at_most": 0.1}),
    "sizes that do not fit the weights": (conversions(0.05, 0.065, shares=(0.45, 0.55)), {}),
    "sizes that do not fit when stopped": (
        conversions(0.05, 0.065, shares=(0.45, 0.55)),
        {"run": STOPPED},
    ),
    "rows that were not served as published": (
        Strata.of(
            counts=[[2_000, 2_000]] * 10,
            sums=[[100, 130]] * 10,
            squares=[[100, 130]] * 10,
            propensities=[[0.5, 0.5]] * 8 + [[0.4, 0.6], [0.6, 0.4]],
        ),
        {},
    ),
    "units that were seen in two arms": (
        conversions(0.05, 0.065),
        {"run": RunFacts(enrolled=50_000, conflicts=900)},
    ),
    "an arm that drives people away": (conversions(0.05, 0.065), {"withdrawals": [[0, 40]] * 10}),
    "sizes that did not fit for a while": (
        Strata.of(
            counts=[[1_100, 900]] * 10 + [[900, 1_100]] * 10,
            sums=[[55, 45]] * 10 + [[45, 55]] * 10,
            squares=[[55, 45]] * 10 + [[45, 55]] * 10,
            propensities=[[0.5, 0.5]] * 20,
        ),
        {},
    ),
    "a guard that one arm breaks and another may": (
        sums([2_000, 2_000, 200], [130, 100, 11]),
        {"worse_by_at_most": 0.1},
    ),
    "a gain next to none": (sums([20_000] * 2, [1_000, 1_043]), {}),
}

#: Of a holdout of 5 %.
HOLDOUTS = {
    "a gain": ((95_000, 5_500, 5_500), (5_000, 220, 220)),
    "no clear difference": ((95_000, 4_000, 4_000), (5_000, 260, 260)),
    "a small holdout": ((9_500, 510, 510), (500, 20, 20)),
    "too few conversions": ((950, 5, 5), (50, 1, 1)),
    "groups too small to be shown": ((5, 1, 1), (5, 1, 1)),
    "a holdout that is too small for its share": ((95_000, 5_500, 5_500), (4_500, 200, 200)),
}


def test_every_situation_has_its_sentence() -> None:
    reports = {name: reported(*situation) for name, situation in SITUATIONS.items()}

    assert [[name, report.status, report.sentence] for name, report in reports.items()] == table(
        "Sentences of reports"
    )


def test_there_are_at_least_twenty_five_different_sentences() -> None:
    assert len({sentence for _, _, sentence in table("Sentences of reports")}) >= 25


@pytest.mark.parametrize("name", SITUATIONS)
def test_no_sentence_claims_what_its_interval_does_not_hold(name: str) -> None:
    report = reported(*SITUATIONS[name])

    claims = [word for word in ("raised", "lowered") if f" {word} " in report.sentence]
    clear = [
        row.arm
        for row in report.arms
        if row.difference_interval is not None and 0.0 not in row.difference_interval
    ]
    assert "ship" not in report.sentence.lower()
    assert len(claims) <= 1
    if claims:
        assert report.status is not Status.UNHEALTHY
        assert any(f", {arm} {claims[0]} " in report.sentence for arm in clear)
        assert " % interval " in report.sentence
    if report.status is Status.WON:
        assert clear


def test_personalisation_as_a_whole_has_its_sentence() -> None:
    told = {
        name: holdout_sentence(
            Group(*personalised),
            Group(*holdout),
            goal_key="signup",
            goal=SIGNUP,
            population=Population(),
            sample_ratio_p=holdout_ratio(personalised[0], (holdout[0], holdout[0]), share=0.05),
        )
        for name, (personalised, holdout) in HOLDOUTS.items()
    }

    assert [[name, sentence] for name, sentence in told.items()] == table("Sentences of holdouts")
