from dataclasses import replace
from typing import Any

import pytest

from byleave.experiments.definitions import Allocate
from byleave.experiments.goals import Better
from byleave.experiments.simulation import Design, Plan, plan
from byleave.segments import read

DAY_MS = 86_400_000


def design(**changes: Any) -> Design:
    learned = {"policy": "thompson", "goal": "signup", "epoch": "24h"}
    declared: dict[str, Any] = {
        "allocate": read(Allocate, learned | changes.pop("allocate", {})),
        "arms": ("control", "bold"),
        "baseline": 0.05,
        "lift": 0.3,
        "units_per_day": 2_000,
    }
    return Design(**(declared | changes))


def planned(**changes: Any) -> Plan:
    found = plan(design(**changes))
    assert found is not None
    return found


def fixed(**shares: float) -> dict[str, Any]:
    return {"policy": "fixed", "shares": shares}


def test_a_plan_says_how_many_units_and_days_it_takes() -> None:
    found = planned()

    assert 5 * DAY_MS <= found.enrolling_ms <= 20 * DAY_MS
    assert found.units == 2_000 * found.enrolling_ms / DAY_MS
    assert found.seen_ms == found.enrolling_ms + DAY_MS
    assert planned(within_ms=7 * DAY_MS).seen_ms == found.seen_ms + 7 * DAY_MS


def test_an_outcome_varies_as_a_conversion_does_or_as_values_are_said_to() -> None:
    assert design(baseline=0.5).variances.tolist() == pytest.approx([0.25, 0.65 * 0.35])
    assert design(baseline=20.0, deviation=3.0).variances.tolist() == [9.0, 9.0]


def test_the_same_question_has_the_same_answer() -> None:
    assert plan(design(), seed=3) == plan(design(), seed=3)


def test_a_smaller_lift_less_traffic_and_more_arms_take_longer() -> None:
    usual = planned(allocate=fixed()).enrolling_ms

    assert planned(allocate=fixed(), lift=0.15).enrolling_ms > 2 * usual
    assert planned(allocate=fixed(), units_per_day=1_000).enrolling_ms > 1.3 * usual
    arms = ("control", "bold", "calm", "plain")
    assert planned(allocate=fixed(), arms=arms).enrolling_ms > 1.3 * usual


def test_an_even_split_sees_it_before_an_uneven_one() -> None:
    even = planned(allocate=fixed(control=0.5, bold=0.5))
    uneven = planned(allocate=fixed(control=0.9, bold=0.1))

    assert even == planned(allocate=fixed())
    assert uneven.units > 1.5 * even.units


def test_rows_of_a_fixed_split_last_a_day_however_short_their_epoch() -> None:
    daily, shorter = (
        planned(allocate=fixed() | {"epoch": epoch}).enrolling_ms for epoch in ("24h", "6h")
    )

    assert shorter % DAY_MS == 0
    assert shorter == pytest.approx(daily, rel=0.2)


def test_any_arm_may_have_the_lift() -> None:
    arms = ("bold", "calm", "control")

    first, last = (planned(arms=arms, arm=arm).enrolling_ms for arm in ("", "calm"))

    assert abs(first - last) <= 3 * DAY_MS


def test_where_less_is_better_a_decrease_is_what_weights_learn_to_prefer() -> None:
    good = planned(lift=-0.3, better=Better.LOWER)
    bad = planned(lift=-0.3)

    assert good.units != bad.units


def test_values_are_planned_by_their_deviation() -> None:
    narrow, wide = (planned(baseline=40.0, lift=0.1, deviation=sd) for sd in (60.0, 120.0))

    assert 2.5 < wide.units / narrow.units < 6


def test_nothing_is_seen_before_there_are_five_rows_and_twenty_conversions() -> None:
    clear = planned(baseline=0.3, lift=1.0)
    rare = planned(baseline=0.01, lift=9.0, units_per_day=100, allocate=fixed())

    assert clear.enrolling_ms == 5 * DAY_MS
    # The control has 20 conversions after 2,000 of its units, at fifty a day.
    assert rare.enrolling_ms == pytest.approx(40 * DAY_MS, rel=0.05)


def test_a_few_units_a_day_may_leave_an_arm_without_any() -> None:
    assert (
        plan(design(units_per_day=2, allocate=fixed(control=0.9, bold=0.1)), most_days=40) is None
    )


def test_a_lift_that_takes_longer_than_one_would_wait_has_no_plan() -> None:
    assert plan(design(lift=0.01), most_days=20) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"arms": ("bold", "calm")},
        {"arms": ("control",)},
        {"arm": "control"},
        {"arm": "other"},
        {"baseline": 0.0},
        {"baseline": 1.2},
        {"baseline": 0.9, "lift": 0.2},
        {"lift": 0.0},
        {"units_per_day": 0},
        {"deviation": 0.0},
    ],
)
def test_what_cannot_be_planned_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        design(**changes)


def test_a_design_is_a_value() -> None:
    assert replace(design(), lift=0.3) == design()
