import json
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from byleave.experiments.definitions import (
    Policy,
)
from byleave.experiments.goals import GoalKind
from byleave.experiments.simulation import Order, Rate, Scenario
from byleave.experiments.simulation.visits import order_mean
from byleave.segments import DefinitionError, plain, read

DAY_MS = 86_400_000


def scenario(**changes: Any) -> Scenario:
    declared: dict[str, Any] = {
        "arms": {"proof": "5%", "control": 0.04},
        "allocate": {"policy": "thompson", "goal": "signup"},
        "days": 10,
        "visits_per_day": 1_000,
    }
    return read(Scenario, declared | changes)


def test_the_control_comes_first_and_a_plain_rate_holds_everywhere_and_always() -> None:
    plain_one = scenario()

    assert plain_one.keys == ("control", "proof")
    assert plain_one.shares == {"everyone": 1.0}
    assert plain_one.rates([0, 0.5, 1]).tolist() == [[[0.04, 0.05]]] * 3
    assert plain_one.length_ms == 10 * DAY_MS


def test_rates_may_drift_jump_and_differ_between_cells() -> None:
    moving = scenario(
        arms={
            "control": [["0%", "3%"], ["100%", "7%"]],
            "proof": {
                "new": [["0%", "5%"], ["50%", "5%"], ["50%", "3%"], ["100%", "3%"]],
                "": "6%",
            },
        },
        cells={"new": "30%", "old": "70%"},
    )

    rates = moving.rates([0, 0.25, 0.75])

    np.testing.assert_allclose(rates[:, 0], [[0.03, 0.05], [0.04, 0.05], [0.06, 0.03]])
    np.testing.assert_allclose(rates[:, 1], [[0.03, 0.06], [0.04, 0.06], [0.06, 0.06]])
    assert sorted(set(moving.moments)) == [0, 0.5, 1]


def test_the_goal_is_a_conversion_or_a_capped_value() -> None:
    assert scenario().goal.kind is GoalKind.CONVERSION
    money = scenario(order={"mean": 40, "deviation": 30, "cap": 100})
    assert (money.goal.kind, money.goal.cap) == (GoalKind.VALUE, 100)


def test_a_scenario_survives_json() -> None:
    declared = scenario(
        arms={"control": {"new": "4%", "old": "3%"}, "proof": [["0%", "3%"], ["100%", "7%"]]},
        cells={"new": "30%", "old": "70%"},
        within="7d",
        delay="1d",
        lost={"proof": "10%"},
        better="lower",
        order={"mean": 40, "deviation": 30, "cap": 100},
    )

    assert read(Scenario, json.loads(json.dumps(plain(declared)))) == declared
    assert read(Scenario, plain(scenario())) == scenario()


@pytest.mark.parametrize(
    "changes",
    [
        {"arms": {"control": "4%", "proof": "a lot"}},
        {"arms": {"control": "4%", "proof": [["0%", "3%", "4%"]]}},
        {"arms": {"control": "4%", "proof": [["0%", "many"]]}},
        {"arms": {"control": "4%", "proof": ["3%"]}},
        {"arms": {"control": "4%", "proof": {"new": "many"}}},
        {"days": "ten"},
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(changes: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError, match=r"^\$\."):
        scenario(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": {"proof": "4%", "other": "4%"}}, "'control'"),
        ({"arms": {"control": "4%"}}, "one other arm"),
        ({"days": 0}, "at least 1"),
        ({"visits_per_day": 0}, "at least 1"),
        ({"cells": {"new": "30%", "old": "60%"}}, "adding up to 100%"),
        ({"arms": {"control": "4%", "proof": {"new": "4%"}}}, "arms.proof"),
        (
            {"arms": {"control": {"old": "4%"}, "proof": "4%"}, "cells": {"new": "100%"}},
            "arms.control",
        ),
        ({"lost": {"prof": "10%"}}, "unknown arm 'prof'"),
        ({"delay": "1d"}, "declare `within`"),
        (
            {"allocate": {"policy": "fixed", "goal": "signup", "shares": {"prof": "100%"}}},
            "allocate.shares",
        ),
        ({"allocate": {"policy": "thompson", "goal": "signup", "epoch": "25h"}}, "24h"),
        ({"order": {"mean": 0, "deviation": 1, "cap": 1}}, "order"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scenario(**changes)


def test_a_split_may_be_fixed() -> None:
    fixed = {"policy": "fixed", "goal": "signup", "shares": {"control": "30%", "proof": "70%"}}

    assert scenario(allocate=fixed).allocate.policy is Policy.FIXED


def test_a_single_point_is_a_rate_for_all_times() -> None:
    assert Rate(((0.0, 0.04),)).at([0, 0.3, 1]).tolist() == [0.04] * 3


@pytest.mark.parametrize("cap", [20.0, 60.0, 1_000.0])
def test_what_a_capped_order_is_worth_on_average(cap: float) -> None:
    order = Order(mean=40.0, deviation=30.0, cap=cap)
    scale = np.sqrt(np.log1p((30 / 40) ** 2))
    law = stats.lognorm(scale, scale=40 * np.exp(-(scale**2) / 2))

    expected = integrate.quad(lambda value: float(law.sf(value)), 0, cap)[0]

    assert order_mean(order) == pytest.approx(expected, rel=1e-6)
    assert order_mean(None) == 1
