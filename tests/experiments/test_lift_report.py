import json
from typing import Any

import numpy as np
import pytest
from tests.experiments.reports import (
    DAY_MS,
    REVENUE,
    SIGNUP,
    SUPPORT,
    conversions,
    orders,
    reported,
)

from byleave.experiments.goals import Goal, GoalKind
from byleave.experiments.lift import (
    GuardVerdict,
    Interval,
    Phase,
    Population,
    RefusalCode,
    RunFacts,
    Status,
    Strata,
)
from byleave.segments import Duration


def test_a_clear_gain_is_told_with_interval_and_population() -> None:
    report = reported(conversions(0.05, 0.065))

    assert report.sentence.startswith(
        "Among visitors who may be measured (61 % of page views), proof raised signup by 30 % "
        "(95 % interval +"
    )
    assert report.sentence.endswith(" %, valid at any look).")
    assert report.status is Status.READY_FOR_REVIEW
    control, proof = report.arms
    assert (control.arm, control.is_control, control.units) == ("control", True, 20_000)
    assert control.difference is None
    assert proof.lift == pytest.approx(0.3)
    assert proof.difference == pytest.approx(0.015)
    assert proof.mean == pytest.approx(0.065)
    assert proof.lift_interval is not None
    assert proof.lift_interval.low > 0
    assert proof.guaranteed_interval is not None
    assert proof.guaranteed_interval.low < 0.015 < proof.guaranteed_interval.high
    assert proof.best_probability is not None
    assert proof.best_probability > 0.999
    assert proof.p is not None
    assert proof.p < 0.05
    assert report.units == 40_000
    assert report.window == "7 days"
    assert report.refusals == ()


def test_no_clear_difference_is_told_as_such() -> None:
    report = reported(conversions(0.05, 0.051))

    assert "proof may have changed signup or not (95 % interval -" in report.sentence
    assert report.status is Status.HEALTHY


@pytest.mark.parametrize(
    ("rates", "goal", "status", "verb"),
    [
        ((0.05, 0.065), SIGNUP, Status.WON, "raised"),
        ((0.065, 0.05), SIGNUP, Status.LOST, "lowered"),
        ((0.05, 0.051), SIGNUP, Status.INCONCLUSIVE, "may have changed"),
        ((0.065, 0.05), SUPPORT, Status.WON, "lowered"),
        ((0.05, 0.065), SUPPORT, Status.LOST, "raised"),
        ((0.065, 0.05, 0.064), SIGNUP, Status.INCONCLUSIVE, "finder may have changed"),
        ((0.05, 0.04, 0.065), SIGNUP, Status.WON, "finder raised"),
    ],
)
def test_a_stopped_run_is_won_lost_or_inconclusive(
    rates: tuple[float, ...], goal: Goal, status: Status, verb: str
) -> None:
    report = reported(conversions(*rates), goal=goal, run=RunFacts(phase=Phase.STOPPED))

    assert report.status is status
    assert verb in report.sentence


def test_intervals_of_several_arms_are_wider_than_that_of_one() -> None:
    one = reported(conversions(0.05, 0.06))
    two = reported(conversions(0.05, 0.06, 0.06))

    single, widened = one.arms[1].difference_interval, two.arms[1].difference_interval
    assert single is not None
    assert widened is not None
    assert widened.width > 1.05 * single.width
    assert any("all 2 arms" in sentence for sentence in two.assumptions)
    assert not any("hold together" in sentence for sentence in one.assumptions)


@pytest.mark.parametrize("rate", [0.0563, 0.0566, 0.0569, 0.0572, 0.0575, 0.058, 0.0585, 0.059])
def test_the_p_value_is_adjusted_for_all_arms_as_the_interval_is(rate: float) -> None:
    row = reported(conversions(0.05, rate, 0.05)).arms[1]

    assert row.p is not None
    assert row.difference_interval is not None
    assert (row.p <= 0.05) == (0.0 not in row.difference_interval)


def test_other_methods_stand_beside_the_difference_for_comparison() -> None:
    row = reported(conversions(0.05, 0.065)).arms[1]

    assert [*row.secondary] == ["period-weighted", "aipw", "aipw-stable"]
    for estimate in row.secondary.values():
        assert estimate.difference == pytest.approx(0.015)
        assert estimate.standard_error == pytest.approx(row.standard_error, rel=0.05)


def test_the_model_says_what_choosing_an_arm_would_cost_and_what_may_still_be_gained() -> None:
    report = reported(conversions(0.05, 0.052), run=RunFacts(age_ms=DAY_MS))
    losses = [arm.expected_loss for arm in report.arms]

    assert losses[0] is not None
    assert losses[1] is not None
    assert losses[0] - losses[1] == pytest.approx(0.002, rel=0.02)
    assert report.value_remaining is not None
    assert 0 < report.value_remaining < 0.1


def test_what_may_still_be_gained_is_no_share_of_a_loss() -> None:
    report = reported(orders(-2.0, -2.1), goal=REVENUE, goal_key="revenue")

    assert report.arms[1].best_probability is not None
    assert report.value_remaining is None


def test_a_draft_has_measured_nothing() -> None:
    report = reported(conversions(0.05, 0.065), run=RunFacts(phase=Phase.DRAFT))

    assert report.status is Status.DRAFT
    assert report.sentence.startswith("This is a draft")


@pytest.mark.parametrize(
    ("phase", "status"),
    [(Phase.RUNNING, Status.COLLECTING), (Phase.STOPPED, Status.STOPPED)],
)
def test_before_the_first_row_matured_there_is_nothing_to_tell(
    phase: Phase, status: Status
) -> None:
    empty = np.zeros((0, 2))
    strata = Strata.of(counts=empty, sums=empty, squares=empty, propensities=empty)

    report = reported(strata, run=RunFacts(phase=phase))

    assert report.status is status
    assert report.sentence == (
        "No mature data yet among visitors who may be measured (61 % of page views), "
        "so there is no interval for signup."
    )
    assert [arm.units for arm in report.arms] == [None, None]
    assert report.units is None


@pytest.mark.parametrize(
    ("strata", "code"),
    [
        (conversions(0.05, 0.065, rows=4), RefusalCode.FEW_ROWS),
        (conversions(0.03, 0.04, units=30), RefusalCode.FEW_CONVERSIONS),
        (conversions(0.05, 0.003, units=300), RefusalCode.FEW_CONVERSIONS),
    ],
)
def test_too_little_data_shows_the_guaranteed_interval_only(
    strata: Strata, code: RefusalCode
) -> None:
    report = reported(strata)

    assert report.status is Status.NOT_ENOUGH_DATA
    assert [(refusal.code, refusal.arm) for refusal in report.refusals] == [(code, "proof")]
    assert report.arms[1].difference_interval is None
    assert report.arms[1].guaranteed_interval is not None
    assert report.sentence.startswith(
        "Not enough data yet among visitors who may be measured (61 % of page views): "
        "the difference that proof makes to signup lies anywhere from -"
    )
    assert "percentage points (95 % interval" in report.sentence


def test_outcomes_that_never_vary_allow_no_interval() -> None:
    report = reported(conversions(1.0, 1.0))

    assert [refusal.code for refusal in report.refusals] == [RefusalCode.NO_VARIATION]


def test_revenue_is_told_in_its_own_unit() -> None:
    report = reported(
        orders(2.0, 3.0, units=3_000), goal=REVENUE, goal_key="revenue", population=Population()
    )

    assert report.sentence.startswith(
        "Among visitors who may be measured, proof raised revenue by 50 % (95 %"
    )
    assert report.arms[1].difference == pytest.approx(1.0)
    assert report.arms[1].best_probability == pytest.approx(1.0)
    assert report.window == "the same page"
    assert "A unit contributes at most 100." in report.assumptions


def test_an_uncertain_baseline_leaves_the_absolute_difference() -> None:
    report = reported(conversions(0.001, 0.5))

    assert [refusal.code for refusal in report.refusals] == [RefusalCode.BASELINE]
    assert report.arms[1].lift is None
    assert report.arms[1].difference == pytest.approx(0.499)
    assert "proof raised signup by 49.90 percentage points (95 % interval +4" in report.sentence


def test_revenue_without_forty_orders_of_like_size_is_refused() -> None:
    report = reported(orders(2.0, 3.0, units=35), goal=REVENUE, goal_key="revenue")

    assert [refusal.code for refusal in report.refusals] == [RefusalCode.FEW_CONVERSIONS]
    assert "fewer than 40 orders of like size" in report.refusals[0].words
    assert report.arms[1].best_probability is None
    assert "revenue lies anywhere from -" in report.sentence


def test_a_goal_that_nothing_bounds_has_no_guaranteed_interval() -> None:
    goal = Goal(event="visit", kind=GoalKind.COUNT, within=Duration(DAY_MS))

    report = reported(orders(2.0, 3.0, units=15), goal=goal, goal_key="visits")

    assert report.arms[1].guaranteed_interval is None
    assert report.sentence.endswith("so there is no interval for visits.")
    assert "fewer than 20 conversions" in report.refusals[0].words


@pytest.mark.parametrize(
    ("rates", "goal", "expected"),
    [
        ((0.10, 0.10), SIGNUP, GuardVerdict.UNCLEAR),
        ((0.10, 0.12), SIGNUP, GuardVerdict.HOLDS),
        ((0.10, 0.07), SIGNUP, GuardVerdict.BROKEN),
        ((0.10, 0.07), SUPPORT, GuardVerdict.HOLDS),
        ((0.10, 0.13), SUPPORT, GuardVerdict.BROKEN),
    ],
)
def test_a_guard_goal_holds_unless_it_got_worse_than_allowed(
    rates: tuple[float, float], goal: Goal, expected: GuardVerdict
) -> None:
    report = reported(conversions(*rates), goal=goal, worse_by_at_most=0.02)

    assert report.arms[1].guard is expected


def test_an_old_run_in_which_no_arm_can_win_much_is_ready_for_review() -> None:
    strata = conversions(0.5, 0.5, units=20_000)

    young = reported(strata, run=RunFacts(age_ms=13 * DAY_MS))
    old = reported(strata, run=RunFacts(age_ms=14 * DAY_MS))

    assert (young.stop_advised, young.status) == (False, Status.HEALTHY)
    assert (old.stop_advised, old.status) == (True, Status.READY_FOR_REVIEW)


def test_the_interval_for_one_look_is_given_on_request_only_and_labelled() -> None:
    usual = reported(conversions(0.05, 0.065))
    asked = reported(conversions(0.05, 0.065), fixed_horizon=True)

    fixed, always_valid = asked.arms[1].fixed_interval, asked.arms[1].difference_interval
    assert usual.arms[1].fixed_interval is None
    assert fixed is not None
    assert always_valid is not None
    assert fixed.width < always_valid.width
    assert any("looks once" in sentence for sentence in asked.assumptions)
    assert not any("looks once" in sentence for sentence in usual.assumptions)


def test_the_control_comes_first_wherever_its_column_is() -> None:
    report = reported(conversions(0.065, 0.05), control=1)

    assert [arm.arm for arm in report.arms] == ["proof", "control"]
    assert [arm.is_control for arm in report.arms] == [True, False]


def test_a_run_of_one_arm_is_only_counted() -> None:
    report = reported(conversions(0.05))

    assert report.status is Status.NOT_ENOUGH_DATA
    assert report.arms[0].units == 20_000


def test_the_mean_of_an_arm_gives_rows_the_weight_of_their_traffic() -> None:
    strata = Strata.of(
        counts=np.array([[500, 500], [100, 900]]),
        sums=np.array([[20, 20], [10, 90]]),
        squares=np.array([[20, 20], [10, 90]]),
        propensities=np.array([[0.5, 0.5], [0.1, 0.9]]),
    )

    report = reported(strata)

    assert [arm.mean for arm in report.arms] == pytest.approx([0.07, 0.07])


@pytest.mark.parametrize("changes", [{"arms": ["control"]}, {"control": 2}, {"control": -1}])
def test_arms_that_do_not_fit_the_strata_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected 2 arms and a control among them"):
        reported(conversions(0.05, 0.065), **changes)


def test_a_report_survives_json() -> None:
    report = reported(conversions(0.05, 0.065), run=RunFacts(age_ms=DAY_MS, not_enrolled_share=0.2))

    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))

    assert data["status"] == "Ready for review"
    assert data["arms"][1]["difference_interval"]["low"] > 0
    assert data["health"]["not_enrolled_share"] == 0.2
    assert data["refusals"] == []
    assert data == report.to_dict()


def test_an_interval_knows_its_width() -> None:
    assert Interval(-1.0, 2.5).width == 3.5
