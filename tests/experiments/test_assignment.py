from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byleave.experiments.assignment import Ranges, Slices, pick
from byleave.experiments.imported import Range

weights = st.dictionaries(st.text(max_size=3), st.integers(0, 100), min_size=1, max_size=8).filter(
    lambda parts: sum(parts.values()) > 0
)
points = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("split", "point", "arm"),
    [
        ({"a": 0.5, "b": 0.5}, 0.0, "a"),
        ({"a": 0.5, "b": 0.5}, 0.49999999999999994, "a"),
        ({"a": 0.5, "b": 0.5}, 0.5, "b"),
        ({"a": 0.5, "b": 0.5}, 0.9999999999999999, "b"),
        ({"b": 0.5, "a": 0.5}, 0.25, "a"),
        ({"a": 0.0, "b": 1.0}, 0.0, "b"),
        ({"a": 1.0, "b": 0.0}, 0.9999999999999999, "a"),
        ({"a": 0.5, "b": 0.0, "c": 0.5}, 0.5, "c"),
        ({"a": 1.0}, 0.9999999999999999, "a"),
        # Ten tenths add up to a hair less than 1.
        (dict.fromkeys("abcdefghij", 0.1), 0.9999999999999999, "j"),
        ({**dict.fromkeys("abcdefghij", 0.1), "k": 0.0}, 0.9999999999999999, "j"),
    ],
)
def test_a_point_picks_the_arm_whose_slice_holds_it(
    split: dict[str, float], point: float, arm: str
) -> None:
    assert pick(split, point) == arm


@given(weights, points)
def test_an_arm_without_weight_is_never_picked(parts: dict[str, int], point: float) -> None:
    total = sum(parts.values())

    assert parts[pick({arm: part / total for arm, part in parts.items()}, point)] > 0


@given(weights, points)
def test_the_order_of_arms_does_not_matter(parts: dict[str, int], point: float) -> None:
    total = sum(parts.values())
    split = {arm: part / total for arm, part in parts.items()}

    assert pick(dict(reversed(split.items())), point) == pick(split, point)


@given(weights)
def test_each_arm_is_picked_as_often_as_it_weighs(parts: dict[str, int]) -> None:
    total = sum(parts.values())
    slices = Slices({arm: part / total for arm, part in parts.items()})

    picked = Counter(slices.arm((index + 0.5) / total) for index in range(total))

    assert picked == Counter({arm: part for arm, part in parts.items() if part})


@pytest.mark.parametrize(
    ("point", "arm"), [(0.0, "a"), (0.25, None), (0.5, "b"), (0.75, None), (0.99, None)]
)
def test_ranges_may_leave_gaps(point: float, arm: str | None) -> None:
    ranges = Ranges({"a": Range(start=0, end=0.25), "b": Range(start=0.5, end=0.75)})

    assert ranges.arm(point) == arm
