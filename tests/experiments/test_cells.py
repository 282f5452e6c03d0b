from collections.abc import Callable

import pytest

from byleave.experiments import Definitions
from byleave.experiments.cells import (
    Cell,
    cell_key,
    cells,
    remaining_cell,
    remaining_weights,
    starting_weights,
)

Define = Callable[..., Definitions]


def test_a_plain_experiment_has_one_cell(offer: Define) -> None:
    assert cells(offer().experiments["offer"]) == [Cell((), ("control", "proof"))]


def test_contexts_and_conditional_arms_multiply_the_cells(offer: Define) -> None:
    experiment = offer(
        allocate={"policy": "thompson", "goal": "bought", "contexts": ["gold", "swiss"]},
        variants={
            "often": {"template": "a.html", "when": "frequent"},
            "calm": {"template": "b.html", "unless": ["complaining"]},
            "rare": {"template": "c.html", "cap": {"exposures": 1, "within": "1d"}},
        },
    ).experiments["offer"]

    found = cells(experiment)

    assert len(found) == len(set(found)) == 2**5
    assert len({cell.key for cell in found}) == 2**5
    assert all({"control", "proof"} <= set(cell.arms) for cell in found)


def test_an_arm_in_some_locales_is_in_a_part_of_the_cells(offer: Define) -> None:
    greeting = {"fields": {"title": {"en": "Hello", "de": "Hallo"}, "link": "/a"}}
    experiment = offer(variants={"greeting": greeting}).experiments["offer"]

    assert {cell.key for cell in cells(experiment)} == {
        ":control+proof",
        ":control+greeting+proof",
    }


def test_a_cell_is_named_by_its_contexts_and_its_arms() -> None:
    assert Cell((True, False), ("control", "proof")).key == "10:control+proof"


def test_the_order_of_the_arms_does_not_change_the_name() -> None:
    assert cell_key([], ["proof", "control"]) == cell_key([], ["control", "proof"])


def test_a_retired_arm_is_in_no_cell(offer: Define) -> None:
    experiment = offer(variants={"often": {"template": "a.html", "when": "frequent"}})

    found = cells(experiment.experiments["offer"], retired=["often"])

    assert found == [Cell((), ("control", "proof"))]


def test_what_is_left_of_a_cell_without_retired_arms() -> None:
    assert remaining_cell("10:control+often+proof", ["often", "rare"]) == "10:control+proof"
    assert remaining_cell(":control+proof", []) == ":control+proof"


@pytest.mark.parametrize(
    ("weights", "left"),
    [
        ({"a": 0.1, "b": 0.3, "c": 0.6}, {"a": 0.25, "b": 0.75}),
        ({"a": 0.0, "b": 0.0, "c": 1.0}, {"a": 0.5, "b": 0.5}),
    ],
)
def test_arms_that_stay_share_as_they_did(
    weights: dict[str, float], left: dict[str, float]
) -> None:
    assert remaining_weights(weights, ["c"]) == pytest.approx(left)


@pytest.mark.parametrize(
    ("allocate", "arms", "weights"),
    [
        ({"policy": "thompson"}, ["control", "proof"], {"control": 0.5, "proof": 0.5}),
        ({"policy": "fixed"}, ["control", "proof"], {"control": 0.5, "proof": 0.5}),
        (
            {"policy": "fixed", "shares": {"control": "20%", "proof": "80%"}},
            ["proof", "control"],
            {"control": 0.2, "proof": 0.8},
        ),
        (
            {"policy": "fixed", "shares": {"control": "20%", "proof": "60%", "other": "20%"}},
            ["control", "proof"],
            {"control": 0.25, "proof": 0.75},
        ),
        (
            {"policy": "fixed", "shares": {"control": "0%", "proof": "100%"}},
            ["control"],
            {"control": 1.0},
        ),
    ],
)
def test_weights_start_equal_or_as_the_shares_say(
    offer: Define, allocate: dict[str, object], arms: list[str], weights: dict[str, float]
) -> None:
    experiment = offer(allocate=allocate).experiments["offer"]

    assert starting_weights(experiment, arms) == pytest.approx(weights)


def test_an_imported_split_weighs_its_ranges(offer: Define) -> None:
    ranges = {"control": {"start": 0.0, "end": 0.1}, "proof": {"start": 0.5, "end": 0.8}}
    experiment = offer(imported={"hash": "fnv1a32-v2", "seed": "old", "ranges": ranges})

    weights = starting_weights(experiment.experiments["offer"], ["control", "proof"])

    assert weights == pytest.approx({"control": 0.25, "proof": 0.75})
