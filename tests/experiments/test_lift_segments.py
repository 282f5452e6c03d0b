from dataclasses import replace
from statistics import mean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.experiments.goals import Goal, GoalKind
from byleave.experiments.lift import Population, Report, RunFacts, Strata, build_report, exploratory

SIGNUP = Goal(event="sign_up", kind=GoalKind.CONVERSION, within="page")


def report(*rates: float, units: int = 2_000, segment: str | None = None) -> Report:
    counts = np.full((10, len(rates)), units)
    sums = np.tile(np.round(units * np.array(rates)), (10, 1))
    shares = np.full(counts.shape, 1 / len(rates))
    return build_report(
        Strata.of(counts=counts, sums=sums, squares=sums, propensities=shares),
        arms=["control", "proof", "finder"][: len(rates)],
        goal_key="signup",
        goal=SIGNUP,
        population=Population(segment=segment),
        run=RunFacts(),
    )


def drawn(whole: Report, segments: dict[str, Report]) -> list[float | None]:
    return [each.arms[1].drawn_difference for each in exploratory(whole, segments).values()]


def test_segments_that_differ_by_chance_only_are_drawn_to_everyone() -> None:
    whole = report(0.05, 0.06)
    segments = {"new": report(0.05, 0.061, units=800), "back": report(0.05, 0.059, units=1_200)}

    assert drawn(whole, segments) == pytest.approx([0.01, 0.01], abs=1e-9)


def test_segments_that_truly_differ_keep_their_own_and_the_thinner_one_less_of_it() -> None:
    whole = report(0.05, 0.06)
    segments = {
        "new": report(0.05, 0.08, units=4_000),
        "back": report(0.05, 0.04, units=4_000),
        "few": report(0.05, 0.08, units=200),
    }

    new, back, few = drawn(whole, segments)

    assert new == pytest.approx(0.03, abs=0.001)
    assert back == pytest.approx(-0.01, abs=0.001)
    assert few is not None
    assert new is not None
    assert 0.01 < few < new


@given(st.lists(st.floats(min_value=0.02, max_value=0.1), min_size=1, max_size=6))
def test_what_is_drawn_lies_between_the_segment_and_everyone(rates: list[float]) -> None:
    whole = report(0.05, 0.06)
    segments = {str(place): report(0.05, rate) for place, rate in enumerate(rates)}

    for name, each in exploratory(whole, segments).items():
        own, found = segments[name].arms[1].difference, each.arms[1].drawn_difference
        assert own is not None
        assert found is not None
        assert min(own, 0.01) - 1e-12 <= found <= max(own, 0.01) + 1e-12


def test_drawing_brings_segments_nearer_to_the_truth_on_average() -> None:
    rng = np.random.default_rng(3)
    truth = 0.01 + 0.002 * rng.standard_normal(12)
    own, better = [], []
    for _ in range(20):
        control, proof = rng.binomial(20_000, [np.full(12, 0.05), 0.05 + truth]) / 20_000
        whole = report(float(control.mean()), float(proof.mean()))
        segments = {
            str(place): report(*rates)
            for place, rates in enumerate(zip(control, proof, strict=True))
        }
        found = [row for row in drawn(whole, segments) if row is not None]
        own.append(float(np.mean((proof - control - truth) ** 2)))
        better.append(float(np.mean((np.array(found) - truth) ** 2)))

    assert mean(better) < 0.9 * mean(own)


def test_segments_are_marked_and_nothing_else_of_them_changes() -> None:
    whole, segment = report(0.05, 0.06), report(0.05, 0.08, segment="New")

    found = exploratory(whole, {"new": segment})["new"]

    assert found.is_exploratory
    assert not whole.is_exploratory
    assert found.arms[0] == segment.arms[0]
    assert replace(found.arms[1], drawn_difference=None) == segment.arms[1]
    assert found.sentence == segment.sentence


def test_where_nothing_may_be_shown_nothing_is_drawn() -> None:
    nothing = report(0.05, 0.06, units=5)

    assert drawn(nothing, {"new": report(0.05, 0.06)}) == [None]
    assert drawn(report(0.05, 0.06), {"new": nothing}) == [None]
    assert exploratory(report(0.05, 0.06), {}) == {}
