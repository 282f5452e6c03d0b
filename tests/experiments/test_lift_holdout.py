import numpy as np
import pytest

from byleave.experiments.goals import Goal, GoalKind
from byleave.experiments.lift import (
    Group,
    Population,
    RelativeLift,
    holdout_contrast,
    holdout_sentence,
    welch,
)
from byleave.experiments.lift.mixture import mixture_variance
from byleave.segments import Duration


def test_the_always_valid_interval_is_that_of_the_formula() -> None:
    personalised, holdout = Group(19_000, 1_140, 1_140), Group(1_000, 50, 50)

    result = holdout_contrast(personalised, holdout, tuned_units=8_000)

    assert result is not None
    n, v = 20_000, mixture_variance(alpha=0.05, tuned=8_000)
    deviation = welch(personalised, holdout).standard_error * np.sqrt(n)
    margin = deviation * np.sqrt(2 * (n * v + 1) / (n**2 * v) * np.log(np.sqrt(n * v + 1) / 0.05))
    assert result.fixed.difference == pytest.approx(0.01)
    assert result.always_valid.low == pytest.approx(0.01 - margin)
    assert result.always_valid.high == pytest.approx(0.01 + margin)
    assert isinstance(result.relative, RelativeLift)
    assert result.relative.estimate == pytest.approx(0.2)


@pytest.mark.parametrize("hits", [40, 50, 60, 70, 80, 90, 100, 150])
def test_evidence_interval_and_relative_interval_agree_on_no_difference(hits: int) -> None:
    result = holdout_contrast(Group(19_000, 950, 950), Group(1_000, hits, hits))

    assert result is not None
    assert isinstance(result.relative, RelativeLift)
    excluded = 0.0 not in result.always_valid
    assert excluded == (result.e_value > 20)
    assert excluded == (0.0 not in result.relative.interval)
    assert result.always_valid_p == min(1.0, 1 / result.e_value)


def test_without_variation_there_is_no_contrast() -> None:
    assert holdout_contrast(Group(100, 0, 0), Group(10, 0, 0)) is None


@pytest.mark.parametrize(
    ("personalised", "holdout", "sentence"),
    [
        (
            Group(190_000, 12_350, 12_350),
            Group(10_000, 500, 500),
            "Among visitors who may be measured (61 % of page views), everything "
            "personalised raised signup by 30 % "
            "(95 % interval +1",
        ),
        (
            Group(19_000, 950, 950),
            Group(1_000, 50, 50),
            "Among visitors who may be measured (61 % of page views), everything "
            "personalised may have changed "
            "signup or not (95 % interval ",
        ),
        (
            Group(19_000, 950, 950),
            Group(1_000, 19, 19),
            "Not enough data yet among visitors who may be measured (61 %",
        ),
        (Group(19_000, 19_000, 19_000), Group(1_000, 1_000, 1_000), "Not enough data yet among"),
    ],
)
def test_everything_personalised_has_a_sentence_with_interval_and_population(
    personalised: Group, holdout: Group, sentence: str
) -> None:
    goal = Goal(event="sign_up", kind=GoalKind.CONVERSION, within=Duration(86_400_000))

    words = holdout_sentence(
        personalised,
        holdout,
        goal_key="signup",
        goal=goal,
        population=Population(page_share=0.61),
    )

    assert words.startswith(sentence)


def test_an_uncertain_holdout_leaves_the_absolute_difference() -> None:
    goal = Goal(event="sign_up", kind=GoalKind.CONVERSION, within="page")

    words = holdout_sentence(
        Group(10_000, 1_000, 1_000),
        Group(10_000, 20, 20),
        goal_key="signup",
        goal=goal,
        population=Population(unit="view"),
        tuned_units=0.001,  # tuned so badly that 20 conversions may be none
    )

    assert words.startswith(
        "Among all measured page views, everything personalised raised signup by 9.80 percentage "
        "points (95 % interval +"
    )
